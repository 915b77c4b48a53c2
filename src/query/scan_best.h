/*
 * scan_best.h - orders of hits, and the first of many hits in one.
 */
#ifndef SCAN_BEST_H
#define SCAN_BEST_H

#include "scan.h"

/* Whether `a` comes before `b`. */
static inline bool
scan_hit_before(enum scan_order order, const struct scan_hit *a, const struct scan_hit *b)
{
    switch (order) {
    case ORDER_TIME_DOWN:
        return a->time != b->time ? a->time > b->time : a->index > b->index;
    case ORDER_TIME:
        return a->time != b->time ? a->time < b->time : a->index < b->index;
    case ORDER_INDEX:
        return a->index < b->index;
    case ORDER_INDEX_DOWN:
        break;
    }
    return a->index > b->index;
}

/* Whether everything in a range of times comes before `hit`, or everything behind it: in an order by
 * time. */
bool scan_range_before(enum scan_order order, int64_t minimum, int64_t maximum,
                       const struct scan_hit *hit);
bool scan_range_behind(enum scan_order order, int64_t minimum, int64_t maximum,
                       const struct scan_hit *hit);

/* The `wanted` hits that come first, of those there were so far. */
struct scan_best {
    enum scan_order order;
    struct scan_hit *hits; /* lent: a heap, with the one that comes last on top */
    size_t count;
    size_t wanted;
};

static inline bool
scan_best_full(const struct scan_best *best)
{
    return best->count == best->wanted;
}

/* Keeps a hit in place of the one that comes last, unless it comes behind all. */
void scan_best_keep(struct scan_best *best, const struct scan_hit *hit);

/* From a heap to a list in order, which ends the keeping. */
void scan_best_sort(struct scan_best *best);

#endif
