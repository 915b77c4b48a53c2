/*
 * region.h - memory taken piece by piece and given back all at once, or back to a mark.
 *
 * Pieces never move. The first chunk is small and chunks double, so that a region of a few hundred
 * bytes costs no more than twice that. One thread at a time. A zeroed struct is an empty region.
 */
#ifndef REGION_H
#define REGION_H

#include "bytes.h"

#define REGION_CHUNK_MIN 512u
#define REGION_CHUNK_MAX (1u << 20)

struct region_chunk;

struct region {
    struct region_chunk *chunk; /* the newest; older ones hang on it */
    size_t used;                /* of the newest */
    size_t memory;              /* allocated in all */
};

/* A state of a region to go back to. */
struct region_mark {
    struct region_chunk *chunk;
    size_t used;
};

/* `size` bytes, aligned for anything, not cleared; NULL when memory is short. */
void *region_take(struct region *region, size_t size);

/* A copy, not aligned; data is NULL when memory is short, and only then (not for an empty value).
 */
struct bytes region_copy(struct region *region, struct bytes bytes);

struct region_mark region_mark(const struct region *region);
/* Gives back what was taken since the mark, which must be of this region and not undone before. */
void region_return(struct region *region, struct region_mark mark);

void region_finish(struct region *region);

#endif
