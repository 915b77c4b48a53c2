/*
 * run_parts.c - the two parts of entries, written anew from their values.
 *
 * They are written by the same function that wrote them when they came (part_write), and the
 * commitment is computed from salt and private part: only an erased entry has it stored, as an
 * exception of 32 bytes in the column of salts, whose other values have 16.
 *
 * Whoever reads many entries in order has those of a group made together: private parts,
 * commitments, public parts, leaves. Hashing some side by side takes little longer than one.
 */
#include "base64.h"
#include "fault.h"
#include "run_reader.h"

#include <assert.h>
#include <inttypes.h>

/* A buffer that some great entries made this large is given back after them. */
#define BUFFER_KEEP_MAX ((size_t)4 << 20)

static tally_status
salt_fault(const struct run_reader *reader, uint32_t row, struct tally_error *error)
{
    const struct segment_column *stored = reader->columns[COLUMN_SALT].stored;
    return fault(error, TALLY_DAMAGED, "%s: entry %" PRIu64 " has neither a salt nor a commitment",
                 stored != NULL ? stored->file->name : "a run", reader->run.first + row);
}

/* What stands for row `row` of the run at `at` in a part of the column of salts. */
static tally_status
take_salt(struct run_reader *reader, uint32_t row, const struct page *page, uint32_t at,
          struct run_parts *parts_out, struct tally_error *error)
{
    if (page->kind == PAGE_IDS && page->forms[at] == ID_RAW) {
        *parts_out = (struct run_parts){ 0 };
        memcpy(parts_out->salt, page->ids[at], sizeof parts_out->salt);
        return TALLY_OK;
    }
    struct run_parts parts = { 0 };
    char text[PAGE_TEXT_MAX];
    struct bytes value = { NULL, 0 };
    if (page->kind == PAGE_IDS)
        value = page_value(page, NULL, COLUMN_HINT_ID, at, text);
    if (value.size != sizeof parts.commitment)
        return salt_fault(reader, row, error);
    memcpy(parts.commitment, value.data, sizeof parts.commitment);
    parts.erased = true;
    *parts_out = parts;
    return TALLY_OK;
}

tally_status
run_salt(struct run_reader *reader, uint32_t row, struct run_parts *parts_out,
         struct tally_error *error)
{
    struct page page;
    uint32_t at;
    tally_status status = run_column_row(reader, COLUMN_SALT, row, &page, &at, error);
    return status == TALLY_OK ? take_salt(reader, row, &page, at, parts_out, error) : status;
}

/* The salts of `row` and of those behind it, which stand in the same block, up to the first that has
 * none: whoever asks for that one is told. */
static tally_status
read_salts(struct run_reader *reader, uint32_t row, uint32_t ahead, uint32_t *count_out,
           struct tally_error *error)
{
    struct page page;
    uint32_t at;
    tally_status status = run_column_row(reader, COLUMN_SALT, row, &page, &at, error);
    if (status == TALLY_OK)
        status = take_salt(reader, row, &page, at, &reader->parts[0], error);
    if (status != TALLY_OK)
        return status;
    uint32_t count = 1;
    while (count <= ahead && take_salt(reader, row + count, &page, at + count,
                                       &reader->parts[count], NULL) == TALLY_OK)
        count++;
    *count_out = count;
    return TALLY_OK;
}

static void
empty_buffer(struct buffer *buffer)
{
    if (buffer->capacity > BUFFER_KEEP_MAX)
        buffer_free(buffer);
    buffer_clear(buffer);
}

/* The fields that a row may have a value of. */
static uint64_t
fields_of(const struct run_reader *reader, uint32_t row)
{
    return reader->group == row / GROUP_ROWS ? reader->group_values->present[row % GROUP_ROWS]
                                             : FIELDS_ALL;
}

/* The private parts of those that are not erased. False where memory is short. */
static bool
write_private_parts(struct run_reader *reader, uint64_t fields_private, uint32_t row,
                    uint32_t count)
{
    empty_buffer(&reader->private_parts);
    for (uint32_t i = 0; i < count; i++) {
        struct run_parts *parts = &reader->parts[i];
        if (parts->erased)
            continue;
        parts->private_offset = reader->private_parts.size;
        part_write(run_row(reader, row + i), fields_private & fields_of(reader, row + i),
                   &reader->private_parts);
        parts->private_size = reader->private_parts.size - parts->private_offset;
    }
    return !buffer_failed(&reader->private_parts);
}

static void
hash_private_parts(struct run_reader *reader, uint32_t count)
{
    struct entry_secret secrets[GROUP_ROWS] = { 0 };
    struct tally_hash hashes[GROUP_ROWS];
    uint32_t rows[GROUP_ROWS];
    uint32_t whole = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct run_parts *parts = &reader->parts[i];
        if (parts->erased)
            continue;
        const uint8_t *data = reader->private_parts.data + parts->private_offset;
        secrets[whole] = (struct entry_secret){ parts->salt, bytes_of(data, parts->private_size) };
        rows[whole++] = i;
    }
    entry_commit_many(secrets, whole, hashes);
    for (uint32_t i = 0; i < whole; i++)
        memcpy(reader->parts[rows[i]].commitment, hashes[i].bytes, sizeof hashes[i].bytes);
}

static bool
write_public_parts(struct run_reader *reader, uint64_t fields_private, uint32_t row, uint32_t count)
{
    empty_buffer(&reader->public_parts);
    for (uint32_t i = 0; i < count; i++) {
        struct run_parts *parts = &reader->parts[i];
        struct bytes *values = run_row(reader, row + i);
        char commitment[ENTRY_COMMITMENT_SIZE];
        base64_encode(parts->commitment, sizeof parts->commitment, commitment);
        values[FIELD_PRIVATE] = bytes_of(commitment, sizeof commitment);
        parts->public_offset = reader->public_parts.size;
        part_write(values,
                   (fields_of(reader, row + i) | FIELD_BIT(FIELD_PRIVATE)) & ~fields_private,
                   &reader->public_parts);
        values[FIELD_PRIVATE] = bytes_of(NULL, 0); /* no column has it */
        parts->public_size = reader->public_parts.size - parts->public_offset;
    }
    return !buffer_failed(&reader->public_parts);
}

static void
hash_public_parts(struct run_reader *reader, uint32_t count)
{
    struct bytes public_parts[GROUP_ROWS] = { 0 };
    for (uint32_t i = 0; i < count; i++)
        public_parts[i] = bytes_of(reader->public_parts.data + reader->parts[i].public_offset,
                                   reader->parts[i].public_size);
    entry_hash_leaves(public_parts, count, reader->leaves);
}

tally_status
run_parts_make(struct run_reader *reader, uint32_t row, uint32_t ahead, struct tally_error *error)
{
    assert(ahead == 0 ||
           (reader->group == row / GROUP_ROWS && row % GROUP_ROWS + ahead < GROUP_ROWS));
    uint32_t count;
    uint64_t fields_private;
    reader->parts_count = 0;
    tally_status status = read_salts(reader, row, ahead, &count, error);
    if (status == TALLY_OK)
        status = run_fields_private(reader, &fields_private, error);
    if (status != TALLY_OK)
        return status;
    if (!write_private_parts(reader, fields_private, row, count))
        return memory_fault(error);
    hash_private_parts(reader, count);
    if (!write_public_parts(reader, fields_private, row, count))
        return memory_fault(error);
    hash_public_parts(reader, count);
    reader->parts_first = row;
    reader->parts_count = count;
    return TALLY_OK;
}
