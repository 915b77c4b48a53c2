/*
 * time_bounds.h - the least and the greatest of some times, widened by one thread while others read.
 *
 * Each of the two is read and written at once, the two together are not: who widens first and then
 * publishes what the times are of has readers find bounds of at least that.
 */
#ifndef TIME_BOUNDS_H
#define TIME_BOUNDS_H

#include <stdatomic.h>
#include <stdint.h>

struct time_bounds {
    _Atomic int64_t minimum, maximum;
};

/* Those of no time. */
#define TIME_BOUNDS_EMPTY ((struct time_bounds){ INT64_MAX, INT64_MIN })

static inline void
time_bounds_get(const struct time_bounds *bounds, int64_t *minimum_out, int64_t *maximum_out)
{
    *minimum_out = atomic_load_explicit(&bounds->minimum, memory_order_relaxed);
    *maximum_out = atomic_load_explicit(&bounds->maximum, memory_order_relaxed);
}

static inline void
time_bounds_copy(struct time_bounds *to, const struct time_bounds *from)
{
    int64_t minimum, maximum;
    time_bounds_get(from, &minimum, &maximum);
    atomic_store_explicit(&to->minimum, minimum, memory_order_relaxed);
    atomic_store_explicit(&to->maximum, maximum, memory_order_relaxed);
}

static inline void
time_bounds_widen(struct time_bounds *bounds, int64_t time)
{
    int64_t minimum, maximum;
    time_bounds_get(bounds, &minimum, &maximum);
    if (time < minimum)
        atomic_store_explicit(&bounds->minimum, time, memory_order_relaxed);
    if (time > maximum)
        atomic_store_explicit(&bounds->maximum, time, memory_order_relaxed);
}

#endif
