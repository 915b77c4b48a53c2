/*
 * region.c - chunks, the newest first; pieces are cut off its end.
 *
 * A piece that does not fit begins a chunk, and what is left of the one before is not used any
 * more. So a mark is a chunk and an offset, and to go back is to free what is newer.
 */
#include "region.h"

#include <assert.h>
#include <stdlib.h>

struct region_chunk {
    struct region_chunk *older;
    size_t size;
    _Alignas(max_align_t) uint8_t data[];
};

/* A chunk with room for `size`: twice the newest, within bounds, or just what a large piece needs.
 */
static bool
add_chunk(struct region *region, size_t size)
{
    size_t room = region->chunk == NULL ? REGION_CHUNK_MIN : 2 * region->chunk->size;
    if (room > REGION_CHUNK_MAX)
        room = REGION_CHUNK_MAX;
    if (room < size)
        room = size;

    struct region_chunk *chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL)
        return false;
    chunk->older = region->chunk;
    chunk->size = room;
    region->chunk = chunk;
    region->used = 0;
    region->memory += sizeof *chunk + room;
    return true;
}

static void *
take_aligned(struct region *region, size_t size, size_t alignment)
{
    size_t start = (region->used + alignment - 1) / alignment * alignment;
    if (region->chunk == NULL || start > region->chunk->size ||
        size > region->chunk->size - start) {
        if (!add_chunk(region, size))
            return NULL;
        start = 0;
    }
    region->used = start + size;
    return region->chunk->data + start;
}

void *
region_take(struct region *region, size_t size)
{
    return take_aligned(region, size, _Alignof(max_align_t));
}

struct bytes
region_copy(struct region *region, struct bytes bytes)
{
    uint8_t *copy = take_aligned(region, bytes.size, 1);
    if (copy == NULL)
        return bytes_of(NULL, 0);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

struct region_mark
region_mark(const struct region *region)
{
    return (struct region_mark){ region->chunk, region->used };
}

void
region_return(struct region *region, struct region_mark mark)
{
    while (region->chunk != mark.chunk) {
        struct region_chunk *newest = region->chunk;
        assert(newest != NULL);
        region->chunk = newest->older;
        region->memory -= sizeof *newest + newest->size;
        free(newest);
    }
    region->used = mark.used;
}

void
region_finish(struct region *region)
{
    region_return(region, (struct region_mark){ NULL, 0 });
}
