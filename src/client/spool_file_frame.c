/*
 * spool_file_frame.c - frames: how they are made so that a kill at any moment leaves something that
 * can be read, and how they are read.
 *
 * A frame begins with a word of its size and the head mark. It is stored while the place is being
 * reserved, before anybody can reserve the next one, so the frames of a file join without gaps. Then
 * come time and event, and last the word of checksum and filled mark: with it the frame is there.
 *
 * Nothing is zeroed before a file is used again. Behind the last frame there are remains of older
 * ones, and a frame that is being filled holds them too, but nothing in them has the marks of this
 * file's number, and no event, time or padding can have any mark. So a word with the head mark is
 * the beginning of a frame of this file, and nothing else is.
 *
 * Words and tail are stored and loaded in one order for all threads (seq_cst): a reader that says
 * that it is going to wait and then looks, and a writer that fills a frame and then asks whether
 * somebody waits, cannot miss each other.
 *
 * The reader of a dead process's file relies on that: where a frame is not whole, it does not
 * believe the size either, and goes to the next word with the head mark.
 */
#include "crc32c.h"
#include "spool_file_words.h"

#include <assert.h>

static uint32_t
frame_size(uint32_t event_size)
{
    return (SPOOL_FRAME_HEAD + event_size + 7) & ~UINT32_C(7);
}

uint32_t
spool_file_event_max(uint32_t size)
{
    return size - SPOOL_FILE_START - SPOOL_FRAME_HEAD;
}

bool
spool_file_fits(const struct spool_file *file, uint32_t size)
{
    return frame_size(size) <= file->size - atomic_load(&file->tail);
}

uint32_t
spool_file_reserve(struct spool_file *file, uint32_t tail, uint32_t size)
{
    assert(size > 0 && size <= spool_file_event_max(SPOOL_FILE_SIZE_MAX) && file->number != 0);
    uint32_t taken = frame_size(size);
    if (taken > file->size - tail)
        return 0;
    word_store(file, tail, word_of(size, head_mark(file)));
    atomic_store(&file->tail, tail + taken);
    return tail + taken;
}

/* Over size, mark, time and event. */
static uint32_t
frame_checksum(const struct spool_file *file, uint32_t at, struct bytes event)
{
    return crc32c(crc32c(0, file->base + at, FRAME_FILLED), event.data, event.size);
}

void
spool_file_fill(struct spool_file *file, uint32_t at, struct bytes event, int64_t time)
{
    uint8_t *frame = file->base + at;
    uint32_t size = (uint32_t)event.size;
    put_u64(frame + FRAME_TIME, (uint64_t)time);
    put_u64(frame + frame_size(size) - 8, 0); /* the padding, if there is any */
    memcpy(frame + SPOOL_FRAME_HEAD, event.data, event.size);
    word_store(file, at + FRAME_FILLED,
               word_of(frame_checksum(file, at, event), filled_mark(file)));
}

/* The next frame at `from` or behind it, or the end. *trace_out: there are marks of this file that
 * belong to some frame, though perhaps not at its beginning. */
static uint32_t
find_frame(const struct spool_file *file, uint32_t from, uint32_t end, bool *trace_out)
{
    *trace_out = false;
    for (uint32_t at = from; at + 8 <= end; at += 8) {
        uint32_t mark = word_high(word_load(file, at));
        *trace_out = *trace_out || mark == filled_mark(file) || mark == head_mark(file);
        if (mark == head_mark(file))
            return at;
    }
    return end;
}

/* Whether a frame's head stands there; then its size. */
static bool
read_head(const struct spool_file *file, uint32_t at, uint32_t end, uint32_t *size_out)
{
    if (end - at < SPOOL_FRAME_HEAD + 8)
        return false;
    uint64_t head = word_load(file, at);
    uint32_t size = (uint32_t)head;
    if (word_high(head) != head_mark(file) || size == 0 || size > end - at - SPOOL_FRAME_HEAD)
        return false;
    *size_out = size;
    return true;
}

void
spool_file_look(const struct spool_file *file, uint32_t at, struct spool_frame *frame_out)
{
    assert(at >= SPOOL_FILE_START && at % 8 == 0 && at <= file->size);
    uint32_t end = atomic_load(&file->tail);
    uint32_t size = 0;
    bool trace;
    *frame_out = (struct spool_frame){ .kind = SPOOL_FRAME_NONE, .next = end };
    if (at == end)
        return;
    if (!read_head(file, at, end, &size)) {
        frame_out->next = find_frame(file, at + 8, end, &trace);
        if (trace || !file->dead)
            frame_out->kind = SPOOL_FRAME_DAMAGED;
        return;
    }
    uint64_t filled = word_load(file, at + FRAME_FILLED);
    bool marked = word_high(filled) == filled_mark(file);
    if (!marked && !file->dead) {
        frame_out->kind = SPOOL_FRAME_PENDING;
        return;
    }
    struct bytes event = { file->base + at + SPOOL_FRAME_HEAD, size };
    if ((uint32_t)filled == frame_checksum(file, at, event)) {
        frame_out->kind = SPOOL_FRAME_WHOLE;
        frame_out->next = at + frame_size(size);
        frame_out->event = event;
        frame_out->time = (int64_t)get_u64(file->base + at + FRAME_TIME);
        return;
    }
    frame_out->kind = marked ? SPOOL_FRAME_DAMAGED : SPOOL_FRAME_UNFINISHED;
    frame_out->next = find_frame(file, at + 8, end, &trace);
}

uint32_t
spool_file_filled(const struct spool_file *file, uint32_t from)
{
    uint32_t end = atomic_load(&file->tail);
    uint32_t size = 0;
    while (from < end && read_head(file, from, end, &size) &&
           word_high(word_load(file, from + FRAME_FILLED)) == filled_mark(file))
        from += frame_size(size);
    return from;
}
