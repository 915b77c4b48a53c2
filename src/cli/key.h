/*
 * key.h - what `tally key` is asked to do, and how its answers look.
 *
 * key.c reads the words, key_folder.c does it on a data folder, key_remote.c on a server,
 * key_listing.c shows keys.
 */
#ifndef KEY_H
#define KEY_H

#include "command.h"
#include "keyring.h"
#include "out.h"

enum key_verb {
    KEY_LIST,
    KEY_ADD,
    KEY_ROTATE,
    KEY_REVOKE,
};

struct key_order {
    enum key_verb verb;
    enum keyring_scope scope;       /* list */
    struct keyring_request request; /* add; lent from the invocation */
    int64_t id;                     /* rotate, revoke */
    int64_t overlap;                /* rotate: nanoseconds */
};

/* Does it on the data folder that the first operand names. Returns the exit status. */
int key_folder(const struct invocation *invocation, const struct key_order *order);

/* The same on the server that the first operand names. */
int key_remote(const struct invocation *invocation, const struct key_order *order);

/* Prints a key just made, the only time that it is seen. `id` is said where that fails, so that the
 * key that nobody has can be revoked. DONE or UNABLE. */
int key_print(const char *where, int64_t id, const char *text);

/* Rows of keys, in the format that --format asks for (table). */
struct key_listing {
    enum listing_format format;
    struct listing *listing;
};

/* DONE, or the exit status after saying why. */
int key_listing_begin(const struct invocation *invocation, struct out *out,
                      struct key_listing *listing_out);
/* keyring_visitor; `context` is the listing. */
tally_status key_listing_row(void *context, const struct keyring_entry *entry,
                             struct tally_error *error);
/* Writes what comes behind the rows where `status` is TALLY_OK; gives the listing back. */
tally_status key_listing_end(struct key_listing *listing, tally_status status,
                             struct tally_error *error);

#endif
