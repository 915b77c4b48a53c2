/*
 * run_ids.c - where in a run an id is.
 *
 * A head has a table of its ids. A segment has buckets in its index file: a look at one id reads one
 * bucket and then the ids of the few rows whose fingerprint fits. Where that file cannot be used the
 * ids themselves tell; of many ids that are looked for at once, all are found on one way through the
 * column, whatever their number.
 */
#include "fault.h"
#include "run_reader.h"

#include <stdlib.h>

/* The id of a row; text is lent until the next call. */
static tally_status
row_id(struct run_reader *reader, uint32_t row, struct bytes *id_out, struct tally_error *error)
{
    return run_value(reader, FIELD_ID, row, id_out, error);
}

tally_status
run_page_id_hashes(struct run_reader *reader, uint32_t number, uint64_t *hashes,
                   struct tally_error *error)
{
    struct page page;
    struct dictionary dictionary = { 0 };
    tally_status status = run_page(reader, FIELD_ID, number, &page, error);
    if (status == TALLY_OK && page.kind == PAGE_CODES)
        status = run_dictionary(reader, FIELD_ID, &dictionary, error);
    for (uint32_t row = 0; status == TALLY_OK && row < page.rows; row++) {
        char text[PAGE_TEXT_MAX];
        hashes[row] = id_hash(page_value(&page, &dictionary, fields[FIELD_ID].column, row, text));
    }
    return status;
}

tally_status
run_id_hashes(struct run_reader *reader, uint64_t *hashes, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (uint32_t page = 0; page < run_page_count(&reader->run) && status == TALLY_OK; page++)
        status = run_page_id_hashes(reader, page, hashes + (size_t)page * PAGE_ROWS, error);
    return status;
}

/* The last of the rows of a bucket whose fingerprint and id fit. */
static tally_status
search_bucket(struct run_reader *reader, struct bytes bucket, uint32_t rows, uint64_t hash,
              struct run_id *id, struct tally_error *error)
{
    /* The index is of the whole segment; the run may be of an older size. */
    uint32_t indexed = reader->run.segment->info.count;
    uint16_t fingerprint = id_fingerprint(hash, id_index_bucket_bits(indexed));

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
        if (value.data != NULL && bytes_equal(value, id->id))
            id->row = row;
    }
    return TALLY_OK;
}

/* One id through the index; TALLY_ABSENT where that cannot be used. */
static tally_status
find_indexed(struct run_reader *reader, struct run_id *id, struct tally_error *error)
{
    uint64_t hash = id_hash(id->id);
    uint32_t rows;
    tally_status status =
        segment_find_bucket(reader->run.segment, hash, &reader->bucket, &rows, error);
    if (status != TALLY_OK)
        return status;
    return search_bucket(reader, buffer_view(&reader->bucket.bytes), rows, hash, id, error);
}

/* One of many ids that are looked for, in order of their hashes. */
struct sought {
    uint64_t hash;
    struct run_id *id;
};

static int
compare_hashes(const void *a, const void *b)
{
    const struct sought *left = a, *right = b;
    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

/* The first one whose hash is not below `hash`. */
static size_t
sought_from(const struct sought *sought, size_t count, uint64_t hash)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sought[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Compares the ids of a row's hash with the row's. */
static tally_status
settle_row(struct run_reader *reader, const struct sought *sought, size_t count, uint64_t hash,
           uint32_t row, struct tally_error *error)
{
    for (size_t k = sought_from(sought, count, hash); k < count && sought[k].hash == hash; k++) {
        struct bytes value;
        tally_status status = row_id(reader, row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && bytes_equal(value, sought[k].id->id))
            sought[k].id->row = row;
    }
    return TALLY_OK;
}

/* All of them, on one way through the ids. */
static tally_status
search_column(struct run_reader *reader, struct run_id *ids, size_t count,
              struct tally_error *error)
{
    struct sought *sought = malloc(count * sizeof *sought);
    uint64_t *hashes = malloc(reader->run.count * sizeof *hashes);
    tally_status status = sought == NULL || hashes == NULL ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = run_id_hashes(reader, hashes, error);
    if (status == TALLY_OK) {
        for (size_t i = 0; i < count; i++)
            sought[i] = (struct sought){ id_hash(ids[i].id), &ids[i] };
        qsort(sought, count, sizeof *sought, compare_hashes);
    }
    for (uint32_t row = 0; row < reader->run.count && status == TALLY_OK; row++)
        status = settle_row(reader, sought, count, hashes[row], row, error);
    free(sought);
    free(hashes);
    return status;
}

tally_status
run_find_ids(struct run_reader *reader, struct run_id *ids, size_t count, struct tally_error *error)
{
    const struct head *head = reader->run.head;
    for (size_t i = 0; i < count; i++)
        ids[i].row = RUN_NO_ROW;
    for (size_t i = 0; i < count && head != NULL; i++)
        (void)head_find_id(head, ids[i].id, reader->run.count, &ids[i].row);
    for (size_t i = 0; i < count && head == NULL; i++) {
        tally_status status = find_indexed(reader, &ids[i], error);
        if (status == TALLY_ABSENT)
            return search_column(reader, ids + i, count - i, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

tally_status
run_find_id(struct run_reader *reader, struct bytes id, uint32_t *row_out,
            struct tally_error *error)
{
    struct run_id sought = { .id = id };
    tally_status status = run_find_ids(reader, &sought, 1, error);
    if (status != TALLY_OK)
        return status;
    if (sought.row == RUN_NO_ROW)
        return TALLY_ABSENT;
    *row_out = sought.row;
    return TALLY_OK;
}
