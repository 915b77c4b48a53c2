/*
 * recent_ids.h - whether an id may be in any of the segments that were sealed lately.
 *
 * The newest ids of a trail lie in some twenty segments. To ask each of them whether it has an id
 * that nobody ever sent costs more than all else that is done about an id; here, one look says it
 * of many segments at once. What it says is "no", or "maybe", for one id in a thousand that is not
 * there; then the segments are asked. Pure but for memory; one thread at a time.
 */
#ifndef RECENT_IDS_H
#define RECENT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_FILTERS_MAX 16u

/* Of the entries from `first` up to, but not including, `end`. */
struct recent_filter {
    uint64_t first, end;
    uint32_t capacity; /* of ids */
    uint32_t block_count;
    struct recent_block *blocks;
};

/* Filters of ranges that follow each other, the newest last. Zeroed is empty. */
struct recent_ids {
    struct recent_filter filters[RECENT_FILTERS_MAX];
    unsigned count;
};

/* Adds the ids (id_hash()) of `count` entries from `first` on. Where they do not follow what is
 * there, or memory is short, what was there is forgotten; of what no filter covers, nothing is
 * said. */
void recent_ids_add(struct recent_ids *recent, uint64_t first, const uint64_t *hashes,
                    uint32_t count);

/* Forgets filters that have only entries below `first`. */
void recent_ids_drop(struct recent_ids *recent, uint64_t first);
void recent_ids_free(struct recent_ids *recent);
size_t recent_ids_memory(const struct recent_ids *recent);

/* The filter that covers all of `count` entries from `first` on, or NULL. Lent until the next
 * change. */
const struct recent_filter *recent_ids_covering(const struct recent_ids *recent, uint64_t first,
                                                uint32_t count);

/* Puts the positions of those hashes that may be there into places_out, ascending; returns how
 * many. */
size_t recent_filter_probe(const struct recent_filter *filter, const uint64_t *hashes, size_t count,
                           uint32_t *places_out);

#endif
