/*
 * journal_read.c - reading a journal back, and telling a crash from damage.
 *
 * The next record stands behind the last one or, where it did not fit there, at the beginning of a
 * later file. It is good if its header has its checksum, the expected sequence, the expected index
 * and the checksum of the record before (the chain), and its body has its checksum and is well
 * formed. Files are recycled, so beyond the last record there may be remains of old ones: they have
 * lower sequences.
 *
 * Reading ends at the first place where no good record stands. A record is written only after the
 * one before is synced. So a crash can leave the last record in pieces, or not at all, but never a
 * later one without an earlier one:
 *
 *     found beyond the end                                meaning
 *     a header of a later sequence, anywhere              the record at the end was durable: damage
 *     a header of the expected sequence, not where the    the same: somebody moved it
 *         record was to stand or not following the
 *         one before
 *     that header where it was to stand, its body bad     a torn record
 *     anything but zeros, in a file never used before     a torn record whose header was lost
 *     zeros, or remains of lower sequences                nothing was begun
 *
 * What is left of a torn record without its header, in a file that was used before, cannot be told
 * from other remains: it is not reported, and is harmless like them. Whether a file was used before
 * is a flag in every record written to it, or can be seen from an old record at its beginning.
 *
 * A header is enough for the verdict: its checksum covers the trail's tag and the sequence, and
 * that a later record was begun at all means that the one before it had been synced. Every multiple
 * of 8 in the rest of the file and in all later files is looked at (see journal_record.c for why
 * what an application sends cannot stand for a header).
 *
 * Without the lock, a writer may be at work. A later header may then be seen because the expected
 * record was written after we looked for it; so before damage is reported, we look again.
 */
#include "buffer.h"
#include "crc32c.h"
#include "fault.h"
#include "journal_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_MIN (64u << 10) /* bytes read at once: so many at first, */
#define WINDOW_MAX (1u << 20)  /* doubled with each read of the file up to this */

/* An open file and the part of it that is in memory. */
struct window {
    struct disk_file *file;
    uint64_t number;
    uint64_t size;   /* of the file */
    size_t reach;    /* bytes to be read at once next time */
    uint64_t offset; /* of what is in `bytes` */
    struct buffer bytes;
};

struct reader {
    struct trail_place place;
    uint32_t seed;
    journal_visitor visitor;
    void *context;
    bool stopped; /* by the visitor */
    struct window window;
    struct journal_numbers numbers;

    struct journal_position next; /* its file: where the last good record stands, or the first */
    uint64_t offset;              /* behind the last good record, in that file */
    uint64_t last_offset;         /* of it; 0: no record read in that file */
    uint16_t last_flags;
    uint64_t ahead; /* a file passed over that begins with a later record; 0: none */
};

/* What lies beyond the end of the good records. */
struct rest {
    bool successor; /* a header that makes it damage */
    uint64_t successor_file, successor_offset, successor_sequence;
    bool used_before; /* the file the end is in */
    struct journal_tail tail;
};

/* The place where the next record was to stand. */
struct start {
    bool magic; /* a record's header was begun there */
    bool whole; /* and is whole */
    struct record_header header;
};

static void
window_close(struct window *window)
{
    disk_close(window->file);
    window->file = NULL;
    buffer_clear(&window->bytes);
}

static tally_status
window_open(struct reader *reader, uint64_t number, struct tally_error *error)
{
    struct window *window = &reader->window;
    window_close(window);
    window->number = number;
    window->offset = 0;
    window->reach = WINDOW_MIN;
    return journal_file_open(&reader->place, number, DISK_READ, &window->file, &window->size,
                             error);
}

/* `size` bytes at `offset`, which are within the file: lent until the next call. */
static tally_status
window_get(struct window *window, uint64_t offset, size_t size, const uint8_t **data_out,
           struct tally_error *error)
{
    uint64_t end = window->offset + window->bytes.size;
    if (offset < window->offset || offset + size > end) {
        uint64_t left = window->size - offset;
        size_t wanted = size > window->reach ? size : window->reach;
        if (wanted > left)
            wanted = (size_t)left;
        if (window->reach < WINDOW_MAX)
            window->reach *= 2;
        buffer_clear(&window->bytes);
        uint8_t *room = buffer_reserve(&window->bytes, wanted);
        if (room == NULL)
            return memory_fault(error);
        tally_status status = disk_read_all(window->file, offset, room, wanted, error);
        if (status != TALLY_OK)
            return status;
        window->bytes.size = wanted;
        window->offset = offset;
    }
    *data_out = window->bytes.data + (offset - window->offset);
    return TALLY_OK;
}

/* Whether a header is that of the next record, wherever it stands. */
static bool
is_next(const struct reader *reader, const struct record_header *header)
{
    return header->sequence == reader->next.sequence && header->first == reader->next.index &&
           header->chain == reader->next.chain;
}

