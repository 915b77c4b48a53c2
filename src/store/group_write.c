/*
 * A file is written from its first byte to its last, block by block, so that memory does not grow
 * with it. Columns that are filled at a smaller size are repeated to that of the largest.
 */
#include "group_write.h"

#include "crc32c.h"
#include "fault.h"
#include "group_header.h"

#include <assert.h>
#include <stdlib.h>

/* How much is handed to the disk at a time. */
#define WRITE_SIZE  (1u << 20)
#define SINGLE_SIZE (BLOOM_BLOCK_ROWS / 8)
#define ROWS_MAX    (BLOOM_BLOCK_ROWS / 8 * GROUP_COLUMNS_MAX)

struct writer {
    struct disk *disk;
    struct disk_file *file;
    struct group_info info; /* size and CRC of what was handed to the disk */
    struct buffer pending;
    char name[GROUP_NAME_MAX];
};

static tally_status
begin(struct writer *writer, const struct trail_place *place, const struct group_info *info,
      uint32_t block_count, struct tally_error *error)
{
    *writer = (struct writer){ .disk = place->disk, .info = *info };
    writer->info.size = 0;
    writer->info.crc = 0;
    group_name(place->folder, info, writer->name);
    tally_status status = disk_unlink(place->disk, writer->name, error); /* a remnant */
    if (status == TALLY_OK || status == TALLY_ABSENT)
        status = disk_open(place->disk, writer->name, DISK_CREATE, &writer->file, error);
    if (status == TALLY_ABSENT)
        status = fault(error, TALLY_IO, "%s: its folder is missing", writer->name);
    if (status == TALLY_OK)
        group_header_encode(place->tag, info, block_count, &writer->pending);
    return status;
}

static tally_status
flush(struct writer *writer, struct tally_error *error)
{
    struct bytes bytes = buffer_view(&writer->pending);
    if (buffer_failed(&writer->pending))
        return memory_fault(error);
    tally_status status =
        disk_write(writer->file, writer->info.size, bytes.data, bytes.size, error);
    if (status != TALLY_OK)
        return status;
    writer->info.size += bytes.size;
    writer->info.crc = crc32c(writer->info.crc, bytes.data, bytes.size);
    buffer_clear(&writer->pending);
    return TALLY_OK;
}

static tally_status
add(struct writer *writer, const uint8_t *rows, struct tally_error *error)
{
    size_t size = group_rows_size(writer->info.segments);
    buffer_append(&writer->pending, rows, size);
    buffer_u32(&writer->pending, crc32c(0, rows, size));
    return writer->pending.size < WRITE_SIZE ? TALLY_OK : flush(writer, error);
}

/* Ends the file, or gives it up where `status` is a fault. */
static tally_status
end(struct writer *writer, tally_status status, struct group_info *info_out,
    struct tally_error *error)
{
    if (status == TALLY_OK)
        status = flush(writer, error);
    if (status == TALLY_OK)
        status = disk_sync(writer->file, error);
    disk_close(writer->file);
    buffer_free(&writer->pending);
    if (status == TALLY_OK)
        *info_out = writer->info;
    else if (writer->file != NULL) {
        tally_status ignored = disk_unlink(writer->disk, writer->name, NULL);
        (void)ignored; /* a remnant that nothing names */
    }
    return status;
}

tally_status
group_write(const struct trail_place *place, const struct bloom *filter,
            struct group_info *info_inout, struct tally_error *error)
{
    assert(filter->columns == 1 && group_blocks_fit(filter->block_count));
    struct writer writer;
    info_inout->segments = 1;
    tally_status status = begin(&writer, place, info_inout, filter->block_count, error);
    for (uint32_t i = 0; i < filter->block_count && status == TALLY_OK; i++)
        status = add(&writer, filter->bits + (size_t)i * SINGLE_SIZE, error);
    return end(&writer, status, info_inout, error);
}

/* The blocks of all parts, side by side. */
static tally_status
join(struct writer *writer, struct group_scan *scans, size_t count, uint32_t block_count,
     struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (uint32_t block = 0; block < block_count && status == TALLY_OK; block++) {
        uint8_t rows[ROWS_MAX] = { 0 };
        unsigned at = 0;
        for (size_t i = 0; i < count && status == TALLY_OK; i++) {
            const uint8_t *part;
            status = group_scan_rows(&scans[i], block / (block_count / scans[i].block_count), &part,
                                     error);
            if (status == TALLY_OK)
                group_rows_join(rows, writer->info.segments, at, part, scans[i].info.segments);
            at += scans[i].info.segments;
        }
        if (status == TALLY_OK)
            status = add(writer, rows, error);
    }
    return status;
}

tally_status
group_merge(const struct trail_place *place, const struct group_info *parts, size_t count,
            uint32_t generation, struct group_info *info_out, struct tally_error *error)
{
    struct group_info info = { .first = parts[0].first, .generation = generation };
    struct group_scan *scans = calloc(count, sizeof *scans);
    uint32_t block_count = 1;
    tally_status status = scans == NULL ? memory_fault(error) : TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        status = group_scan_open(&scans[i], place, &parts[i], error);
        info.segments += parts[i].segments;
        if (status == TALLY_OK && scans[i].block_count > block_count)
            block_count = scans[i].block_count;
    }
    assert(info.segments <= GROUP_COLUMNS_MAX);
    if (status == TALLY_OK) {
        struct writer writer;
        status = begin(&writer, place, &info, block_count, error);
        if (status == TALLY_OK)
            status = join(&writer, scans, count, block_count, error);
        status = end(&writer, status, info_out, error);
    }
    for (size_t i = 0; scans != NULL && i < count; i++)
        group_scan_close(&scans[i]);
    free(scans);
    return status;
}

/* The old blocks, with the columns that have a filter from there. */
static tally_status
replace(struct writer *writer, struct group_scan *scan, const struct bloom *filters,
        uint32_t block_count, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (uint32_t block = 0; block < block_count && status == TALLY_OK; block++) {
        const uint8_t *old;
        uint8_t rows[ROWS_MAX];
        status = group_scan_rows(scan, block / (block_count / scan->block_count), &old, error);
        if (status != TALLY_OK)
            return status;
        memcpy(rows, old, group_rows_size(writer->info.segments));
        for (unsigned i = 0; i < writer->info.segments; i++) {
            if (filters[i].bits == NULL)
                continue;
            size_t from = block / (block_count / filters[i].block_count);
            group_rows_put(rows, writer->info.segments, i, filters[i].bits + from * SINGLE_SIZE);
        }
        status = add(writer, rows, error);
    }
    return status;
}

tally_status
group_replace(const struct trail_place *place, const struct group_info *old,
              const struct bloom *filters, uint32_t generation, struct group_info *info_out,
              struct tally_error *error)
{
    struct group_scan scan;
    struct group_info info = *old;
    info.generation = generation;
    tally_status status = group_scan_open(&scan, place, old, error);
    if (status != TALLY_OK)
        return status;
    uint32_t block_count = scan.block_count;
    for (unsigned i = 0; i < old->segments; i++) {
        if (filters[i].bits != NULL && filters[i].block_count > block_count)
            block_count = filters[i].block_count;
    }
    struct writer writer;
    status = begin(&writer, place, &info, block_count, error);
    if (status == TALLY_OK)
        status = replace(&writer, &scan, filters, block_count, error);
    status = end(&writer, status, info_out, error);
    group_scan_close(&scan);
    return status;
}
