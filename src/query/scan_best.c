/*
 * scan_best.c - orders of hits, and the first of many hits in one.
 *
 * The best hits so far are a heap with the worst on top: that is the one a better hit takes the
 * place of, and what lies behind it need not be looked at.
 */
#include "scan_best.h"

#include "fault.h"

static const struct {
    const char *name;
    enum scan_order order;
} orders[] = {
    { "-time", ORDER_TIME_DOWN },
    { "time", ORDER_TIME },
    { "index", ORDER_INDEX },
    { "-index", ORDER_INDEX_DOWN },
};

tally_status
scan_order_read(struct bytes name, enum scan_order *order_out, struct tally_error *error)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (bytes_is(name, orders[i].name)) {
            *order_out = orders[i].order;
            return TALLY_OK;
        }
    }
    return fault(error, TALLY_INVALID,
                 "there is no order '%.*s'; it is -time (newest first), time, index or -index",
                 (int)(name.size < 32 ? name.size : 32), (const char *)name.data);
}

bool
scan_range_before(enum scan_order order, int64_t minimum, int64_t maximum,
                  const struct scan_hit *hit)
{
    return order == ORDER_TIME_DOWN ? minimum > hit->time : maximum < hit->time;
}

bool
scan_range_behind(enum scan_order order, int64_t minimum, int64_t maximum,
                  const struct scan_hit *hit)
{
    return order == ORDER_TIME_DOWN ? maximum < hit->time : minimum > hit->time;
}

static void
swap(struct scan_hit *a, struct scan_hit *b)
{
    struct scan_hit kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts hits[i] where it belongs among those below it; hits[0] is the one that comes last. */
static void
sift_down(struct scan_hit *hits, size_t count, size_t i, enum scan_order order)
{
    for (;;) {
        size_t last = i, left = 2 * i + 1;
        if (left < count && scan_hit_before(order, &hits[last], &hits[left]))
            last = left;
        if (left + 1 < count && scan_hit_before(order, &hits[last], &hits[left + 1]))
            last = left + 1;
        if (last == i)
            return;
        swap(&hits[i], &hits[last]);
        i = last;
    }
}

void
scan_best_keep(struct scan_best *best, const struct scan_hit *hit)
{
    struct scan_hit *hits = best->hits;
    if (scan_best_full(best)) {
        if (!scan_hit_before(best->order, hit, &hits[0]))
            return;
        hits[0] = *hit;
        sift_down(hits, best->count, 0, best->order);
        return;
    }
    size_t i = best->count++;
    hits[i] = *hit;
    while (i > 0 && scan_hit_before(best->order, &hits[(i - 1) / 2], &hits[i])) {
        swap(&hits[(i - 1) / 2], &hits[i]);
        i = (i - 1) / 2;
    }
}

void
scan_best_sort(struct scan_best *best)
{
    for (size_t count = best->count; count > 1; count--) {
        swap(&best->hits[0], &best->hits[count - 1]);
        sift_down(best->hits, count - 1, 0, best->order);
    }
}
