#include "key_table.h"

#include "clock.h"
#include "fault.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_LEAST 16

/* The first bytes of a hash, by which the table is in order. */
static uint64_t
prefix_of(const struct tally_hash *hash)
{
    return get_u64(hash->bytes);
}

static int
compare_keys(const void *left, const void *right)
{
    uint64_t a = prefix_of(&((const struct held_key *)left)->hash);
    uint64_t b = prefix_of(&((const struct held_key *)right)->hash);
    return (a > b) - (a < b);
}

/* The place of the first key whose prefix is not below. */
static size_t
lower_bound(const struct key_table *table, uint64_t prefix)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (prefix_of(&table->keys[middle].hash) < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct held_key *
key_table_find(const struct key_table *table, const struct tally_hash *hash)
{
    uint64_t prefix = prefix_of(hash);
    for (size_t i = lower_bound(table, prefix); i < table->count; i++) {
        struct held_key *key = &table->keys[i];
        if (prefix_of(&key->hash) != prefix)
            return NULL;
        if (sodium_memcmp(key->hash.bytes, hash->bytes, sizeof hash->bytes) == 0)
            return key;
    }
    return NULL;
}

/* ---- reading ---- */

struct reading {
    struct key_table table;
    size_t capacity;
    const struct key_table *old;
    int64_t now;
};

static tally_status
make_room(struct reading *reading, struct tally_error *error)
{
    if (reading->table.count < reading->capacity)
        return TALLY_OK;
    size_t capacity = reading->capacity == 0 ? CAPACITY_LEAST : 2 * reading->capacity;
    struct held_key *keys = realloc(reading->table.keys, capacity * sizeof *keys);
    if (keys == NULL)
        return memory_fault(error);
    reading->table.keys = keys;
    reading->capacity = capacity;
    return TALLY_OK;
}

static struct principal
principal_of(const struct keyring_entry *entry)
{
    struct principal principal = { .role = entry->role, .key = entry->id };
    memcpy(principal.name, entry->name, sizeof principal.name);
    memcpy(principal.trails, entry->trails, sizeof principal.trails);
    (void)snprintf(principal.writer, sizeof principal.writer, "key:%" PRId64, entry->id);
    return principal;
}

static int64_t
end_of(const struct keyring_entry *entry)
{
    if (entry->revoked != 0)
        return INT64_MIN;
    return entry->expires == 0 ? INT64_MAX : entry->expires;
}

/* keyring_visitor */
static tally_status
hold_key(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    struct reading *reading = context;
    bool known = key_table_find(reading->old, &entry->hash) != NULL;
    if (!known && !keyring_entry_good(entry, reading->now))
        return TALLY_OK;
    tally_status status = make_room(reading, error);
    if (status != TALLY_OK)
        return status;
    reading->table.keys[reading->table.count++] = (struct held_key){
        .hash = entry->hash,
        .ends = end_of(entry),
        .principal = principal_of(entry),
    };
    return TALLY_OK;
}

static tally_status
read_uses(struct keyring *keyring, struct reading *reading, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < reading->table.count && status == TALLY_OK; i++) {
        struct held_key *key = &reading->table.keys[i];
        if (key_table_find(reading->old, &key->hash) == NULL)
            status = uses_read(keyring, key->principal.key, &key->uses, error);
    }
    return status;
}

tally_status
key_table_read(struct keyring *keyring, struct key_table *old, struct key_table *table_out,
               struct tally_error *error)
{
    struct reading reading = { .old = old, .now = clock_now() };
    tally_status status = keyring_list(keyring, KEYRING_ALL, hold_key, &reading, error);
    if (status == TALLY_OK)
        status = read_uses(keyring, &reading, error);
    if (status != TALLY_OK) {
        key_table_free(&reading.table);
        return status;
    }
    if (reading.table.count > 0)
        qsort(reading.table.keys, reading.table.count, sizeof *reading.table.keys, compare_keys);
    *table_out = reading.table;
    return TALLY_OK;
}

void
key_table_inherit(struct key_table *heir, struct key_table *old)
{
    for (size_t i = 0; i < heir->count; i++) {
        struct held_key *key = &heir->keys[i];
        struct held_key *before = key_table_find(old, &key->hash);
        if (before == NULL)
            continue;
        key->uses = before->uses;
        key->written = before->written;
        before->uses = NULL;
    }
}

void
key_table_free(struct key_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        uses_free(table->keys[i].uses);
    free(table->keys);
    *table = (struct key_table){ 0 };
}
