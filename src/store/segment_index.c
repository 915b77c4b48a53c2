/*
 * segment_index.c - the index file of a segment.
 *
 *     header     64 bytes, kind 3
 *     buckets    one behind the other, as id_index.h writes them
 *     table      a bucket:  4 end of the bucket, counted from the first bucket's begin
 *                           4 CRC-32C of the bucket's bytes
 *     directory  4 entries   1 bucket bits   1 row bits   2 zero
 *                8 size of all buckets       4 table: size   4 CRC-32C
 *     trailer
 *
 * A lookup reads two entries of the table and one bucket: two reads of 16 and about 140 bytes,
 * nothing kept in memory. Such a look does not check the table's own CRC; a table that lies leads
 * to bytes that do not have the bucket's CRC. The filter for many ids reads all and checks all.
 *
 * Nothing here is trusted by verification, and everything can be rebuilt from the id column: a file
 * that is missing or damaged makes lookups slow and is reported by segment_check().
 */
#include "segment_index.h"

#include "crc32c.h"
#include "fault.h"
#include "run_column.h"
#include "segment_read.h"

#include <stdlib.h>

#define DIRECTORY_SIZE   24u
#define TABLE_ENTRY_SIZE 8u

static const char cure[] = "; rebuild it with `tally trail rebuild`";

/* Everything between header and trailer of an index file, computed from the ids. */
struct index_content {
    struct buffer buckets;
    struct buffer table;
    uint8_t directory[DIRECTORY_SIZE];
};

static void
content_free(struct index_content *content)
{
    buffer_free(&content->buckets);
    buffer_free(&content->table);
}

static void
content_encode(const struct id_index *index, struct index_content *content)
{
    for (uint32_t bucket = 0; bucket < UINT32_C(1) << index->bucket_bits; bucket++) {
        size_t start = content->buckets.size;
        id_index_bucket_encode(index, bucket, &content->buckets);
        if (buffer_failed(&content->buckets))
            return;
        buffer_u32(&content->table, (uint32_t)content->buckets.size);
        buffer_u32(&content->table,
                   crc32c(0, content->buckets.data + start, content->buckets.size - start));
    }

    put_u32(content->directory, index->count);
    content->directory[4] = (uint8_t)index->bucket_bits;
    content->directory[5] = (uint8_t)index->row_bits;
    put_u16(content->directory + 6, 0);
    put_u64(content->directory + 8, content->buckets.size);
    put_u32(content->directory + 16, (uint32_t)content->table.size);
    put_u32(content->directory + 20, crc32c(0, content->table.data, content->table.size));
}

/* The caller frees the content, whatever is returned. */
static tally_status
content_make(struct run_reader *reader, struct index_content *content, struct tally_error *error)
{
    uint32_t count = run_of(reader)->count;
    struct id_index index = { 0 };
    uint64_t *hashes = malloc(count * sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);

    tally_status status = run_id_hashes(reader, hashes, error);
    if (status == TALLY_OK)
        status = id_index_build(&index, hashes, count, error);
    if (status == TALLY_OK) {
        content_encode(&index, content);
        if (buffer_failed(&content->buckets) || buffer_failed(&content->table))
            status = memory_fault(error);
    }
    id_index_free(&index);
    free(hashes);
    return status;
}

tally_status
segment_index_write(struct disk *disk, const char *folder, const uint8_t tag[16],
                    struct run_reader *reader, struct segment_info *info, struct tally_error *error)
{
    struct index_content content = { 0 };
    struct segment_writer writer;
    struct segment_block block;
    struct segment_identity identity = segment_identify(info, tag, SEGMENT_FILE_INDEX);

    tally_status status = content_make(reader, &content, error);
    if (status != TALLY_OK)
        goto free_content;
    status = segment_writer_init(&writer, disk, folder, &identity, error);
    if (status != TALLY_OK)
        goto free_content;
    status = segment_writer_block(&writer, buffer_view(&content.buckets), &block, error);
    if (status == TALLY_OK)
        status = segment_writer_block(&writer, buffer_view(&content.table), &block, error);
    if (status != TALLY_OK) {
        segment_writer_discard(&writer);
        goto free_content;
    }
    status = segment_writer_finish(&writer, bytes_of(content.directory, sizeof content.directory),
                                   &info->index_size, &info->index_crc, error);

free_content:
    content_free(&content);
    return status;
}

