/*
 * run_entry.c - entries put together from columns, and found by their ids.
 *
 * An entry is one value of each column. Its two parts are written by the same function that wrote
 * them when they came (part_write), and the commitment is computed from salt and private part: only
 * an erased entry has it stored, as an exception of 32 bytes in the column of salts, whose other
 * values have 16.
 *
 * Whether an entry is the one that was signed, only its leaf can tell.
 */
#include "base64.h"
#include "fault.h"
#include "run_reader.h"

#include <assert.h>
#include <inttypes.h>

static tally_status
salt_fault(const struct run_reader *reader, uint64_t index, struct tally_error *error)
{
    const struct segment *segment = reader->run.segment;
    return fault(error, TALLY_DAMAGED, "%s: entry %" PRIu64 " has neither a salt nor a commitment",
                 segment != NULL ? segment->files[HALF_PRIVATE].name : "head", index);
}

/* Salt, or the commitment that an erasure left in its place. */
static tally_status
salt_read(struct run_reader *reader, uint32_t row, struct run_entry *entry,
          struct tally_error *error)
{
    struct page page;
    tally_status status = run_column_page(reader, COLUMN_SALT, row / PAGE_ROWS, &page, error);
    if (status != TALLY_OK)
        return status;

    uint32_t at = row % PAGE_ROWS;
    if (page.kind == PAGE_IDS && page.forms[at] == ID_RAW) {
        memcpy(entry->salt, page.ids[at], sizeof entry->salt);
        return TALLY_OK;
    }
    char text[PAGE_TEXT_MAX];
    struct bytes value = { NULL, 0 };
    if (page.kind == PAGE_IDS)
        value = page_value(&page, NULL, COLUMN_HINT_ID, at, text);
    if (value.size != sizeof entry->commitment)
        return salt_fault(reader, entry->index, error);
    memcpy(entry->commitment, value.data, sizeof entry->commitment);
    entry->erased = true;
    return TALLY_OK;
}

tally_status
run_row_kind(struct run_reader *reader, uint32_t row, bool *control_out, bool *erased_out,
             struct tally_error *error)
{
    struct run_entry entry = { .index = reader->run.first + row };
    struct bytes control;
    tally_status status = salt_read(reader, row, &entry, error);
    if (status == TALLY_OK)
        status = run_value(reader, FIELD_CONTROL, row, &control, error);
    if (status != TALLY_OK)
        return status;
    *control_out = control.data != NULL;
    *erased_out = entry.erased;
    return TALLY_OK;
}

/* Writes both parts anew and, unless the entry is erased, its commitment. */
static tally_status
parts_write(struct run_reader *reader, struct run_entry *entry, struct tally_error *error)
{
    buffer_clear(&reader->private_part);
    buffer_clear(&reader->public_part);
    if (!entry->erased) {
        struct tally_hash commitment;
        part_write(entry->values, reader->fields_private, &reader->private_part);
        if (buffer_failed(&reader->private_part))
            return memory_fault(error);
        entry->private_part = buffer_view(&reader->private_part);
        entry_commit_hash(entry->salt, entry->private_part, &commitment);
        memcpy(entry->commitment, commitment.bytes, sizeof entry->commitment);
    }

    base64_encode(entry->commitment, sizeof entry->commitment, reader->commitment);
    entry->values[FIELD_PRIVATE] = bytes_of(reader->commitment, sizeof reader->commitment);
    part_write(entry->values, FIELDS_ALL & ~reader->fields_private, &reader->public_part);
    if (buffer_failed(&reader->public_part))
        return memory_fault(error);
    entry->public_part = buffer_view(&reader->public_part);
    return TALLY_OK;
}

/* Makes the values of the group of rows that `row` is in known. A column at a time: the dictionary's
 * entries of many rows, each a cache miss, are then fetched together. */
static tally_status
group_read(struct run_reader *reader, uint32_t row, struct tally_error *error)
{
    uint32_t group = row / GROUP_ROWS;
    uint32_t first = group * GROUP_ROWS;
    uint32_t left = reader->run.count - first;
    uint32_t count = left < GROUP_ROWS ? left : GROUP_ROWS;
    tally_status status = TALLY_OK;

    for (unsigned field = 0; field < FIELD_COUNT && status == TALLY_OK; field++)
        if (field != FIELD_PRIVATE)
            status = run_values(reader, (enum field_id)field, first, count, reader->values[field],
                                reader->group_texts[field], error);
    /* Only now: a column that turned to this page forgot the group. */
    reader->group = status == TALLY_OK ? group : NO_GROUP;
    return status;
}

