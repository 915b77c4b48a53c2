/*
 * segment_cache.c - a list of unused segments, the one used last first.
 *
 * Two kinds of mutex meet here: a segment's, which guards whether it is open and how many use it,
 * and the cache's, which guards the list. A segment's may be held when the cache's is taken; the
 * other way round it may only be tried. So trimming takes a segment off the list first and closes it
 * afterwards; if it was used in between it is not closed, and its user puts it on the list again.
 * Dropping dictionaries leaves a segment in its place: one whose mutex somebody has is passed over,
 * for it is being used again.
 *
 * The list holds no reference: a segment whose last reference goes takes itself off, before it goes.
 * Closing needs a reference, and takes it only where there is another left
 * (segment_retain_if_alive()).
 */
#include "segment_cache.h"

#include "run_reader.h"

#include <assert.h>

void
segment_cache_init(struct segment_cache *cache, size_t memory_max, unsigned files_max)
{
    *cache = (struct segment_cache){ .memory_max = memory_max, .files_max = files_max };
    (void)pthread_mutex_init(&cache->mutex, NULL);
}

void
segment_cache_finish(struct segment_cache *cache)
{
    assert(cache->count == 0);
    while (cache->reader_count > 0)
        run_reader_free(cache->readers[--cache->reader_count]);
    (void)pthread_mutex_destroy(&cache->mutex);
}

void
segment_cache_join(struct segment_cache *cache, struct segment *segment)
{
    assert(segment->cache == NULL && segment->users == 0);
    segment->cache = cache;
}

static void
weight_take(struct segment_cache *cache, const struct segment_weight *weight)
{
    cache->weight.memory -= weight->memory;
    cache->weight.dictionaries -= weight->dictionaries;
    cache->weight.files -= weight->files;
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
    weight_take(cache, &segment->weight);
    cache->count--;
}

void
segment_cache_keep(struct segment_cache *cache, struct segment *segment,
                   struct segment_weight weight)
{
    (void)pthread_mutex_lock(&cache->mutex);
    assert(!segment->kept);
    segment->kept = true;
    segment->weight = weight;
    segment->colder = cache->first;
    if (cache->first == NULL)
        cache->last = segment;
    else
        cache->first->warmer = segment;
    cache->first = segment;
    cache->weight.memory += weight.memory;
    cache->weight.dictionaries += weight.dictionaries;
    cache->weight.files += weight.files;
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

/* Drops dictionaries, from the coldest segment on, until memory suffices or there are none. */
static void
drop_dictionaries(struct segment_cache *cache)
{
    (void)pthread_mutex_lock(&cache->mutex);
    for (struct segment *segment = cache->last; segment != NULL && cache->weight.dictionaries > 0 &&
                                                cache->weight.memory > cache->memory_max;
         segment = segment->warmer) {
        if (segment->weight.dictionaries == 0 || pthread_mutex_trylock(&segment->mutex) != 0)
            continue;
        weight_take(cache, &(struct segment_weight){
                               .memory = segment->weight.dictionaries,
                               .dictionaries = segment->weight.dictionaries,
                           });
        segment->weight.memory -= segment->weight.dictionaries;
        segment->weight.dictionaries = 0;
        segment_drop_dictionaries(segment);
        (void)pthread_mutex_unlock(&segment->mutex);
    }
    (void)pthread_mutex_unlock(&cache->mutex);
}

/* The coldest segment, off the list and with a reference, while the cache is over its limits. */
static struct segment *
next_victim(struct segment_cache *cache)
{
    struct segment *victim = NULL;
    (void)pthread_mutex_lock(&cache->mutex);
    while (victim == NULL && cache->last != NULL &&
           (cache->weight.memory > cache->memory_max || cache->weight.files > cache->files_max)) {
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
    drop_dictionaries(cache);
    while ((victim = next_victim(cache)) != NULL) {
        segment_close_unused(victim);
        segment_release(victim);
    }
}

struct run_reader *
segment_cache_borrow(struct segment_cache *cache)
{
    struct run_reader *kept = NULL;
    if (cache == NULL)
        return NULL;
    (void)pthread_mutex_lock(&cache->mutex);
    if (cache->reader_count > 0)
        kept = cache->readers[--cache->reader_count];
    (void)pthread_mutex_unlock(&cache->mutex);
    return kept;
}

void
segment_cache_return(struct segment_cache *cache, struct run_reader *reader)
{
    bool kept = false;
    if (cache != NULL) {
        (void)pthread_mutex_lock(&cache->mutex);
        kept = cache->reader_count < CACHE_READERS;
        if (kept)
            cache->readers[cache->reader_count++] = reader;
        (void)pthread_mutex_unlock(&cache->mutex);
    }
    if (!kept)
        run_reader_free(reader);
}
