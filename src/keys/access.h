/*
 * access.h - who asks: from the key in a request to a principal.
 *
 * The keys of the folder's keyring stand in memory, by their hashes, and are read anew when another
 * process or this one has changed tally.db (looked at once a second, and at once after a change of
 * our own), so a key that was revoked is good for a second at most. Looking a key up takes no disk:
 * its SHA-256 is searched for and compared in constant time. When a key was last used, and from
 * where, is written in the background, at most once a minute a key.
 *
 * Thread-safe.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include "bytes.h"
#include "keyring.h"
#include "tally/status.h"

struct access;

/* Who asks. A value: copied, never lent. */
struct principal {
    enum role role; /* ROLE_NONE: nobody; a route that anyone may ask */
    int64_t key;    /* the key's id in the ring */
    char name[KEYRING_NAME_MAX + 1];
    char writer[32];                     /* what entries say under `writer`: "key:ID" */
    char trails[KEYRING_TRAILS_MAX + 1]; /* joined by commas; "": all */
};

/* `folder` is the data folder's path. TALLY_ABSENT where there is no tally.db. Caller owns. */
TALLY_MUST_CHECK tally_status access_open(const char *folder, struct access **access_out,
                                          struct tally_error *error);
void access_close(struct access *access); /* writes what is not written yet; NULL is allowed */

/* The principal of a key's text at `now` (nanoseconds since 1970). TALLY_OK, or TALLY_ABSENT where
 * no such key is good now, whatever the reason. *new_address_out: this key was never used from
 * `address` (an IP address as text) before; it is true once. A fault where the keys could not be
 * looked at for some seconds: TALLY_BUSY where the look has not come to an end. */
TALLY_MUST_CHECK tally_status access_find(struct access *access, struct bytes key,
                                          const char *address, int64_t now,
                                          struct principal *principal_out, bool *new_address_out,
                                          struct tally_error *error);

/* Whether the principal is still who it was when it was found: its key is good at `now`, with the
 * same role and trails. For what goes on long after its request was let in. False where the keys
 * could not be looked at for some seconds, too. */
bool access_holds(struct access *access, const struct principal *principal, int64_t now);

/* Whether the principal may use this trail, whatever for. */
bool principal_may_use(const struct principal *principal, const char *trail);

/* The ring for changing keys, locked until access_unlock(), which has every change hold at once. */
struct keyring *access_lock(struct access *access);
void access_unlock(struct access *access);

#endif