static void
advance(struct reader *reader, const struct record_header *header, uint64_t offset)
{
    reader->next.file = reader->window.number;
    reader->next.sequence++;
    reader->next.index += header->count;
    reader->next.chain = header->crc;
    reader->last_offset = offset;
    reader->last_flags = header->flags;
    reader->offset = offset + record_span(header->body_size);
}

/* The body of the next record, whose header is good. TALLY_ABSENT where it is not whole. */
static tally_status
read_body(struct reader *reader, const struct record_header *header, uint64_t offset,
          struct bytes *body_out, struct tally_error *error)
{
    struct window *window = &reader->window;
    if (header->body_size > window->size - offset - RECORD_HEADER_SIZE)
        return TALLY_ABSENT;
    const uint8_t *data;
    tally_status status =
        window_get(window, offset + RECORD_HEADER_SIZE, header->body_size, &data, error);
    if (status != TALLY_OK)
        return status;
    if (crc32c(0, data, header->body_size) != header->body_crc)
        return TALLY_ABSENT;
    *body_out = bytes_of(data, header->body_size);
    if (record_body_valid(*body_out, header->count) &&
        header->first <= (uint64_t)INT64_MAX - header->count)
        return TALLY_OK;
    return fault(error, TALLY_DAMAGED,
                 "%s: the record at byte %" PRIu64 " (sequence %" PRIu64 ") is no list of entries",
                 window->file->name, offset, header->sequence);
}

/* Reads the header at `offset`. TALLY_ABSENT where there is none of this trail. */
static tally_status
read_header(struct reader *reader, uint64_t offset, struct record_header *header_out,
            struct tally_error *error)
{
    struct window *window = &reader->window;
    if (offset > window->size || window->size - offset < RECORD_HEADER_SIZE)
        return TALLY_ABSENT;
    const uint8_t *data;
    tally_status status = window_get(window, offset, RECORD_HEADER_SIZE, &data, error);
    if (status != TALLY_OK)
        return status;
    return record_header_decode(data, reader->seed, header_out) ? TALLY_OK : TALLY_ABSENT;
}

/* Reads the record at `offset` if it is the next one, and shows it. TALLY_ABSENT where it is
 * not. */
static tally_status
read_record(struct reader *reader, uint64_t offset, struct tally_error *error)
{
    struct record_header header;
    tally_status status = read_header(reader, offset, &header, error);
    if (status != TALLY_OK)
        return status;
    if (!is_next(reader, &header))
        return TALLY_ABSENT;
    if (header.format != 1)
        return fault(error, TALLY_UNSUPPORTED,
                     "%s: the record at byte %" PRIu64 " has format %u; this program reads 1",
                     reader->window.file->name, offset, (unsigned)header.format);
    struct bytes body;
    status = read_body(reader, &header, offset, &body, error);
    if (status != TALLY_OK)
        return status;

    struct journal_record record = {
        .sequence = header.sequence,
        .first = header.first,
        .count = header.count,
        .crc = header.crc,
        .file = reader->window.number,
        .offset = offset,
        .body = body,
    };
    status = reader->visitor(reader->context, &record, error);
    reader->stopped = status != TALLY_OK;
    if (status == TALLY_OK)
        advance(reader, &header, offset);
    return status;
}

/* Reads on in the open file. */
static tally_status
read_file(struct reader *reader, uint64_t offset, struct tally_error *error)
{
    tally_status status;
    while ((status = read_record(reader, offset, error)) == TALLY_OK)
        offset = reader->offset;
    return status == TALLY_ABSENT && !reader->stopped ? TALLY_OK : status;
}

static tally_status
list_files(struct reader *reader, struct tally_error *error)
{
    free(reader->numbers.numbers);
    reader->numbers = (struct journal_numbers){ 0 };
    return journal_file_list(&reader->place, &reader->numbers, error);
}

/* Reads a later file from its beginning. Files that hold no record may be passed over (a record
 * that is larger than a fresh file makes another one), but not files that hold later ones. */
static tally_status
read_later_file(struct reader *reader, struct tally_error *error)
{
    uint64_t number = reader->window.number;
    tally_status status = read_file(reader, JOURNAL_HEADER_SIZE, error);
    if (status != TALLY_OK)
        return status;
    if (reader->next.file != number) {
        struct record_header header;
        status = read_header(reader, JOURNAL_HEADER_SIZE, &header, error);
        if (status == TALLY_OK && header.sequence > reader->next.sequence)
            reader->ahead = number;
        return status == TALLY_ABSENT ? TALLY_OK : status;
    }
    if (reader->ahead == 0)
        return TALLY_OK;
    char name[DISK_NAME_SIZE];
    journal_file_name(&reader->place, reader->ahead, name);
    return fault(error, TALLY_DAMAGED, "%s stands before %s; its records come after", name,
                 reader->window.file->name);
}

