/*
 * counters.h - what a client counts (tally/client.h, struct tally_client_statistics).
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

struct counters {
    /* `unspooled` are those recorded that no spool has counted: asked for in sync, or lost at once. The
     * others are not counted twice, because threads that count the same wait for each other. */
    counter unspooled, sent, repeated, refused, lost, denied, invalid, masked, attempts;
};

static inline void
counter_add(counter *of, uint64_t count)
{
    atomic_fetch_add_explicit(of, count, memory_order_relaxed);
}

static inline uint64_t
counter_read(counter *of)
{
    return atomic_load_explicit(of, memory_order_relaxed);
}

#endif
