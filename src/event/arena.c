/*
 * The arena: a list of chunks, the newest first. A piece that does not fit the newest chunk gets a
 * new one, large enough for it.
 */
#include "arena.h"

#include <assert.h>
#include <stdlib.h>

struct arena_chunk {
    struct arena_chunk *older;
    size_t size;
    uint8_t bytes[];
};

static bool
add_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return false;
    chunk->older = arena->chunk;
    chunk->size = size;
    arena->chunk = chunk;
    arena->size = size;
    arena->used = 0;
    return true;
}

uint8_t *
arena_take(struct arena *arena, size_t size)
{
    if (arena->chunk == NULL || size > arena->size - arena->used) {
        size_t wanted = size < ARENA_CHUNK_SIZE ? ARENA_CHUNK_SIZE : size;
        if (wanted > SIZE_MAX / 2 || !add_chunk(arena, wanted))
            return NULL;
    }
    uint8_t *piece = arena->chunk->bytes + arena->used;
    arena->used += size;
    return piece;
}

struct bytes
arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = arena_take(arena, bytes.size);
    if (copy == NULL)
        return (struct bytes){ 0 };
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

void
arena_untake(struct arena *arena, size_t unused)
{
    assert(unused <= arena->used);
    arena->used -= unused;
}

/* Frees the chunks from the newest to the oldest; that one may stay. */
static void
free_chunks(struct arena *arena, bool keep_oldest)
{
    struct arena_chunk *chunk = arena->chunk;
    *arena = (struct arena){ 0 };
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        if (older == NULL && keep_oldest && chunk->size == ARENA_CHUNK_SIZE) {
            arena->chunk = chunk;
            arena->size = chunk->size;
            return;
        }
        free(chunk);
        chunk = older;
    }
}

void
arena_reset(struct arena *arena)
{
    free_chunks(arena, true);
}

void
arena_finish(struct arena *arena)
{
    free_chunks(arena, false);
}
