/*
 * Two ways to a pair's number. Where both places are small, as they are for the fields that people
 * count by two of, it stands in a square that is addressed directly. Any pair is found by hashing
 * with open addressing, too.
 *
 * Invariant: slots has twice as many places as there are pairs at most, so every walk ends at a
 * free one.
 */
#include "pair_table.h"

#include "fault.h"

#include <stdlib.h>

#define CAPACITY_FIRST 256u
#define NEAR_SIDE      256u

void
pair_table_finish(struct pair_table *table)
{
    free(table->pairs);
    free(table->slots);
    free(table->near);
    *table = (struct pair_table){ 0 };
}

/* Places are numbers in the order of arrival, which no one chooses: a plain mix will do. */
static uint32_t
pair_hash(struct place_pair pair)
{
    uint64_t both = (uint64_t)pair.first << 32 | pair.second;
    return (uint32_t)(both * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* The pair's place in the square, NULL where it has none. The place of absent values, the greatest
 * number, comes first. */
static uint32_t *
near_slot(const struct pair_table *table, struct place_pair pair)
{
    uint32_t row = pair.first + 1;
    uint32_t column = pair.second + 1;
    if (table->near == NULL || row >= NEAR_SIDE || column >= NEAR_SIDE)
        return NULL;
    return &table->near[row * NEAR_SIDE + column];
}

/* The slot of a pair: where it is, or the free one where it belongs. */
static uint32_t *
find_slot(const struct pair_table *table, struct place_pair pair)
{
    uint32_t mask = table->capacity * 2 - 1;
    uint32_t at = pair_hash(pair) & mask;
    for (; table->slots[at] != 0; at = (at + 1) & mask) {
        struct place_pair other = table->pairs[table->slots[at] - 1];
        if (other.first == pair.first && other.second == pair.second)
            break;
    }
    return &table->slots[at];
}

static tally_status
grow(struct pair_table *table, struct tally_error *error)
{
    uint32_t capacity = table->capacity == 0 ? CAPACITY_FIRST : table->capacity * 2;
    if (table->near == NULL)
        table->near = calloc((size_t)NEAR_SIDE * NEAR_SIDE, sizeof *table->near);
    if (table->near == NULL)
        return memory_fault(error);
    struct place_pair *pairs = realloc(table->pairs, capacity * sizeof *pairs);
    if (pairs == NULL)
        return memory_fault(error);
    table->pairs = pairs;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return memory_fault(error);
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    for (uint32_t number = 0; number < table->count; number++)
        *find_slot(table, pairs[number]) = number + 1;
    return TALLY_OK;
}

static tally_status
add(struct pair_table *table, struct place_pair pair, uint32_t *number_out,
    struct tally_error *error)
{
    if (table->count == table->capacity) {
        tally_status status = grow(table, error);
        if (status != TALLY_OK)
            return status;
    }
    uint32_t *slot = find_slot(table, pair);
    if (*slot == 0) {
        if (table->count == STATS_PAIRS_MAX)
            return fault(error, TALLY_INVALID,
                         "there are more than %u different pairs of values; narrow the filter or "
                         "count by one field",
                         STATS_PAIRS_MAX);
        table->pairs[table->count] = pair;
        *slot = ++table->count;
    }
    *number_out = *slot - 1;
    return TALLY_OK;
}

tally_status
pair_table_add(struct pair_table *table, struct place_pair pair, uint32_t *number_out,
               struct tally_error *error)
{
    uint32_t *near = near_slot(table, pair);
    if (near != NULL && *near != 0) {
        *number_out = *near - 1;
        return TALLY_OK;
    }
    uint32_t number = 0;
    tally_status status = add(table, pair, &number, error);
    if (status != TALLY_OK)
        return status;
    near = near_slot(table, pair); /* the first pair makes the square */
    if (near != NULL)
        *near = number + 1;
    *number_out = number;
    return TALLY_OK;
}

uint32_t
pair_table_find(const struct pair_table *table, struct place_pair pair)
{
    if (table->count == 0)
        return NO_PAIR;
    const uint32_t *near = near_slot(table, pair);
    uint32_t slot = near != NULL ? *near : *find_slot(table, pair);
    return slot == 0 ? NO_PAIR : slot - 1;
}
