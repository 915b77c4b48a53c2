/*
 * keyring_fixture.h - a ring of keys in a folder of its own, for the tests of key rings.
 *
 * A test takes its ring from *state. What cannot fail fails the test.
 */
#ifndef KEYRING_FIXTURE_H
#define KEYRING_FIXTURE_H

#include "keyring.h"

struct ring {
    char folder[64];
    struct keyring *keyring;
};

/* A test with a ring that has no key. */
#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, ring_set_up, ring_tear_down)
int ring_set_up(void **state);
int ring_tear_down(void **state);

/* The path of its database, or with "-wal" and "-shm" of what stands beside it. */
void ring_file(const struct ring *ring, const char *suffix, char path[128]);
void ring_remove_files(const struct ring *ring);

/* What another program does to the file. */
void run_sql(const struct ring *ring, const char *sql);

struct new_key add_key(struct ring *ring, const char *name, enum role role, const char *trails,
                       int64_t expires);
struct keyring_entry get_key(struct ring *ring, int64_t id);
void revoke_key(struct ring *ring, int64_t id);
struct new_key rotate_key(struct ring *ring, int64_t id, int64_t overlap);

/* Whether a key opens anything now. */
bool key_is_good(struct ring *ring, int64_t id);

/* The ids of all keys of a scope, one digit each; lent until the next call. */
const char *key_ids(struct ring *ring, enum keyring_scope scope);

struct keyring_use use_of(int64_t id, int64_t used, const char *address);

#endif
