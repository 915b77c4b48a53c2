/*
 * key_table.h - a ring's keys in memory, found by their hashes.
 *
 * Made anew when the ring has changed; what is remembered of a key's uses is handed on from the old
 * table to the new one (key_table_inherit). Not thread-safe: access.c locks.
 */
#ifndef KEY_TABLE_H
#define KEY_TABLE_H

#include "access.h"
#include "uses.h"

struct held_key {
    struct tally_hash hash;
    int64_t ends; /* the first instant at which it opens nothing */
    struct principal principal;
    struct uses *uses; /* NULL until inherited, in a new table */
    int64_t written;   /* when its uses were last written, on the monotonic clock; 0: never */
};

struct key_table {
    struct held_key *keys; /* by hash */
    size_t count;
};

/* The keys of the ring that are good now, and those that `old` has: their last uses may not be
 * written yet. The uses of keys that are not in `old` are read, too. Caller owns. */
TALLY_MUST_CHECK tally_status key_table_read(struct keyring *keyring, struct key_table *old,
                                             struct key_table *table_out,
                                             struct tally_error *error);
void key_table_free(struct key_table *table);

/* Moves the uses of keys that are in both tables to `heir`. */
void key_table_inherit(struct key_table *heir, struct key_table *old);

/* NULL where there is none. The hashes of the table decide how long it takes to come near, which
 * tells something about a hash, of which no key can be made; whether the key is the right one is
 * decided in constant time. */
struct held_key *key_table_find(const struct key_table *table, const struct tally_hash *hash);

#endif