/* Reads as far as records chain, from where the last time ended, through all files there are
 * now. */
static tally_status
read_on(struct reader *reader, struct tally_error *error)
{
    tally_status status = list_files(reader, error);
    if (status != TALLY_OK)
        return status;
    uint64_t begin = reader->next.file;
    reader->ahead = 0;
    status = window_open(reader, begin, error);
    if (status == TALLY_ABSENT) {
        char name[DISK_NAME_SIZE];
        journal_file_name(&reader->place, begin, name);
        return fault(error, TALLY_DAMAGED, "%s is missing", name);
    }
    if (status == TALLY_OK)
        status = read_file(reader, reader->offset, error);
    for (size_t i = 0; i < reader->numbers.count && status == TALLY_OK; i++) {
        if (reader->numbers.numbers[i] <= begin)
            continue;
        status = window_open(reader, reader->numbers.numbers[i], error);
        if (status == TALLY_OK)
            status = read_later_file(reader, error);
        else if (status == TALLY_ABSENT)
            status = TALLY_OK; /* recycled since we listed the folder */
    }
    return status;
}

/* A header found beyond the end of the good records. */
static void
judge_header(const struct reader *reader, const struct record_header *header, uint64_t start,
             uint64_t offset, struct rest *rest)
{
    bool torn = offset == start && is_next(reader, header);
    if (header->sequence < reader->next.sequence || torn || rest->successor)
        return;
    rest->successor = true;
    rest->successor_file = reader->window.number;
    rest->successor_offset = offset;
    rest->successor_sequence = header->sequence;
}

/* Whether 64 bytes are zeros. Most of a journal's last file is. */
static bool
is_blank(const uint8_t *data)
{
    uint64_t words[8], all = 0;
    memcpy(words, data, sizeof words);
    for (size_t i = 0; i < 8; i++)
        all |= words[i];
    return all == 0;
}

/* Looks at every word of the open file from `start` on. *end_out is behind the last that is not
 * zero. */
static tally_status
scan_words(struct reader *reader, uint64_t start, uint64_t *end_out, struct rest *rest,
           struct tally_error *error)
{
    struct window *window = &reader->window;
    uint64_t magic, end = start;
    memcpy(&magic, RECORD_MAGIC, sizeof magic);
    for (uint64_t offset = start; window->size - offset >= sizeof magic;) {
        uint64_t left = window->size - offset;
        size_t size = left < window->reach ? (size_t)left & ~(size_t)7 : window->reach;
        const uint8_t *data;
        tally_status status = window_get(window, offset, size, &data, error);
        if (status != TALLY_OK)
            return status;
        uint64_t next = offset + size;
        for (size_t at = 0; at < size; at += sizeof magic) {
            while (size - at > 64 && is_blank(data + at))
                at += 64;
            uint64_t word;
            memcpy(&word, data + at, sizeof word);
            if (word == 0)
                continue;
            end = offset + at + sizeof word;
            if (word != magic)
                continue;
            if (at > size - RECORD_HEADER_SIZE && left > size) {
                next = offset + at; /* the header goes on in the next window */
                break;
            }
            struct record_header header;
            if (size - at >= RECORD_HEADER_SIZE &&
                record_header_decode(data + at, reader->seed, &header))
                judge_header(reader, &header, start, offset + at, rest);
        }
        offset = next;
    }
    *end_out = end;
    return TALLY_OK;
}

/* Whether a torn record begins where the next one was to stand, and how far it can be seen to
 * reach; `left` is the file's rest from there, `used` how much of it is not all zeros. */
static bool
judge_torn(const struct reader *reader, const struct start *start, bool used_before, uint64_t left,
           uint64_t used, uint64_t *bytes_out)
{
    *bytes_out = used;
    if (!used_before && used > 0)
        return true;
    if (!start->magic)
        return false;
    *bytes_out = start->whole ? record_span(start->header.body_size) : RECORD_HEADER_SIZE;
    if (*bytes_out > left)
        *bytes_out = left;
    return !start->whole || is_next(reader, &start->header);
}

/* What stands at `offset` of the open file. */
static tally_status
read_start(struct reader *reader, uint64_t offset, struct start *start_out,
           struct tally_error *error)
{
    struct window *window = &reader->window;
    struct start start = { .magic = false };
    if (window->size - offset >= RECORD_HEADER_SIZE) {
        const uint8_t *data;
        tally_status status = window_get(window, offset, RECORD_HEADER_SIZE, &data, error);
        if (status != TALLY_OK)
            return status;
        start.magic = memcmp(data, RECORD_MAGIC, 8) == 0;
        start.whole = record_header_decode(data, reader->seed, &start.header);
    }
    *start_out = start;
    return TALLY_OK;
}

