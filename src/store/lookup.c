/*
 * lookup.c - a table of numbers with tags.
 *
 * A slot is 32 bits: 0 where empty, else the number plus one in the low 19 and the upper 13 bits of
 * the hash above, so that a candidate is almost always the one, and comparing wrong ones, each a
 * cache miss, is rare. The lower 19 bits of the hash say where to begin; slots are probed one after
 * the other, and at most half of them are used. The hashes are kept in the order of the numbers, so
 * that growing touches no keys.
 *
 * Invariants: numbers stand in a table in the order they were added, so that the way to a number
 * leads only over lesser ones: taking back the greatest breaks no other's way. A table's size never
 * changes; a larger one is complete before its address is published (release), and the old one
 * stays.
 */
#include "lookup.h"

#include <assert.h>

#define NUMBER_BITS 19
#define SLOTS_MIN   32u
#define GROWTH      4u /* so that all the old tables take a third of the newest one's memory */

struct lookup_table {
    uint32_t mask;    /* slots less one */
    uint32_t count;   /* of numbers; the writer's */
    uint32_t *hashes; /* of each number; the writer's */
    _Atomic uint32_t slots[];
};

_Static_assert(2 * LOOKUP_COUNT_MAX <= UINT32_C(1) << NUMBER_BITS, "the hash can begin anywhere");
_Static_assert(SLOTS_MIN << 14 == 2 * LOOKUP_COUNT_MAX, "seven steps lead to the largest");

static uint32_t
slot_of(uint32_t hash, uint32_t number)
{
    return hash >> NUMBER_BITS << NUMBER_BITS | (number + 1);
}

void
lookup_prefetch(const struct lookup *lookup, uint32_t hash)
{
    const struct lookup_table *table = atomic_load_explicit(&lookup->table, memory_order_relaxed);
    if (table != NULL)
        __builtin_prefetch(&table->slots[hash & table->mask]);
}

struct lookup_walk
lookup_begin(const struct lookup *lookup, uint32_t hash)
{
    return (struct lookup_walk){
        .table = atomic_load_explicit(&lookup->table, memory_order_acquire),
        .hash = hash,
    };
}

bool
lookup_next(struct lookup_walk *walk, uint32_t *number_out)
{
    const struct lookup_table *table = walk->table;
    if (table == NULL)
        return false;

    uint32_t number_mask = (UINT32_C(1) << NUMBER_BITS) - 1;
    for (;;) {
        uint32_t place = (walk->hash + walk->step) & table->mask;
        uint32_t slot = atomic_load_explicit(&table->slots[place], memory_order_relaxed);
        if (slot == 0)
            return false;
        walk->step++;
        if (((slot ^ slot_of(walk->hash, 0)) & ~number_mask) == 0) {
            *number_out = (slot & number_mask) - 1;
            return true;
        }
    }
}

static void
table_add(struct lookup_table *table, uint32_t hash)
{
    uint32_t place = hash & table->mask;
    while (atomic_load_explicit(&table->slots[place], memory_order_relaxed) != 0)
        place = (place + 1) & table->mask;
    table->hashes[table->count] = hash;
    atomic_store_explicit(&table->slots[place], slot_of(hash, table->count), memory_order_relaxed);
    table->count++;
}

static struct lookup_table *
create_table(struct region *region, uint32_t slots)
{
    struct lookup_table *table;
    size_t size = sizeof *table + slots * sizeof table->slots[0];
    table = region_take(region, size);
    uint32_t *hashes = region_take(region, slots / 2 * sizeof *hashes);
    if (table == NULL || hashes == NULL)
        return NULL;
    memset(table, 0, size);
    table->mask = slots - 1;
    table->hashes = hashes;
    return table;
}

bool
lookup_add(struct lookup *lookup, struct region *region, uint32_t hash)
{
    struct lookup_table *table = atomic_load_explicit(&lookup->table, memory_order_relaxed);
    uint32_t slots = table == NULL ? 0 : table->mask + 1;

    if (table == NULL || table->count == slots / 2) {
        if (slots / 2 == LOOKUP_COUNT_MAX)
            return false;
        struct lookup_table *larger = create_table(region, slots == 0 ? SLOTS_MIN : GROWTH * slots);
        if (larger == NULL)
            return false;
        for (uint32_t number = 0; number < slots / 2; number++)
            table_add(larger, table->hashes[number]);
        atomic_store_explicit(&lookup->table, larger, memory_order_release);
        table = larger;
    }
    table_add(table, hash);
    return true;
}

void
lookup_truncate(struct lookup *lookup, uint32_t count)
{
    struct lookup_table *table = atomic_load_explicit(&lookup->table, memory_order_relaxed);
    while (table != NULL && table->count > count) {
        uint32_t number = --table->count;
        uint32_t hash = table->hashes[number];
        uint32_t place = hash & table->mask;
        while (atomic_load_explicit(&table->slots[place], memory_order_relaxed) !=
               slot_of(hash, number))
            place = (place + 1) & table->mask;
        atomic_store_explicit(&table->slots[place], 0, memory_order_relaxed);
    }
}
