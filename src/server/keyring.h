/*
 * keyring.h - API keys: who may use a data folder over the network, and for what.
 *
 * The keys of a folder stand in its tally.db (SQLite, 0600). A key is shown once, when it is made;
 * kept is its SHA-256, which suffices because a key has 256 random bits and cannot be guessed from
 * it. Commands on the folder itself need no key: who may read its files may use it.
 *
 * A keyring belongs to one thread; several processes may have one open.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "tally_" and 256 bits in base64url without padding. */
#define KEYRING_KEY_SIZE (6 + 43)

#define KEYRING_NAME_MAX   64
#define KEYRING_TRAILS_MAX 1023

enum role {
    ROLE_ADMIN,   /* everything */
    ROLE_AUDITOR, /* read, search, export, verify */
    ROLE_WRITER,  /* record only */
    ROLE_NONE,    /* no key */
};

const char *role_name(enum role role);
bool role_find(const char *name, enum role *role_out);

/* A key as it is kept. Times are nanoseconds since 1970; 0 is never. */
struct keyring_entry {
    int64_t id;
    char name[KEYRING_NAME_MAX + 1];
    enum role role;
    int64_t created;
    int64_t expires;
    int64_t last_used;
};

/* What a new key is to be. `trails` is a list of trail names joined by commas, NULL for all. */
struct keyring_request {
    const char *name; /* 1 to KEYRING_NAME_MAX bytes, for people */
    enum role role;
    const char *trails;
    int64_t expires;
};

struct keyring;

/* Makes FOLDER/tally.db, which must not exist; opens it. Caller owns. */
TALLY_MUST_CHECK tally_status keyring_create(const char *folder, struct keyring **keyring_out,
                                             struct tally_error *error);

/* TALLY_ABSENT where there is no such file; TALLY_UNSUPPORTED for a newer version's. */
TALLY_MUST_CHECK tally_status keyring_open(const char *folder, struct keyring **keyring_out,
                                           struct tally_error *error);
void keyring_close(struct keyring *keyring); /* NULL is allowed */

/* Makes a key and gives its text, NUL-terminated: the only time it is seen. The caller wipes it.
 * TALLY_INVALID for a name or a list of trails that is none. */
TALLY_MUST_CHECK tally_status keyring_add(struct keyring *keyring,
                                          const struct keyring_request *request,
                                          char key_out[KEYRING_KEY_SIZE + 1],
                                          struct tally_error *error);

/* Whether `key` is one of the ring's, may be used at `now` and for this trail; TALLY_OK, and
 * TALLY_ABSENT where not, whatever the reason. Notes when it was used. */
TALLY_MUST_CHECK tally_status keyring_find(struct keyring *keyring, const char *key,
                                           const char *trail, int64_t now,
                                           struct keyring_entry *entry_out,
                                           struct tally_error *error);

#endif