/* Looks at the open file from `offset` on, beyond the end of the good records. */
static tally_status
inspect_file(struct reader *reader, uint64_t offset, struct rest *rest, struct tally_error *error)
{
    const struct window *window = &reader->window;
    struct start start;
    uint64_t end;
    tally_status status = read_start(reader, offset, &start, error);
    if (status == TALLY_OK)
        status = scan_words(reader, offset, &end, rest, error);
    if (status != TALLY_OK)
        return status;

    bool last = window->number == reader->next.file;
    bool used_before = last && reader->last_offset != 0
                           ? (reader->last_flags & RECORD_FILE_USED_BEFORE) != 0
                           : start.whole && start.header.sequence < reader->next.sequence;
    if (last)
        rest->used_before = used_before;
    uint64_t bytes;
    if (judge_torn(reader, &start, used_before, window->size - offset, end - offset, &bytes) &&
        !rest->tail.torn) {
        rest->tail.torn = true;
        rest->tail.torn_file = window->number;
        rest->tail.torn_offset = offset;
        rest->tail.torn_bytes = bytes;
    }
    return TALLY_OK;
}

/* Looks at all that lies beyond the end of the good records. */
static tally_status
inspect_rest(struct reader *reader, struct rest *rest_out, struct tally_error *error)
{
    *rest_out = (struct rest){ 0 };
    for (size_t i = 0; i < reader->numbers.count; i++) {
        uint64_t number = reader->numbers.numbers[i];
        if (number < reader->next.file)
            continue;
        tally_status status = window_open(reader, number, error);
        if (status == TALLY_ABSENT)
            continue;
        bool last = number == reader->next.file;
        if (status == TALLY_OK)
            status =
                inspect_file(reader, last ? reader->offset : JOURNAL_HEADER_SIZE, rest_out, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* The place where the next record was to stand: behind the last or, if nothing was begun there, at
 * the beginning of the file that `rest` points to. */
static tally_status
missing_fault(const struct reader *reader, const struct rest *rest, const char *reason,
              struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    uint64_t file = reader->next.file, offset = reader->offset;
    if (rest->tail.torn) {
        file = rest->tail.torn_file;
        offset = rest->tail.torn_offset;
    }
    journal_file_name(&reader->place, file, name);
    return fault(error, TALLY_DAMAGED,
                 "%s: the record at byte %" PRIu64 " (sequence %" PRIu64 ", from entry %" PRIu64
                 ") is damaged or gone: %s",
                 name, offset, reader->next.sequence, reader->next.index, reason);
}

static tally_status
successor_fault(const struct reader *reader, const struct rest *rest, struct tally_error *error)
{
    char name[DISK_NAME_SIZE], reason[DISK_NAME_SIZE + 100];
    journal_file_name(&reader->place, rest->successor_file, name);
    (void)snprintf(reason, sizeof reason,
                   "a record of sequence %" PRIu64 " stands at byte %" PRIu64 " of %s",
                   rest->successor_sequence, rest->successor_offset, name);
    return missing_fault(reader, rest, reason, error);
}

/* Reads and inspects until nothing follows. */
static tally_status
read_all(struct reader *reader, struct rest *rest_out, struct tally_error *error)
{
    bool looked_again = false;
    for (;;) {
        uint64_t before = reader->next.sequence;
        tally_status status = read_on(reader, error);
        if (status == TALLY_OK && (!looked_again || reader->next.sequence > before))
            status = inspect_rest(reader, rest_out, error);
        if (status != TALLY_OK || !rest_out->successor)
            return status;
        if (looked_again && reader->next.sequence == before)
            return successor_fault(reader, rest_out, error);
        looked_again = true;
    }
}

tally_status
journal_read(const struct trail_place *place, const struct journal_position *from,
             uint64_t index_min, journal_visitor visitor, void *context,
             struct journal_position *end_out, struct journal_tail *tail_out,
             struct tally_error *error)
{
    struct reader reader = {
        .place = *place,
        .seed = record_seed(place->tag),
        .visitor = visitor,
        .context = context,
        .next = *from,
        .offset = JOURNAL_HEADER_SIZE,
    };
    struct rest rest;
    tally_status status = read_all(&reader, &rest, error);
    if (status == TALLY_OK && reader.next.index < index_min) {
        char reason[80];
        (void)snprintf(reason, sizeof reason,
                       "a checkpoint says that there are %" PRIu64 " entries", index_min);
        status = missing_fault(&reader, &rest, reason, error);
    }
    window_close(&reader.window);
    buffer_free(&reader.window.bytes);
    free(reader.numbers.numbers);
    if (status != TALLY_OK)
        return status;
    rest.tail.offset = reader.offset;
    rest.tail.last_offset = reader.last_offset;
    rest.tail.used_before = rest.used_before;
    *end_out = reader.next;
    *tail_out = rest.tail;
    return TALLY_OK;
}