static bool
directory_decode(struct bytes encoded, uint32_t count, struct segment_index *index)
{
    if (encoded.size != DIRECTORY_SIZE || get_u32(encoded.data) != count ||
        get_u16(encoded.data + 6) != 0)
        return false;

    index->bucket_bits = encoded.data[4];
    index->row_bits = encoded.data[5];
    index->buckets_size = get_u64(encoded.data + 8);
    if (index->bucket_bits != id_index_bucket_bits(count) ||
        index->row_bits != id_index_row_bits(count))
        return false;
    index->table = (struct segment_block){
        .offset = SEGMENT_HEADER_SIZE + index->buckets_size,
        .size = get_u32(encoded.data + 16),
        .crc = get_u32(encoded.data + 20),
    };
    return index->table.size == TABLE_ENTRY_SIZE << index->bucket_bits &&
           index->buckets_size < index->file.size &&
           index->table.offset + index->table.size == index->file.directory_offset;
}

/* Adds the cure to what is said of a damaged index file. */
static tally_status
index_fault(tally_status status, const struct tally_error *inner, struct tally_error *error)
{
    if (status == TALLY_DAMAGED)
        return fault(error, status, "%s%s", inner->text, cure);
    if (error != NULL)
        *error = *inner;
    return status;
}

tally_status
segment_index_open(struct disk *disk, const char *folder, const uint8_t tag[16],
                   const struct segment_info *info, struct segment_input *input,
                   struct segment_index *index_out, struct tally_error *error)
{
    struct segment_index index = { .state = INDEX_OPEN };
    struct segment_identity identity = segment_identify(info, tag, SEGMENT_FILE_INDEX);
    struct tally_error inner;

    tally_status status = segment_file_open(disk, folder, &identity, info->index_size,
                                            info->index_crc, &index.file, input, &inner);
    if (status == TALLY_OK && !directory_decode(buffer_view(&input->bytes), info->count, &index)) {
        const struct segment_place place = { .part = "directory" };
        status = segment_file_fault(&index.file, &place, "makes no sense", &inner);
        segment_file_close(&index.file);
    }
    if (status != TALLY_OK)
        return index_fault(status, &inner, error);
    *index_out = index;
    return TALLY_OK;
}

void
segment_index_close(struct segment_index *index)
{
    if (index->state == INDEX_OPEN)
        segment_file_close(&index->file);
    *index = (struct segment_index){ .state = INDEX_CLOSED };
}

tally_status
segment_index_bucket(const struct segment_index *index, uint64_t hash, struct segment_input *input,
                     uint32_t *rows_out, struct tally_error *error)
{
    static const struct segment_place place = { .part = "a bucket of ids" };
    uint32_t bucket = id_bucket_number(hash, index->bucket_bits);
    uint8_t raw[2 * TABLE_ENTRY_SIZE] = { 0 };
    struct tally_error inner;

    /* The entry before says where the bucket begins; before the first one there are zeros. */
    unsigned before = bucket > 0 ? 1 : 0;
    tally_status status = segment_file_fetch(
        &index->file, index->table.offset + (uint64_t)(bucket - before) * TABLE_ENTRY_SIZE,
        (1 + before) * TABLE_ENTRY_SIZE, input, &inner);
    if (status != TALLY_OK)
        return index_fault(status, &inner, error);
    memcpy(raw + (1 - before) * TABLE_ENTRY_SIZE, input->bytes.data, input->bytes.size);

    uint32_t start = get_u32(raw);
    uint32_t end = get_u32(raw + TABLE_ENTRY_SIZE);
    struct segment_block block = {
        .offset = SEGMENT_HEADER_SIZE + (uint64_t)start,
        .size = end - start,
        .crc = get_u32(raw + TABLE_ENTRY_SIZE + 4),
    };
    uint32_t rows = id_bucket_rows(block.size, index->row_bits);
    if (start > end || end > index->buckets_size || rows == UINT32_MAX)
        status = segment_file_fault(&index->file, &place, "cannot be where the table says", &inner);
    else
        status = segment_file_read(&index->file, &block, &place, input, &inner);
    if (status != TALLY_OK)
        return index_fault(status, &inner, error);
    *rows_out = rows;
    return TALLY_OK;
}