tally_status
run_entry(struct run_reader *reader, uint32_t row, enum run_want want, struct run_entry *entry_out,
          struct tally_error *error)
{
    assert(row < reader->run.count);
    struct run_entry entry = { .index = reader->run.first + row };
    tally_status status = TALLY_OK;

    if (reader->run.segment != NULL)
        status = segment_whole(reader->run.segment, error);
    if (status == TALLY_OK)
        status = salt_read(reader, row, &entry, error);
    if (status == TALLY_OK && reader->group != row / GROUP_ROWS)
        status = group_read(reader, row, error);
    for (unsigned field = 0; field < FIELD_COUNT && status == TALLY_OK; field++)
        entry.values[field] = reader->values[field][row % GROUP_ROWS];
    if (status == TALLY_OK && want == RUN_PARTS)
        status = parts_write(reader, &entry, error);
    if (status != TALLY_OK)
        return status;

    entry.control = entry.values[FIELD_CONTROL].data != NULL;
    *entry_out = entry;
    return TALLY_OK;
}

/* The id of a row; text is lent until the next call. */
static tally_status
row_id(struct run_reader *reader, uint32_t row, struct bytes *id_out, struct tally_error *error)
{
    return run_value(reader, FIELD_ID, row, id_out, error);
}

tally_status
run_id_hashes(struct run_reader *reader, uint64_t *hashes, struct tally_error *error)
{
    for (uint32_t row = 0; row < reader->run.count; row++) {
        struct bytes id;
        tally_status status = row_id(reader, row, &id, error);
        if (status != TALLY_OK)
            return status;
        hashes[row] = id_hash(id);
    }
    return TALLY_OK;
}

/* The last row with this id, by looking at all of them. */
static tally_status
id_search(struct run_reader *reader, struct bytes id, uint32_t *row_out, struct tally_error *error)
{
    for (uint32_t row = reader->run.count; row-- > 0;) {
        struct bytes value;
        tally_status status = row_id(reader, row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && bytes_equal(value, id)) {
            *row_out = row;
            return TALLY_OK;
        }
    }
    return TALLY_ABSENT;
}

/* The last of the rows of a bucket whose fingerprint and id fit. */
static tally_status
bucket_search(struct run_reader *reader, struct bytes bucket, uint32_t rows, uint64_t hash,
              struct bytes id, uint32_t *row_out, struct tally_error *error)
{
    /* The index is of the whole segment; the run may be of an older size. */
    uint32_t indexed = reader->run.segment->info.count;
    uint16_t fingerprint = id_fingerprint(hash, id_index_bucket_bits(indexed));
    uint32_t found = UINT32_MAX;

    for (uint32_t i = 0; i < rows; i++) {
        if (get_u16(bucket.data + 2 * (size_t)i) != fingerprint)
            continue;
        uint32_t row = id_bucket_row(bucket, rows, id_index_row_bits(indexed), i);
        if (row >= reader->run.count)
            continue;
        struct bytes value;
        tally_status status = row_id(reader, row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && bytes_equal(value, id))
            found = row;
    }
    if (found == UINT32_MAX)
        return TALLY_ABSENT;
    *row_out = found;
    return TALLY_OK;
}

tally_status
run_find_id(struct run_reader *reader, struct bytes id, uint32_t *row_out,
            struct tally_error *error)
{
    if (reader->run.head != NULL)
        return head_find_id(reader->run.head, id, reader->run.count, row_out);

    uint64_t hash = id_hash(id);
    uint32_t rows;
    tally_status status =
        segment_read_bucket(reader->run.segment, hash, &reader->bucket, &rows, error);
    if (status == TALLY_OK)
        return bucket_search(reader, buffer_view(&reader->bucket), rows, hash, id, row_out, error);
    if (status == TALLY_ABSENT)
        return id_search(reader, id, row_out, error);
    return status;
}
