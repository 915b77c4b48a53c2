/*
 * journal_fuzz.c - journal files with anything in them.
 *
 * The first byte says how many words of 16 bytes behind it stand in the first file, the rest stands
 * in the second; both get a good header. Whatever they hold: reading ends, gives only records that
 * follow each other, and changes nothing; where it finds no damage the journal can be claimed,
 * appended to and read again, and nothing is torn then (unless the file says that it was used
 * before: then there may be anything behind its records).
 *
 * Checksums would turn everything away, and someone who writes files on purpose computes them: here
 * they are all 0, in the writer and in the reader.
 */
#include "buffer.h"
#include "crc32c.h"
#include "disk_sim.h"
#include "journal_record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t tag[16] = "0123456789abcdef";

/* In place of the base layer's. */
uint32_t
crc32c(uint32_t crc, const void *data, size_t size)
{
    (void)crc;
    (void)data;
    (void)size;
    return 0;
}

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
put_file(struct disk *disk, const char *name, const uint8_t *data, size_t size)
{
    uint64_t file_size = (JOURNAL_HEADER_SIZE + size) & ~(uint64_t)(RECORD_ALIGNMENT - 1);
    uint8_t header[JOURNAL_HEADER_SIZE];
    journal_header_encode(tag, file_size, header);
    struct disk_file *file;
    must(disk_open(disk, name, DISK_CREATE, &file, NULL) == TALLY_OK);
    must(disk_write(file, 0, header, sizeof header, NULL) == TALLY_OK);
    size_t left = (size_t)(file_size - JOURNAL_HEADER_SIZE);
    if (left > 0)
        must(disk_write(file, JOURNAL_HEADER_SIZE, data, left, NULL) == TALLY_OK);
    disk_close(file);
}

struct seen {
    uint64_t sequence, index;
    unsigned sum; /* so that every byte is read */
};

static tally_status
visit(void *context, const struct journal_record *record, struct tally_error *error)
{
    (void)error;
    struct seen *seen = context;
    must(record->sequence == seen->sequence++ && record->first == seen->index);
    struct bytes body = record->body;
    struct journal_entry entry;
    while (journal_entry_next(&body, &entry)) {
        seen->index++;
        for (size_t i = 0; i < entry.public_part.size; i++)
            seen->sum += entry.public_part.data[i];
        for (size_t i = 0; i < entry.private_part.size; i++)
            seen->sum += entry.private_part.data[i];
        seen->sum += entry.salt[0] + entry.salt[JOURNAL_SALT_SIZE - 1];
    }
    must(seen->index == record->first + record->count);
    return TALLY_OK;
}

static const struct journal_position from = { .file = 1, .sequence = 1 };

static tally_status
read_all(struct disk *disk, struct seen *seen, struct journal_tail *tail_out)
{
    *seen = (struct seen){ .sequence = 1 };
    return journal_read(&(struct trail_place){ disk, "t", tag }, &from, 0, visit, seen, tail_out,
                        NULL);
}

static void
append_one(struct disk *disk, const struct journal_tail *tail)
{
    struct journal *journal;
    uint64_t epoch;
    must(journal_claim(&(struct trail_place){ disk, "t", tag }, &from, tail, &journal, &epoch,
                       NULL) == TALLY_OK);
    struct buffer body = { 0 };
    uint8_t salt[JOURNAL_SALT_SIZE] = { 1 };
    journal_entry_append(&body, bytes_text("{\"v\":1,\"a\":\"bcdefgh\"}"), salt, bytes_text("{}"));
    must(journal_append(journal, epoch, tail->end.index, 1, buffer_view(&body), NULL) == TALLY_OK);
    buffer_free(&body);
    journal_close(journal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t first = (size_t)data[0] * 16 < size - 1 ? (size_t)data[0] * 16 : size - 1;
    struct disk *disk = disk_sim_create();
    must(disk_make_folder(disk, "t", NULL) == TALLY_OK);
    must(disk_make_folder(disk, "t/journal", NULL) == TALLY_OK);
    put_file(disk, "t/journal/0000000000000001", data + 1, first);
    if (size - 1 > first)
        put_file(disk, "t/journal/0000000000000002", data + 1 + first, size - 1 - first);

    struct seen seen;
    struct journal_tail tail;
    uint64_t hash = disk_sim_hash(disk);
    tally_status status = read_all(disk, &seen, &tail);
    must(disk_sim_hash(disk) == hash);
    if (status == TALLY_OK) {
        must(seen.index == tail.end.index && seen.sequence == tail.end.sequence);
        append_one(disk, &tail);
        uint64_t entries = tail.end.index;
        must(read_all(disk, &seen, &tail) == TALLY_OK);
        must(tail.end.index == entries + 1 && (!tail.torn || tail.used_before));
    } else {
        must(status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED);
    }
    disk_close_folder(disk);
    return 0;
}
