/*
 * roster.h - the trails that a server has open.
 *
 * A trail is opened for writing when it is first asked for and closed when nobody has used it for a
 * while, or when too many are open; `main` and `tally` stay open. Who holds an open_trail keeps it
 * open. Opening reads the disk and may take a second: the connections' threads only take what is
 * open already (roster_try). Thread-safe.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include "trail.h"

#include <stdatomic.h>

struct roster;

struct open_trail {
    struct trail *trail;
    const char *name;
    atomic_bool verifying; /* a verification that was asked for is under way: one at a time */
};

struct roster_options {
    uint64_t open_max; /* trails open at once; one in use is never closed for another */
    int64_t idle;      /* nanoseconds until an unused one is closed */
    /* Called with what opening found and did, if that is not everyday; NULL is allowed. */
    void (*recovered)(void *context, const char *name, const struct trail_recovery *recovery);
    void *context;
};

/* `folder` is lent. Caller owns. */
TALLY_MUST_CHECK tally_status roster_create(struct folder *folder,
                                            const struct roster_options *options,
                                            struct roster **roster_out, struct tally_error *error);

/* Closes every trail, each with a checkpoint; nobody may hold one. The first fault is given. */
tally_status roster_close(struct roster *roster, struct tally_error *error);

/* TALLY_OK; TALLY_ABSENT: there is no such trail; else what opening it met. Waits. */
TALLY_MUST_CHECK tally_status roster_take(struct roster *roster, const char *name,
                                          struct open_trail **trail_out, struct tally_error *error);
/* The same if it is open already, else TALLY_ABSENT: never waits for the disk. */
TALLY_MUST_CHECK tally_status roster_try(struct roster *roster, const char *name,
                                         struct open_trail **trail_out);
/* Once more, by somebody who holds it; each is released on its own. */
void roster_retain(struct roster *roster, struct open_trail *trail);
void roster_release(struct roster *roster, struct open_trail *trail); /* NULL is allowed */

/* Closes what has been idle. Called every second. */
void roster_tidy(struct roster *roster);

/* Has every poisoned trail closed by roster_tidy() as soon as nobody uses it: whoever asks next
 * opens it anew, which reads back what the disk holds. For the operator to ask for, once the cause
 * is gone. */
void roster_reopen(struct roster *roster);

/* Calls `visitor` with every open trail, under a lock: it must be quick. */
void roster_each(struct roster *roster, void (*visitor)(void *context, struct trail *trail),
                 void *context);

#endif
