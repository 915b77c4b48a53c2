/*
 * segment_cache.h - segments kept open between their uses.
 *
 * Opening a segment's file reads its directory, and each column's block table when it is first asked
 * for: for a small query that takes longer than the query. A segment that has joined a cache is not
 * let go of by its last user but kept as it is. While the cache is over its memory, those unused
 * longest lose the dictionaries that were loaded whole, which is most of what they take and needed
 * for bulk reads only; after that, and while more files are open than it may have, they are closed.
 * When a segment's last reference goes it is closed at once, so that nothing of an erased generation
 * is kept. Thread-safe.
 *
 * It also keeps what readers decode with: making one takes as long as reading an entry.
 */
#ifndef SEGMENT_CACHE_H
#define SEGMENT_CACHE_H

#include "tally/status.h"

#include <pthread.h>
#include <stddef.h>

struct codec_workspace;
struct segment;

#define CACHE_WORKSPACES 8u

/* What a segment takes that is kept. */
struct segment_weight {
    size_t memory;       /* in all */
    size_t dictionaries; /* of it, in dictionaries that can be dropped */
    unsigned files;
};

/* Embedded in a folder; it outlives the segments that joined it. */
struct segment_cache {
    pthread_mutex_t mutex;
    size_t memory_max;
    unsigned files_max;
    /* Unused segments: the one used last first. */
    struct segment *first;
    struct segment *last;
    struct segment_weight weight; /* of all of them */
    unsigned count;
    struct codec_workspace *workspaces[CACHE_WORKSPACES]; /* idle ones */
    unsigned workspace_count;
};

void segment_cache_init(struct segment_cache *cache, size_t memory_max, unsigned files_max);
/* Every segment that joined it is gone. */
void segment_cache_finish(struct segment_cache *cache);

/* Before the segment is first used. `cache` is lent for the segment's life. */
void segment_cache_join(struct segment_cache *cache, struct segment *segment);

/* For segment_read.c only. A segment's last user has gone, and its first is there again; both under
 * the segment's mutex. */
void segment_cache_keep(struct segment_cache *cache, struct segment *segment,
                        struct segment_weight weight);
void segment_cache_take(struct segment_cache *cache, struct segment *segment);
/* Lets go of what is over the limits; without any segment's mutex. */
void segment_cache_trim(struct segment_cache *cache);

/* A workspace for a reader, a kept one if there is. `cache` may be NULL: then it is made and
 * destroyed. */
TALLY_MUST_CHECK tally_status segment_cache_borrow(struct segment_cache *cache,
                                                   struct codec_workspace **workspace_out,
                                                   struct tally_error *error);
void segment_cache_return(struct segment_cache *cache, struct codec_workspace *workspace);

#endif
