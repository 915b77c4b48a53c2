/*
 * journal_read.c - reading a journal back, as far as records chain.
 *
 * The next record stands behind the last one or, where it did not fit there, at the beginning of a
 * later file. It is good if its header has its checksum, the expected sequence, the expected index
 * and the checksum of the record before (the chain), and its body has its checksum and is well
 * formed. Files are recycled, so beyond the last record there may be remains of old ones: they have
 * lower sequences.
 *
 * Reading ends at the first place where no good record stands. Whether that is where a crash left
 * it or where records are damaged or gone, what lies beyond it tells (journal_rest.c).
 *
 * Without the lock, a writer may be at work. A later header may then be seen because the expected
 * record was written after we looked for it; so before damage is reported, we look again.
 */
#include "crc32c.h"
#include "fault.h"
#include "journal_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_MIN (64u << 10) /* bytes read at once: so many at first, */
#define WINDOW_MAX (1u << 20)  /* doubled with each read of the file up to this */

static void
window_close(struct journal_window *window)
{
    disk_close(window->file);
    window->file = NULL;
    buffer_clear(&window->bytes);
}

tally_status
journal_reader_open(struct journal_reader *reader, uint64_t number, struct tally_error *error)
{
    struct journal_window *window = &reader->window;
    window_close(window);
    window->number = number;
    window->offset = 0;
    window->reach = WINDOW_MIN;
    return journal_file_open(&reader->place, number, DISK_READ, &window->file, &window->size,
                             error);
}

tally_status
journal_window_get(struct journal_window *window, uint64_t offset, size_t size,
                   const uint8_t **data_out, struct tally_error *error)
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

bool
journal_reader_expects(const struct journal_reader *reader, const struct record_header *header)
{
    return header->sequence == reader->next.sequence && header->first == reader->next.index &&
           header->chain == reader->next.chain;
}

static void
advance(struct journal_reader *reader, const struct record_header *header, uint64_t offset)
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
read_body(struct journal_reader *reader, const struct record_header *header, uint64_t offset,
          struct bytes *body_out, struct tally_error *error)
{
    struct journal_window *window = &reader->window;
    if (header->body_size > window->size - offset - RECORD_HEADER_SIZE)
        return TALLY_ABSENT;
    const uint8_t *data;
    tally_status status =
        journal_window_get(window, offset + RECORD_HEADER_SIZE, header->body_size, &data, error);
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
read_header(struct journal_reader *reader, uint64_t offset, struct record_header *header_out,
            struct tally_error *error)
{
    struct journal_window *window = &reader->window;
    if (offset > window->size || window->size - offset < RECORD_HEADER_SIZE)
        return TALLY_ABSENT;
    const uint8_t *data;
    tally_status status = journal_window_get(window, offset, RECORD_HEADER_SIZE, &data, error);
    if (status != TALLY_OK)
        return status;
    return record_header_decode(data, reader->seed, header_out) ? TALLY_OK : TALLY_ABSENT;
}

/* Reads the record at `offset` if it is the next one, and shows it. TALLY_ABSENT where it is
 * not. */
static tally_status
read_record(struct journal_reader *reader, uint64_t offset, struct tally_error *error)
{
    struct record_header header;
    tally_status status = read_header(reader, offset, &header, error);
    if (status != TALLY_OK)
        return status;
    if (!journal_reader_expects(reader, &header))
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
read_file(struct journal_reader *reader, uint64_t offset, struct tally_error *error)
{
    tally_status status;
    while ((status = read_record(reader, offset, error)) == TALLY_OK)
        offset = reader->offset;
    return status == TALLY_ABSENT && !reader->stopped ? TALLY_OK : status;
}

static tally_status
list_files(struct journal_reader *reader, struct tally_error *error)
{
    free(reader->numbers.numbers);
    reader->numbers = (struct journal_numbers){ 0 };
    return journal_file_list(&reader->place, &reader->numbers, error);
}

/* Reads a later file from its beginning. Files that hold no record may be passed over (a record
 * that is larger than a fresh file makes another one), but not files that hold later ones. */
static tally_status
read_later_file(struct journal_reader *reader, struct tally_error *error)
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
read_on(struct journal_reader *reader, struct tally_error *error)
{
    tally_status status = list_files(reader, error);
    if (status != TALLY_OK)
        return status;
    uint64_t begin = reader->next.file;
    reader->ahead = 0;
    status = journal_reader_open(reader, begin, error);
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
        status = journal_reader_open(reader, reader->numbers.numbers[i], error);
        if (status == TALLY_OK)
            status = read_later_file(reader, error);
        else if (status == TALLY_ABSENT)
            status = TALLY_OK; /* recycled since we listed the folder */
    }
    return status;
}

/* The place where the next record was to stand: behind the last or, if nothing was begun there, at
 * the beginning of the file that `rest` points to. */
static tally_status
missing_fault(const struct journal_reader *reader, const struct journal_rest *rest,
              const char *reason, struct tally_error *error)
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
successor_fault(const struct journal_reader *reader, const struct journal_rest *rest,
                struct tally_error *error)
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
read_all(struct journal_reader *reader, struct journal_rest *rest_out, struct tally_error *error)
{
    bool looked_again = false;
    for (;;) {
        uint64_t before = reader->next.sequence;
        tally_status status = read_on(reader, error);
        if (status == TALLY_OK && (!looked_again || reader->next.sequence > before))
            status = journal_rest_inspect(reader, rest_out, error);
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
             struct journal_tail *tail_out, struct tally_error *error)
{
    struct journal_reader reader = {
        .place = *place,
        .seed = record_seed(place->tag),
        .visitor = visitor,
        .context = context,
        .next = *from,
        .offset = JOURNAL_HEADER_SIZE,
    };
    struct journal_rest rest;
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
    rest.tail.end = reader.next;
    rest.tail.offset = reader.offset;
    rest.tail.last_offset = reader.last_offset;
    rest.tail.used_before = rest.used_before;
    *tail_out = rest.tail;
    return TALLY_OK;
}
