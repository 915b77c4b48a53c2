/*
 * run_meter.h - what a question cost: reads of segments' files, counted where they are made.
 *
 * What stands in memory already, as heads and what a cache keeps, costs none. Counted by one thread.
 */
#ifndef RUN_METER_H
#define RUN_METER_H

#include <stdint.h>

struct run_meter {
    uint64_t reads;
    uint64_t bytes;
};

static inline void
run_meter_count(struct run_meter *meter, uint64_t size)
{
    meter->reads++;
    meter->bytes += size;
}

static inline void
run_meter_add(struct run_meter *meter, const struct run_meter *more)
{
    meter->reads += more->reads;
    meter->bytes += more->bytes;
}

#endif
