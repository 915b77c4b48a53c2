/*
 * lookup.h - numbers found by the hash of what they stand for.
 *
 * An open-addressing table of the numbers 0, 1, 2, … in the order they were added. It does not know
 * the keys: it offers candidates, and the caller compares. One thread adds and takes back; any
 * number look up meanwhile without locks: a number added before they learned of it (by an acquire)
 * and not taken back is among their candidates.
 *
 *     struct lookup_walk walk = lookup_begin(&lookup, hash);
 *     while (lookup_next(&walk, &number))
 *         if (… number stands for the key …)
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "region.h"

#include <stdatomic.h>

#define LOOKUP_COUNT_MAX (UINT32_C(1) << 18)

struct lookup_table;

/* Zeroed is empty. Old tables stay in the region for those who still read them. */
struct lookup {
    _Atomic(struct lookup_table *) table;
};

struct lookup_walk {
    const struct lookup_table *table; /* NULL where there is none */
    uint32_t hash;
    uint32_t step;
};

/* Asks for the memory where a walk of this hash begins, to be there when it is walked. */
void lookup_prefetch(const struct lookup *lookup, uint32_t hash);

struct lookup_walk lookup_begin(const struct lookup *lookup, uint32_t hash);
bool lookup_next(struct lookup_walk *walk, uint32_t *number_out);

/* Adds the next number. False, with nothing added, when memory is short or LOOKUP_COUNT_MAX are
 * there. */
bool lookup_add(struct lookup *lookup, struct region *region, uint32_t hash);

/* Takes back the numbers from `count` on. */
void lookup_truncate(struct lookup *lookup, uint32_t count);

#endif
