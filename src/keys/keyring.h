/*
 * keyring.h - API keys: who may use a data folder over the network, and for what.
 *
 * The keys of a folder stand in its tally.db (SQLite, 0600). A key is shown once, when it is made;
 * kept is its SHA-256, which suffices because a key has 256 random bits and cannot be guessed from
 * it. Commands on the folder itself need no key: who may read its files may use it.
 *
 * A key's id stands in the entries that were written with it, so it is never given twice, and a key
 * that was revoked stays on the ring, without use, to be named by them.
 *
 * An admin key that is good and not replaced is always left, so far as revoking goes: the last one
 * cannot be revoked. (It can run out; then another is made on the folder itself.)
 *
 * keyring.c changes keys, keyring_file.c makes and opens the file, keyring_read.c reads, and
 * keyring_use.c notes uses. A keyring belongs to one thread at a time; several processes may have
 * one open.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "role.h"
#include "tally/hash.h"
#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "tally_" and 256 bits in base64url without padding. */
#define KEYRING_KEY_SIZE (6 + 43)

#define KEYRING_NAME_MAX      64
#define KEYRING_TRAILS_MAX    1023
#define KEYRING_ADDRESS_MAX   63
#define KEYRING_KEYS_MAX      10000 /* good at once */
#define KEYRING_ADDRESSES_MAX 100   /* remembered per key: the newest */

/* A key as it is kept. Times are nanoseconds since 1970; 0 is never. */
struct keyring_entry {
    int64_t id; /* from 1 */
    struct tally_hash hash;
    char name[KEYRING_NAME_MAX + 1];
    enum role role;
    char trails[KEYRING_TRAILS_MAX + 1]; /* joined by commas; "": all */
    int64_t created;
    int64_t expires;
    int64_t revoked;
    int64_t replaced_by; /* the id of the key that takes its place; 0: none */
    int64_t last_used;
    char last_address[KEYRING_ADDRESS_MAX + 1]; /* "": none */
};

/* Whether it opens anything at `now`: neither revoked nor run out. */
bool keyring_entry_good(const struct keyring_entry *entry, int64_t now);

/* Whether a key with this list of trails is for the trail `name`; "" is for all. */
bool keyring_trails_have(const char *trails, const char *name);

struct keyring;

/* Makes FOLDER/tally.db, which must not exist; opens it. Caller owns. */
TALLY_MUST_CHECK tally_status keyring_create(const char *folder, struct keyring **keyring_out,
                                             struct tally_error *error);

/* Brings the file of an older version up to this one's. TALLY_ABSENT where there is no such file;
 * TALLY_UNSUPPORTED for a newer version's. */
TALLY_MUST_CHECK tally_status keyring_open(const char *folder, struct keyring **keyring_out,
                                           struct tally_error *error);
void keyring_close(struct keyring *keyring); /* NULL is allowed */

/* ---- changing ---- */

/* What a new key is to be. */
struct keyring_request {
    const char *name; /* 1 to KEYRING_NAME_MAX bytes of UTF-8, for people */
    enum role role;
    const char *trails; /* names joined by commas; NULL: all, as an admin's must be */
    int64_t expires;    /* 0: never */
};

/* A key just made: the only time that its text is seen. The caller wipes it (sodium_memzero). */
struct new_key {
    int64_t id;
    char text[KEYRING_KEY_SIZE + 1];
};

/* Makes a key. TALLY_INVALID for a name, a list of trails or an expiry that is none;
 * TALLY_CONFLICT, with the cure in the text, where KEYRING_KEYS_MAX are good already. */
TALLY_MUST_CHECK tally_status keyring_add(struct keyring *keyring,
                                          const struct keyring_request *request,
                                          struct new_key *key_out, struct tally_error *error);

/* Makes a key that takes the place of another: with its name, role and trails, and, where it runs
 * out, as long to live as it had at first. The other one is good for `overlap` nanoseconds more at
 * most (0: not at all). TALLY_ABSENT: no such key. TALLY_CONFLICT, with the cure in the text: it is
 * not good any more, or is replaced already. */
TALLY_MUST_CHECK tally_status keyring_rotate(struct keyring *keyring, int64_t id, int64_t overlap,
                                             struct new_key *key_out, struct tally_error *error);

/* From now on the key opens nothing. Nothing happens where it is revoked already. TALLY_ABSENT: no
 * such key. TALLY_CONFLICT, with the cure in the text: it is the last admin key. */
TALLY_MUST_CHECK tally_status keyring_revoke(struct keyring *keyring, int64_t id,
                                             struct tally_error *error);

/* ---- reading ---- */

/* TALLY_ABSENT: no such key. One that was revoked is found. */
TALLY_MUST_CHECK tally_status keyring_get(struct keyring *keyring, int64_t id,
                                          struct keyring_entry *entry_out,
                                          struct tally_error *error);

enum keyring_scope {
    KEYRING_IN_SERVICE, /* not revoked, and not both replaced and run out */
    KEYRING_ALL,
};

/* Anything but TALLY_OK ends the walk, and is its status. */
typedef tally_status keyring_visitor(void *context, const struct keyring_entry *entry,
                                     struct tally_error *error);

/* In order of ids. The visitor may not change the ring. */
TALLY_MUST_CHECK tally_status keyring_list(struct keyring *keyring, enum keyring_scope scope,
                                           keyring_visitor *visitor, void *context,
                                           struct tally_error *error);

/* A number that is another one after anybody else's change to the file. */
TALLY_MUST_CHECK tally_status keyring_version(struct keyring *keyring, int64_t *version_out,
                                              struct tally_error *error);

/* ---- uses ---- */

/* A key's last use from one address. */
struct keyring_use {
    int64_t id;
    int64_t used;
    char address[KEYRING_ADDRESS_MAX + 1]; /* as text; not empty */
};

/* Notes uses, all or none: they are the keys' last, unless a later one is noted. Of each key's
 * addresses, the newest KEYRING_ADDRESSES_MAX are kept. Uses of one key stand together. Waits
 * `wait_ms` at most for another process that changes the ring, then it is TALLY_BUSY. */
TALLY_MUST_CHECK tally_status keyring_note(struct keyring *keyring, const struct keyring_use *uses,
                                           size_t count, int wait_ms, struct tally_error *error);

/* The addresses of a key that are remembered, newest first; at most KEYRING_ADDRESSES_MAX into
 * `uses`, which has room for them. */
TALLY_MUST_CHECK tally_status keyring_addresses(struct keyring *keyring, int64_t id,
                                                struct keyring_use *uses, size_t *count_out,
                                                struct tally_error *error);

#endif