/* All buckets into the filter, each checked. */
static bool
filter_fill(const struct segment_index *index, struct bytes buckets, const uint8_t *table,
            uint32_t count, struct id_filter *filter)
{
    uint32_t start = 0;
    uint32_t filled = 0;

    for (uint32_t bucket = 0; bucket < UINT32_C(1) << index->bucket_bits; bucket++) {
        const uint8_t *entry = table + (size_t)bucket * TABLE_ENTRY_SIZE;
        uint32_t end = get_u32(entry);
        if (end < start || end > buckets.size)
            return false;
        struct bytes encoded = bytes_of(buckets.data + start, end - start);
        uint32_t rows = id_bucket_rows(encoded.size, index->row_bits);
        if (rows > count - filled || crc32c(0, encoded.data, encoded.size) != get_u32(entry + 4))
            return false;
        id_filter_fill(filter, bucket, encoded, rows);
        filled += rows;
        start = end;
    }
    return start == buckets.size && filled == count;
}

/* Both are read in one piece; a filter is made once, and the pieces are freed. */
static tally_status
filter_read(const struct segment_index *index, uint32_t count, struct id_filter *filter,
            struct tally_error *error)
{
    static const struct segment_place table_place = { .part = "table of buckets" };
    static const struct segment_place place = { .part = "buckets of ids" };
    struct segment_input table = { 0 };
    struct segment_input buckets = { 0 };

    tally_status status =
        segment_file_read(&index->file, &index->table, &table_place, &table, error);
    if (status == TALLY_OK)
        status = segment_file_fetch(&index->file, SEGMENT_HEADER_SIZE, (size_t)index->buckets_size,
                                    &buckets, error);
    if (status == TALLY_OK &&
        !filter_fill(index, buffer_view(&buckets.bytes), table.bytes.data, count, filter))
        status = segment_file_fault(&index->file, &place, "checksum mismatch", error);
    buffer_free(&table.bytes);
    buffer_free(&buckets.bytes);
    return status;
}

tally_status
segment_index_filter(const struct segment_index *index, uint32_t count,
                     struct id_filter *filter_out, struct tally_error *error)
{
    struct id_filter filter;
    struct tally_error inner;

    tally_status status = id_filter_init(&filter, count, error);
    if (status != TALLY_OK)
        return status;
    status = filter_read(index, count, &filter, &inner);
    if (status != TALLY_OK) {
        id_filter_free(&filter);
        return index_fault(status, &inner, error);
    }
    *filter_out = filter;
    return TALLY_OK;
}

/* Compares what the file has from `offset` on with `expected`. */
static tally_status
bytes_check(const struct segment_index *index, uint64_t offset, struct bytes expected,
            const char *part, struct tally_error *error)
{
    const struct segment_place place = { .part = part };
    uint8_t *actual = malloc(expected.size + 1);
    if (actual == NULL)
        return memory_fault(error);

    tally_status status = disk_read_all(index->file.file, offset, actual, expected.size, error);
    if (status == TALLY_OK && !bytes_equal(bytes_of(actual, expected.size), expected))
        status = segment_file_fault(&index->file, &place, "does not say what the ids say", error);
    free(actual);
    return status;
}

tally_status
segment_index_check(const struct segment_index *index, struct run_reader *reader,
                    struct tally_error *error)
{
    struct index_content content = { 0 };
    struct tally_error inner;

    tally_status status = content_make(reader, &content, error);
    if (status != TALLY_OK)
        goto free_content;
    if (content.buckets.size != index->buckets_size) {
        const struct segment_place place = { .part = "buckets of ids" };
        status = segment_file_fault(&index->file, &place, "do not hold the segment's ids", &inner);
    } else {
        status = bytes_check(index, SEGMENT_HEADER_SIZE, buffer_view(&content.buckets),
                             "buckets of ids", &inner);
    }
    if (status == TALLY_OK)
        status = bytes_check(index, index->table.offset, buffer_view(&content.table),
                             "table of buckets", &inner);
    if (status != TALLY_OK)
        status = index_fault(status, &inner, error);

free_content:
    content_free(&content);
    return status;
}

