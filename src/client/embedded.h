/*
 * embedded.h - trails of data folders that this process writes itself.
 *
 * A trail is opened for writing, and its lock taken, when the first event comes; it is closed when
 * there has been nothing to store for a while (embedded_rest()), so that other processes come to
 * theirs. All transports of a process to one trail share it, since a lock is a process's.
 *
 * Any thread. What a child has after fork() is its parent's: embedded_fork_child() lets go of it.
 */
#ifndef EMBEDDED_H
#define EMBEDDED_H

#include "tally/status.h"
#include "trail.h"

#include <stdint.h>

struct embedded;

/* The trail `name` of the folder `path`; nothing is opened yet. The caller gives it back. */
TALLY_MUST_CHECK tally_status embedded_get(const char *path, const char *name,
                                           struct embedded **embedded_out,
                                           struct tally_error *error);
void embedded_put(struct embedded *embedded); /* NULL is allowed */

/* While another process has the trail it is waited for, until the monotonic time `until` or until
 * `tick` says 0. */
struct embedded_wait {
    int64_t until;
    int64_t (*tick)(void *context); /* as transport.h has it; NULL: none */
    void *context;
};

/* The open trail, lent until embedded_leave(). `opening_out` counts its openings: what was made for
 * another one is of no use. TALLY_BUSY; TALLY_ABSENT says how to make a folder or trail; faults. */
TALLY_MUST_CHECK tally_status embedded_enter(struct embedded *embedded,
                                             const struct embedded_wait *wait,
                                             struct trail **trail_out, uint64_t *opening_out,
                                             struct tally_error *error);

enum embedded_state {
    EMBEDDED_GOOD,
    EMBEDDED_DOUBTFUL, /* a write is in doubt: the trail is opened anew before the next one */
};
void embedded_leave(struct embedded *embedded, enum embedded_state state);

/* The trail for reading: the one that is open for writing, or one that is opened for this. */
struct embedded_reading {
    struct folder *folder; /* NULL: it is the open one */
    struct trail *trail;
};
TALLY_MUST_CHECK tally_status embedded_read(struct embedded *embedded,
                                            struct embedded_reading *reading_out,
                                            struct tally_error *error);
void embedded_read_end(struct embedded *embedded, struct embedded_reading *reading);

/* Closes the trail if nobody is using it. */
void embedded_rest(struct embedded *embedded);

/* Around fork(): nothing is being opened or closed meanwhile. */
void embedded_fork_prepare(void);
void embedded_fork_parent(void);
void embedded_fork_child(void);

#endif
