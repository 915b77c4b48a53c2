/*
 * index_ids.c - buckets of ids, and where each is.
 *
 * Buckets as id_index.h writes them, and their table (index_buckets.h). A lookup reads two entries
 * of the table and one bucket: two reads of 16 and about 140 bytes. The filter for many ids reads
 * the section whole, by its own CRC.
 */
#include "index_ids.h"

#include "fault.h"
#include "run_column.h"

tally_status
index_ids_make(struct run_reader *reader, struct index_content *content, struct tally_error *error)
{
    uint32_t count = run_of(reader)->count;
    struct id_index index = { 0 };
    struct buffer table = { 0 };
    struct run_tokens *tokens;

    tally_status status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = id_index_build(&index, tokens->ids, count, error);
    if (status != TALLY_OK)
        return status;
    struct buffer *buckets = &content->bytes;
    for (uint32_t i = 0; i < UINT32_C(1) << index.bucket_bits && !buffer_failed(buckets); i++) {
        size_t start = buckets->size;
        id_index_bucket_encode(&index, i, buckets);
        index_buckets_note(buckets, start, &table);
    }
    buffer_bytes(buckets, buffer_view(&table));
    if (buffer_failed(buckets) || buffer_failed(&table))
        status = memory_fault(error);
    id_index_free(&index);
    buffer_free(&table);
    return status;
}

bool
index_ids_open(const struct index_section *section, uint32_t count, struct index_ids *out)
{
    struct index_ids ids = { .there = true, .count = count, .block = section->block };
    if (section->parameters.size != 0 ||
        !index_buckets_open(section, UINT64_C(1) << id_index_bucket_bits(count), &ids.buckets))
        return false;
    *out = ids;
    return true;
}

tally_status
index_ids_bucket(const struct index_ids *ids, const struct segment_file *file, uint64_t hash,
                 struct segment_input *input, uint32_t *rows_out, struct tally_error *error)
{
    static const struct segment_place place = { .part = "a bucket of ids" };
    uint32_t bucket = id_bucket_number(hash, id_index_bucket_bits(ids->count));
    tally_status status = index_buckets_read(&ids->buckets, file, &place, bucket, input, error);
    if (status != TALLY_OK)
        return status;
    uint32_t rows = id_bucket_rows(input->bytes.size, id_index_row_bits(ids->count));
    if (rows == UINT32_MAX)
        return segment_file_fault(file, &place, "makes no sense", error);
    *rows_out = rows;
    return TALLY_OK;
}

tally_status
index_ids_pages(const struct index_ids *ids, const struct segment_file *file, uint64_t hash,
                struct segment_input *input, uint64_t *pages_out, struct tally_error *error)
{
    uint16_t fingerprint = id_fingerprint(hash, id_index_bucket_bits(ids->count));
    uint32_t rows;
    tally_status status = index_ids_bucket(ids, file, hash, input, &rows, error);
    if (status != TALLY_OK)
        return status;
    struct bytes bucket = buffer_view(&input->bytes);
    uint64_t pages = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (get_u16(bucket.data + 2 * (size_t)i) != fingerprint)
            continue;
        uint32_t row = id_bucket_row(bucket, rows, id_index_row_bits(ids->count), i);
        if (row / PAGE_ROWS < 64)
            pages |= UINT64_C(1) << row / PAGE_ROWS;
    }
    *pages_out = pages;
    return TALLY_OK;
}

/* All buckets into the filter. */
static bool
filter_fill(const struct index_ids *ids, struct bytes buckets, const uint8_t *table,
            struct id_filter *filter)
{
    uint32_t start = 0;
    uint32_t filled = 0;

    for (uint32_t i = 0; i < UINT32_C(1) << id_index_bucket_bits(ids->count); i++) {
        uint32_t end = get_u32(table + (size_t)i * INDEX_BUCKETS_ENTRY);
        if (end < start || end > buckets.size)
            return false;
        struct bytes encoded = bytes_of(buckets.data + start, end - start);
        uint32_t rows = id_bucket_rows(encoded.size, id_index_row_bits(ids->count));
        if (rows > ids->count - filled)
            return false;
        id_filter_fill(filter, i, encoded, rows);
        filled += rows;
        start = end;
    }
    return start == buckets.size && filled == ids->count;
}

tally_status
index_ids_filter(const struct index_ids *ids, const struct segment_file *file,
                 struct id_filter *filter_out, struct tally_error *error)
{
    static const struct segment_place place = { .part = "ids" };
    struct id_filter filter;
    struct segment_input input = { 0 };

    tally_status status = id_filter_init(&filter, ids->count, error);
    if (status != TALLY_OK)
        return status;
    status = segment_file_read(file, &ids->block, &place, &input, error);
    if (status == TALLY_OK) {
        size_t size = (size_t)(ids->buckets.table_offset - ids->block.offset);
        if (!filter_fill(ids, bytes_of(input.bytes.data, size), input.bytes.data + size, &filter))
            status = segment_file_fault(file, &place, "are not where the table says", error);
    }
    buffer_free(&input.bytes);
    if (status == TALLY_OK)
        *filter_out = filter;
    else
        id_filter_free(&filter);
    return status;
}
