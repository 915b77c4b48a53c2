/*
 * segment_cache.c - a list of unused segments, the one used last first.
 *
 * Two kinds of mutex meet here: a segment's, which guards whether it is open and how many use it,
 * and the cache's, which guards the list. A segment's may be held when the cache's is taken, never
 * the other way round. So trimming takes a segment off the list first and closes it afterwards; if
 * it was used in between it is not closed, and its user puts it on the list again.
 *
 * The list holds no reference: a segment whose last reference goes takes itself off. Trimming needs
 * one while it closes, and takes it only where there is another left (segment_retain_if_alive()).
 */
#include "segment_cache.h"

#include "segment_read.h"

#include <assert.h>

void
segment_cache_init(struct segment_cache *cache, size_t memory_max, unsigned count_max)
{
    *cache = (struct segment_cache){ .memory_max = memory_max, .count_max = count_max };
    (void)pthread_mutex_init(&cache->mutex, NULL);
}

void
segment_cache_finish(struct segment_cache *cache)
{
    assert(cache->count == 0);
    (void)pthread_mutex_destroy(&cache->mutex);
}

void
segment_cache_join(struct segment_cache *cache, struct segment *segment)
{
    assert(segment->cache == NULL && segment->users == 0);
    segment->cache = cache;
}

static void
unlink_segment(struct segment_cache *cache, struct segment *segment)
{
    struct segment **before = segment->warmer == NULL ? &cache->first : &segment->warmer->colder;
    struct segment **after = segment->colder == NULL ? &cache->last : &segment->colder->warmer;
    *before = segment->colder;
    *after = segment->warmer;
    segment->warmer = segment->colder = NULL;
    segment->kept = false;
    cache->memory -= segment->kept_memory;
    cache->count--;
}

void
segment_cache_keep(struct segment_cache *cache, struct segment *segment, size_t memory)
{
    (void)pthread_mutex_lock(&cache->mutex);
    assert(!segment->kept);
    segment->kept = true;
    segment->kept_memory = memory;
    segment->colder = cache->first;
    if (cache->first == NULL)
        cache->last = segment;
    else
        cache->first->warmer = segment;
    cache->first = segment;
    cache->memory += memory;
    cache->count++;
    (void)pthread_mutex_unlock(&cache->mutex);
}

void
segment_cache_take(struct segment_cache *cache, struct segment *segment)
{
    (void)pthread_mutex_lock(&cache->mutex);
    if (segment->kept)
        unlink_segment(cache, segment);
    (void)pthread_mutex_unlock(&cache->mutex);
}

/* The coldest segment, off the list and with a reference, while the cache is over its limits. */
static struct segment *
next_victim(struct segment_cache *cache)
{
    struct segment *victim = NULL;
    (void)pthread_mutex_lock(&cache->mutex);
    while (victim == NULL && cache->last != NULL &&
           (cache->memory > cache->memory_max || cache->count > cache->count_max)) {
        struct segment *last = cache->last;
        unlink_segment(cache, last);
        /* Else it is going just now, and closes itself. */
        if (segment_retain_if_alive(last))
            victim = last;
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    return victim;
}

void
segment_cache_trim(struct segment_cache *cache)
{
    struct segment *victim;
    while ((victim = next_victim(cache)) != NULL) {
        segment_close_unused(victim);
        segment_release(victim);
    }
}
