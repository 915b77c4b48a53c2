/*
 * A table of numbers, hashed with open addressing; the values stand apart, in order of their
 * numbers.
 *
 * Invariant: slots has twice as many places as there are values at most, so every walk ends at a
 * free one. The seed is random, so that nobody who chooses values can make walks long.
 */
#include "value_table.h"

#include "fault.h"
#include "random.h"
#include "value_hash.h"

#include <stdlib.h>

#define CAPACITY_FIRST 256u

void
value_table_finish(struct value_table *table)
{
    free(table->values);
    free(table->hashes);
    free(table->slots);
    arena_finish(&table->arena);
    *table = (struct value_table){ 0 };
}

/* The slot of a value: where it is, or the free one where it belongs. */
static uint32_t *
find_slot(const struct value_table *table, struct bytes value, uint32_t hash)
{
    uint32_t mask = table->capacity * 2 - 1;
    uint32_t at = hash & mask;
    for (; table->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t number = table->slots[at] - 1;
        if (table->hashes[number] == hash && bytes_equal(table->values[number], value))
            break;
    }
    return &table->slots[at];
}

static tally_status
grow(struct value_table *table, struct tally_error *error)
{
    uint32_t capacity = table->capacity == 0 ? CAPACITY_FIRST : table->capacity * 2;
    struct bytes *values = realloc(table->values, capacity * sizeof *values);
    if (values == NULL)
        return memory_fault(error);
    table->values = values;
    uint32_t *hashes = realloc(table->hashes, capacity * sizeof *hashes);
    if (hashes == NULL)
        return memory_fault(error);
    table->hashes = hashes;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return memory_fault(error);
    free(table->slots);
    table->slots = slots;
    if (table->capacity == 0)
        random_bytes(&table->seed, sizeof table->seed);
    table->capacity = capacity;

    /* All are different: the first free slot is the right one. */
    uint32_t mask = capacity * 2 - 1;
    for (uint32_t number = 0; number < table->count; number++) {
        uint32_t at = hashes[number] & mask;
        while (slots[at] != 0)
            at = (at + 1) & mask;
        slots[at] = number + 1;
    }
    return TALLY_OK;
}

tally_status
value_table_add(struct value_table *table, struct bytes value, uint32_t *number_out,
                struct tally_error *error)
{
    if (table->count == table->capacity) {
        tally_status status = grow(table, error);
        if (status != TALLY_OK)
            return status;
    }
    uint32_t hash = (uint32_t)value_hash(table->seed, value);
    uint32_t *slot = find_slot(table, value, hash);
    if (*slot == 0) {
        if (table->count == STATS_VALUES_MAX || table->bytes + value.size > STATS_BYTES_MAX)
            return fault(error, TALLY_INVALID,
                         "there are more than %u different values, or more than %u MiB of them; "
                         "narrow the filter or count by another field",
                         STATS_VALUES_MAX, STATS_BYTES_MAX >> 20);
        struct bytes copy = arena_copy(&table->arena, value);
        if (copy.data == NULL)
            return memory_fault(error);
        table->bytes += value.size;
        table->values[table->count] = copy;
        table->hashes[table->count] = hash;
        *slot = ++table->count;
    }
    *number_out = *slot - 1;
    return TALLY_OK;
}

uint32_t
value_table_find(const struct value_table *table, struct bytes value)
{
    if (table->count == 0)
        return NO_VALUE;
    uint32_t slot = *find_slot(table, value, (uint32_t)value_hash(table->seed, value));
    return slot == 0 ? NO_VALUE : slot - 1;
}
