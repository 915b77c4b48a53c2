/*
 * group.c - asking a group, and going through its file.
 *
 *     head      what the file is, and of which fields it has tokens (group_header.c)
 *     blocks    back to back, each with its checksum, as bloom.c says: a row has a bit a segment
 *
 * The file is opened when it is first asked and stays open until the last reference goes: a trail
 * has a group for 64 segments and at most seven of each smaller size, some twenty files for a
 * hundred million entries.
 *
 * A file that is missing or not what the manifest means is not asked again; every segment may have
 * the token then. Where it could not be opened or read for another reason (too many open files) it
 * is tried the next time.
 */
#include "group.h"

#include "crc32c.h"
#include "fault.h"
#include "group_header.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Blocks that a scan reads at a time. */
#define SCAN_SIZE (256u << 10)

struct group {
    atomic_uint references;
    struct trail_place place; /* with these two: */
    char folder[GROUP_NAME_MAX];
    uint8_t tag[16];
    struct group_info info;
    pthread_mutex_t mutex; /* the members below */
    bool useless;
    struct group_scan scan; /* its file is NULL: not open */
    uint8_t *block;         /* the one asked for last: bloom_block_size() of them */
};

tally_status
group_create(const struct trail_place *place, const struct group_info *info,
             struct group **group_out, struct tally_error *error)
{
    struct group *group = calloc(1, sizeof *group);
    uint8_t *block = malloc(bloom_block_size(info->segments));
    if (group == NULL || block == NULL) {
        free(group);
        free(block);
        return memory_fault(error);
    }
    atomic_init(&group->references, 1);
    memcpy(group->folder, place->folder, strlen(place->folder) + 1);
    memcpy(group->tag, place->tag, sizeof group->tag);
    group->place = (struct trail_place){ place->disk, group->folder, group->tag };
    group->info = *info;
    group->block = block;
    (void)pthread_mutex_init(&group->mutex, NULL);
    *group_out = group;
    return TALLY_OK;
}

void
group_retain(struct group *group)
{
    (void)atomic_fetch_add(&group->references, 1);
}

void
group_release(struct group *group)
{
    if (group == NULL || atomic_fetch_sub(&group->references, 1) > 1)
        return;
    group_scan_close(&group->scan);
    (void)pthread_mutex_destroy(&group->mutex);
    free(group->block);
    free(group);
}

const struct group_info *
group_get_info(const struct group *group)
{
    return &group->info;
}

/* What is read at a group's beginning: its header, and mostly something behind it. */
static size_t
head_size(const struct group_info *info)
{
    return info->size < GROUP_HEADER_MAX ? (size_t)info->size : GROUP_HEADER_MAX;
}

/* Under the mutex. */
static tally_status
open_group(struct group *group, struct run_meter *meter, struct tally_error *error)
{
    if (group->scan.file != NULL)
        return TALLY_OK;
    tally_status status = group_scan_open(&group->scan, &group->place, &group->info, error);
    if (status == TALLY_OK)
        run_meter_count(meter, head_size(&group->info));
    return status;
}

/* The segments that may have a token, of a group that is open. */
static tally_status
probe_token(struct group *group, uint64_t token, struct run_meter *meter, uint64_t *segments_out,
            struct tally_error *error)
{
    const struct group_scan *scan = &group->scan;
    size_t size = bloom_block_size(group->info.segments);
    uint32_t block = bloom_block_of(token, scan->block_count);
    tally_status status =
        disk_read_all(scan->file, scan->offset + (uint64_t)block * size, group->block, size, error);
    run_meter_count(meter, size);
    if (status == TALLY_OK &&
        !bloom_probe(bytes_of(group->block, size), group->info.segments, token, segments_out))
        status = TALLY_DAMAGED;
    return status;
}

static tally_status
probe(struct group *group, const struct token_sought *tokens, size_t count, struct run_meter *meter,
      uint64_t *segments_out, struct tally_error *error)
{
    uint64_t found = 0;
    tally_status status = group->useless ? TALLY_DAMAGED : open_group(group, meter, error);
    for (size_t i = 0; i < count && status == TALLY_OK && found != *segments_out; i++) {
        uint64_t segments = *segments_out;
        if ((group->scan.covered & FIELD_BIT(tokens[i].field)) != 0)
            status = probe_token(group, tokens[i].token, meter, &segments, error);
        found |= segments;
    }
    if (status == TALLY_OK)
        *segments_out = found;
    return status;
}

