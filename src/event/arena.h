/*
 * arena.h - memory that is taken in pieces and given back all at once.
 *
 * Pieces never move. A reset keeps one chunk, so a steady user allocates nothing. A zeroed struct
 * is an empty arena; arena_finish makes it one again. One thread at a time.
 */
#ifndef ARENA_H
#define ARENA_H

#include "bytes.h"

#define ARENA_CHUNK_SIZE (UINT32_C(1024) * 1024)

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* the newest; older ones hang on it */
    size_t used;               /* of the newest */
    size_t size;               /* of the newest */
};

/* `size` bytes, not aligned, lent until reset or finish; NULL when memory is short. */
uint8_t *arena_take(struct arena *arena, size_t size);

/* A copy of `bytes`; data is NULL when memory is short, and only then. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);

/* Gives back the last bytes of the piece taken last: `unused` of it. */
void arena_untake(struct arena *arena, size_t unused);

void arena_reset(struct arena *arena);
void arena_finish(struct arena *arena);

#endif
