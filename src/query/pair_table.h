/*
 * pair_table.h - distinct pairs of places, numbered in the order they were met.
 *
 * What counts by two fields are kept by: a place (dimension.h) of the first field and one of the
 * second. One thread at a time; any number may look up in a table that nobody adds to. Pure but for
 * its memory.
 */
#ifndef PAIR_TABLE_H
#define PAIR_TABLE_H

#include "tally/status.h"

#include <stdint.h>

/* No pair has this number. */
#define NO_PAIR UINT32_MAX

/* Pairs that are kept; more are refused. */
#define STATS_PAIRS_MAX (UINT32_C(1) << 20)

struct place_pair {
    uint32_t first, second;
};

/* Zeroed is empty. */
struct pair_table {
    uint32_t count;
    struct place_pair *pairs; /* by number */
    uint32_t capacity;
    uint32_t *slots; /* number + 1, 0 where free; twice the capacity, which is a power of two */
    uint32_t *near;  /* number + 1 by both places, where both are small; NULL while empty */
};

void pair_table_finish(struct pair_table *table);

/* The number of a pair: a new one, table->count, if it was not met before. TALLY_INVALID, with a
 * sentence that names the cure, where there are STATS_PAIRS_MAX. */
TALLY_MUST_CHECK tally_status pair_table_add(struct pair_table *table, struct place_pair pair,
                                             uint32_t *number_out, struct tally_error *error);

/* The number of a pair, NO_PAIR where it was not met. */
uint32_t pair_table_find(const struct pair_table *table, struct place_pair pair);

#endif
