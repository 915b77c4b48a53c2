/*
 * value_table.h - distinct values, numbered in the order they were met.
 *
 * Values are copied, so that a table outlives the runs its values were read from. Memory is
 * bounded: a value too many is refused, and the answer says what would help. One thread at a time;
 * any number may look up in a table that nobody adds to.
 */
#ifndef VALUE_TABLE_H
#define VALUE_TABLE_H

#include "arena.h"
#include "tally/status.h"

/* Distinct values that are kept; more are refused, because counts would be wrong. */
#define STATS_VALUES_MAX (UINT32_C(1) << 20)
#define STATS_BYTES_MAX  (UINT32_C(64) << 20) /* of the values together */

/* No value has this number. */
#define NO_VALUE UINT32_MAX

/* Zeroed is empty. */
struct value_table {
    uint32_t count;
    struct bytes *values; /* by number */
    uint32_t *hashes;
    uint32_t capacity;
    uint32_t *slots; /* number + 1, 0 where free; twice the capacity, which is a power of two */
    uint64_t seed;
    size_t bytes;
    struct arena arena;
};

void value_table_finish(struct value_table *table);

/* The number of a value: a new one, table->count, if it was not met before. TALLY_INVALID, with a
 * sentence that names the cure, where there is no room for it. */
TALLY_MUST_CHECK tally_status value_table_add(struct value_table *table, struct bytes value,
                                              uint32_t *number_out, struct tally_error *error);

/* The number of a value, NO_VALUE where it was not met. */
uint32_t value_table_find(const struct value_table *table, struct bytes value);

#endif
