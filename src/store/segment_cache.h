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
 * It also keeps readers that came to their end, for the room they have: making one takes as long as
 * reading an entry (run_reader.c).
 */
#ifndef SEGMENT_CACHE_H
#define SEGMENT_CACHE_H

#include "tally/status.h"

#include <pthread.h>
#include <stddef.h>

struct run_reader;
struct segment;

#define CACHE_READERS 8u

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
    struct run_reader *readers[CACHE_READERS]; /* idle ones */
    unsigned reader_count;
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

/* For run_reader.c only. A reader that was kept, or NULL; and one that came to its end, to be kept
 * or freed. `cache` may be NULL: then none is kept. */
struct run_reader *segment_cache_borrow(struct segment_cache *cache);
void segment_cache_return(struct segment_cache *cache, struct run_reader *reader);

#endif
