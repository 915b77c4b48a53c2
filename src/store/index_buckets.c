/*
 * index_buckets.c - one bucket of a section, found by two entries of its table.
 *
 * Two reads, whatever the size of the section: an entry has a bucket's end, the one before it where
 * it begins.
 */
#include "index_buckets.h"

#include "crc32c.h"

bool
index_buckets_open(const struct index_section *section, uint64_t count, struct index_buckets *out)
{
    uint64_t table_size = INDEX_BUCKETS_ENTRY * count;
    if (section->block.size < table_size)
        return false;
    *out = (struct index_buckets){
        .offset = section->block.offset,
        .table_offset = section->block.offset + section->block.size - table_size,
    };
    return true;
}

tally_status
index_buckets_read(const struct index_buckets *buckets, const struct segment_file *file,
                   const struct segment_place *place, uint32_t bucket, struct segment_input *input,
                   struct tally_error *error)
{
    uint8_t raw[2 * INDEX_BUCKETS_ENTRY] = { 0 };

    /* The entry before says where the bucket begins; before the first one there are zeros. */
    unsigned before = bucket > 0 ? 1 : 0;
    tally_status status = segment_file_fetch(
        file, buckets->table_offset + (uint64_t)(bucket - before) * INDEX_BUCKETS_ENTRY,
        (1 + before) * INDEX_BUCKETS_ENTRY, input, error);
    if (status != TALLY_OK)
        return status;
    memcpy(raw + (1 - before) * INDEX_BUCKETS_ENTRY, input->bytes.data, input->bytes.size);

    uint32_t start = get_u32(raw);
    uint32_t end = get_u32(raw + INDEX_BUCKETS_ENTRY);
    struct segment_block block = {
        .offset = buckets->offset + start,
        .size = end - start,
        .crc = get_u32(raw + INDEX_BUCKETS_ENTRY + 4),
    };
    if (start > end || end > buckets->table_offset - buckets->offset)
        return segment_file_fault(file, place, "cannot be where the table says", error);
    return segment_file_read(file, &block, place, input, error);
}

void
index_buckets_note(const struct buffer *buckets, size_t start, struct buffer *table)
{
    if (buffer_failed(buckets))
        return;
    buffer_u32(table, (uint32_t)buckets->size);
    buffer_u32(table, crc32c(0, buckets->data + start, buckets->size - start));
}