/* The filter from the ids themselves, where the index file cannot be used. */
static tally_status
filter_from_column(struct segment *segment, struct id_filter *filter_out, struct tally_error *error)
{
    struct run run = {
        .first = segment->info.first,
        .count = segment->info.count,
        .segment = segment,
    };
    struct run_reader *reader;
    struct id_index index = { 0 };
    struct id_filter filter;
    uint64_t *hashes = malloc(run.count * sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);

    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        goto free_hashes;
    status = run_id_hashes(reader, hashes, error);
    run_reader_destroy(reader);
    if (status == TALLY_OK)
        status = id_index_build(&index, hashes, run.count, error);
    if (status == TALLY_OK)
        status = id_filter_init(&filter, run.count, error);
    if (status == TALLY_OK) {
        id_filter_fill_all(&filter, &index);
        *filter_out = filter;
    }
    id_index_free(&index);

free_hashes:
    free(hashes);
    return status;
}

static tally_status
filter_load(struct segment *segment, struct id_filter *filter_out, struct tally_error *error)
{
    struct segment_index index;
    struct segment_input input = { 0 };
    tally_status status = segment_index_open(segment->disk, segment->folder, segment->tag,
                                             &segment->info, &input, &index, error);
    buffer_free(&input.bytes);
    if (status == TALLY_OK) {
        status = segment_index_filter(&index, segment->info.count, filter_out, error);
        segment_index_close(&index);
    }
    /* Damage of the file is no reason to miss an id, nor to stop recording. */
    if (status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED)
        status = filter_from_column(segment, filter_out, error);
    return status;
}

tally_status
segment_probe_ids(struct segment *segment, const uint64_t *id_hashes, size_t count, bool *hits,
                  struct tally_error *error)
{
    pthread_mutex_lock(&segment->mutex);
    bool loaded = segment->filter.starts != NULL;
    pthread_mutex_unlock(&segment->mutex);

    if (!loaded) {
        struct id_filter filter;
        tally_status status = filter_load(segment, &filter, error);
        if (status != TALLY_OK)
            return status;
        pthread_mutex_lock(&segment->mutex);
        if (segment->filter.starts == NULL)
            segment->filter = filter;
        else
            id_filter_free(&filter);
        pthread_mutex_unlock(&segment->mutex);
    }
    id_filter_probe(&segment->filter, id_hashes, count, hits);
    return TALLY_OK;
}

uint64_t
segment_id_hash(struct bytes id)
{
    return id_hash(id);
}

tally_status
segment_read_bucket(struct segment *segment, uint64_t hash, struct segment_input *input,
                    uint32_t *rows_out, struct tally_error *error)
{
    struct segment_index *index = &segment->index;
    tally_status status = TALLY_OK;

    pthread_mutex_lock(&segment->mutex);
    if (index->state == INDEX_CLOSED) {
        status = segment_index_open(segment->disk, segment->folder, segment->tag, &segment->info,
                                    input, index, error);
        if (status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED) {
            index->state = INDEX_UNUSABLE;
            status = TALLY_OK;
        }
    }
    bool usable = index->state == INDEX_OPEN;
    pthread_mutex_unlock(&segment->mutex);

    if (status != TALLY_OK)
        return status;
    if (!usable)
        return TALLY_ABSENT;
    status = segment_index_bucket(index, hash, input, rows_out, error);
    return status == TALLY_DAMAGED ? TALLY_ABSENT : status;
}

tally_status
segment_rebuild_index(struct disk *disk, const char *folder, const uint8_t tag[16],
                      const struct segment_info *info, struct segment_info *info_out,
                      struct tally_error *error)
{
    struct segment *segment;
    struct segment_info rebuilt = *info;
    tally_status status = segment_open(disk, folder, tag, info, &segment, error);
    if (status != TALLY_OK)
        return status;

    struct run run = { .first = info->first, .count = info->count, .segment = segment };
    struct run_reader *reader;
    status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        goto release_segment;
    status = segment_index_write(disk, folder, tag, reader, &rebuilt, error);
    run_reader_destroy(reader);
    if (status == TALLY_OK)
        status = segment_file_sync_folder(disk, folder, error);
    if (status == TALLY_OK)
        *info_out = rebuilt;

release_segment:
    segment_release(segment);
    return status;
}