tally_status
group_probe(struct group *group, const struct token_sought *tokens, size_t count,
            struct run_meter *meter, uint64_t *segments_out, struct tally_error *error)
{
    unsigned columns = group->info.segments;
    uint64_t segments = columns == 64 ? UINT64_MAX : (UINT64_C(1) << columns) - 1;
    struct tally_error why = { 0 };
    (void)pthread_mutex_lock(&group->mutex);
    tally_status status = probe(group, tokens, count, meter, &segments, &why);
    if (status == TALLY_DAMAGED || status == TALLY_ABSENT || status == TALLY_UNSUPPORTED)
        group->useless = true;
    (void)pthread_mutex_unlock(&group->mutex);
    if (status == TALLY_NO_MEMORY)
        return memory_fault(error);
    *segments_out = segments;
    return TALLY_OK;
}

/* ---- going through ---- */

tally_status
group_scan_open(struct group_scan *scan, const struct trail_place *place,
                const struct group_info *info, struct tally_error *error)
{
    uint8_t head[GROUP_HEADER_MAX];
    size_t size = head_size(info);
    uint64_t there;
    *scan = (struct group_scan){ .info = *info };
    group_name(place->folder, info, scan->name);
    tally_status status = disk_open(place->disk, scan->name, DISK_READ, &scan->file, error);
    if (status != TALLY_OK)
        return status;
    status = disk_size(scan->file, &there, error);
    if (status == TALLY_OK && there != info->size)
        status =
            fault(error, TALLY_DAMAGED, "%s: not of the size that the manifest says", scan->name);
    if (status == TALLY_OK)
        status = disk_read_all(scan->file, 0, head, size, error);
    if (status == TALLY_OK)
        status = group_header_decode(bytes_of(head, size), place->tag, scan, error);
    if (status != TALLY_OK)
        group_scan_close(scan);
    return status;
}

void
group_scan_close(struct group_scan *scan)
{
    disk_close(scan->file);
    buffer_free(&scan->bytes);
    *scan = (struct group_scan){ 0 };
}

/* Reads the blocks from `block` on. */
static tally_status
fetch(struct group_scan *scan, uint32_t block, struct tally_error *error)
{
    size_t size = bloom_block_size(scan->info.segments);
    size_t count = SCAN_SIZE / size, left = scan->block_count - block;
    count = count < left ? count : left;
    buffer_clear(&scan->bytes);
    uint8_t *bytes = buffer_reserve(&scan->bytes, count * size);
    if (bytes == NULL)
        return memory_fault(error);
    tally_status status = disk_read_all(scan->file, scan->offset + (uint64_t)block * size, bytes,
                                        count * size, error);
    if (status != TALLY_OK)
        return status;
    scan->bytes.size = count * size;
    scan->first = block;
    return TALLY_OK;
}

tally_status
group_scan_rows(struct group_scan *scan, uint32_t block, const uint8_t **rows_out,
                struct tally_error *error)
{
    size_t size = bloom_block_size(scan->info.segments);
    if (block < scan->first || block - scan->first >= scan->bytes.size / size) {
        tally_status status = fetch(scan, block, error);
        if (status != TALLY_OK)
            return status;
    }
    const uint8_t *rows = scan->bytes.data + (block - scan->first) * size;
    size_t rows_size = group_rows_size(scan->info.segments);
    if (get_u32(rows + rows_size) != crc32c(0, rows, rows_size))
        return fault(error, TALLY_DAMAGED, "%s: block %u: checksum mismatch", scan->name, block);
    *rows_out = rows;
    return TALLY_OK;
}

tally_status
group_scan_check(struct group_scan *scan, struct tally_error *error)
{
    uint8_t bytes[16384];
    uint32_t crc = 0;
    for (uint64_t at = 0; at < scan->info.size;) {
        uint64_t left = scan->info.size - at;
        size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
        tally_status status = disk_read_all(scan->file, at, bytes, size, error);
        if (status != TALLY_OK)
            return status;
        crc = crc32c(crc, bytes, size);
        at += size;
    }
    if (crc != scan->info.crc)
        return fault(error, TALLY_DAMAGED, "%s: checksum mismatch", scan->name);
    return TALLY_OK;
}

tally_status
group_scan_compare(struct group_scan *scan, unsigned column, const struct bloom *filter,
                   struct tally_error *error)
{
    bool same = filter->block_count <= scan->block_count;
    uint32_t times = same ? scan->block_count / filter->block_count : 1;
    for (uint32_t block = 0; block < scan->block_count && same; block++) {
        const uint8_t *rows;
        uint8_t single[BLOOM_BLOCK_ROWS / 8];
        tally_status status = group_scan_rows(scan, block, &rows, error);
        if (status != TALLY_OK)
            return status;
        group_rows_get(rows, scan->info.segments, column, single);
        same = memcmp(single, filter->bits + (size_t)(block / times) * sizeof single,
                      sizeof single) == 0;
    }
    if (same)
        return TALLY_OK;
    return fault(error, TALLY_DAMAGED, "%s: its segment %u is not the one that was grouped",
                 scan->name, column);
}
