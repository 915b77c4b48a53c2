/*
 * segment_cache.h - segments kept open between their uses.
 *
 * Opening a segment reads two directories, and each column's dictionary is decoded when it is first
 * asked for: for a small query that takes longer than the query. A segment that has joined a cache
 * is not let go of by its last user but kept as it is, until it has been unused for longer than
 * others and the cache is over its limits. When its last reference goes it is closed at once, so
 * that nothing of an erased generation is kept. Thread-safe.
 */
#ifndef SEGMENT_CACHE_H
#define SEGMENT_CACHE_H

#include <pthread.h>
#include <stddef.h>

struct segment;

/* Embedded in a folder; it outlives the segments that joined it. */
struct segment_cache {
    pthread_mutex_t mutex;
    size_t memory_max;
    unsigned count_max; /* each holds up to three files */
    /* Unused segments: the one used last first. */
    struct segment *first;
    struct segment *last;
    size_t memory;
    unsigned count;
};

void segment_cache_init(struct segment_cache *cache, size_t memory_max, unsigned count_max);
/* Every segment that joined it is gone. */
void segment_cache_finish(struct segment_cache *cache);

/* Before the segment is first used. `cache` is lent for the segment's life. */
void segment_cache_join(struct segment_cache *cache, struct segment *segment);

/* For segment_read.c only. A segment's last user has gone, and its first is there again; both under
 * the segment's mutex. */
void segment_cache_keep(struct segment_cache *cache, struct segment *segment, size_t memory);
void segment_cache_take(struct segment_cache *cache, struct segment *segment);
/* Closes what is over the limits; without any segment's mutex. */
void segment_cache_trim(struct segment_cache *cache);

#endif
