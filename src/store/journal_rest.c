/*
 * journal_rest.c - what lies beyond the last good record: a crash is told from damage.
 *
 * A record is written only after the one before is synced. So a crash can leave the last record in
 * pieces, or not at all, but never a later one without an earlier one:
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
 */
#include "journal_reader.h"

/* The place where the next record was to stand. */
struct start {
    bool magic; /* a record's header was begun there */
    bool whole; /* and is whole */
    struct record_header header;
};

/* A header found beyond the end of the good records. */
static void
judge_header(const struct journal_reader *reader, const struct record_header *header,
             uint64_t start, uint64_t offset, struct journal_rest *rest)
{
    bool torn = offset == start && journal_reader_expects(reader, header);
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
scan_words(struct journal_reader *reader, uint64_t start, uint64_t *end_out,
           struct journal_rest *rest, struct tally_error *error)
{
    struct journal_window *window = &reader->window;
    uint64_t magic, end = start;
    memcpy(&magic, RECORD_MAGIC, sizeof magic);
    for (uint64_t offset = start; window->size - offset >= sizeof magic;) {
        uint64_t left = window->size - offset;
        size_t size = left < window->reach ? (size_t)left & ~(size_t)7 : window->reach;
        const uint8_t *data;
        tally_status status = journal_window_get(window, offset, size, &data, error);
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
judge_torn(const struct journal_reader *reader, const struct start *start, bool used_before,
           uint64_t left, uint64_t used, uint64_t *bytes_out)
{
    *bytes_out = used;
    if (!used_before && used > 0)
        return true;
    if (!start->magic)
        return false;
    *bytes_out = start->whole ? record_span(start->header.body_size) : RECORD_HEADER_SIZE;
    if (*bytes_out > left)
        *bytes_out = left;
    return !start->whole || journal_reader_expects(reader, &start->header);
}

/* What stands at `offset` of the open file. */
static tally_status
read_start(struct journal_reader *reader, uint64_t offset, struct start *start_out,
           struct tally_error *error)
{
    struct journal_window *window = &reader->window;
    struct start start = { .magic = false };
    if (window->size - offset >= RECORD_HEADER_SIZE) {
        const uint8_t *data;
        tally_status status = journal_window_get(window, offset, RECORD_HEADER_SIZE, &data, error);
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
inspect_file(struct journal_reader *reader, uint64_t offset, struct journal_rest *rest,
             struct tally_error *error)
{
    const struct journal_window *window = &reader->window;
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

tally_status
journal_rest_inspect(struct journal_reader *reader, struct journal_rest *rest_out,
                     struct tally_error *error)
{
    *rest_out = (struct journal_rest){ 0 };
    for (size_t i = 0; i < reader->numbers.count; i++) {
        uint64_t number = reader->numbers.numbers[i];
        if (number < reader->next.file)
            continue;
        tally_status status = journal_reader_open(reader, number, error);
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
