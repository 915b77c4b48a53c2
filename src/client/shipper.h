/*
 * shipper.h - the thread that brings a client's events from its spools to the trail.
 *
 * It ships in order, a run of events at a time, and lets go of a run only when each of its events
 * has an answer: stored, or refused for good and set aside as a dead letter. Where the trail is away
 * or refuses everybody, it waits (backoff.h) and tries the same run again. Beside the client's own
 * spool and its queue in memory it ships the spools that dead processes of the same user left for
 * the same destination, one run of each in turn.
 */
#ifndef SHIPPER_H
#define SHIPPER_H

#include "counters.h"
#include "notice.h"
#include "patience.h"
#include "spool.h"
#include "transport.h"

enum shipper_source {
    SHIPPER_SPOOL,
    SHIPPER_MEMORY,
    SHIPPER_ADOPTED, /* the shipper's own affair */
    SHIPPER_SOURCES,
};

/* All is lent for the shipper's life. */
struct shipper_options {
    struct transport_options destination; /* `tick` and `context` are the shipper's own */
    const char *root;                     /* of spools, and of dead letters; NULL: there are none */
    const char *name;                     /* of the destination: whose spools to adopt */
    uint32_t sync_ms;
    struct counters *counters;
    const struct notice *notice;
};

struct shipper;

/* Checks the destination; nothing is started. TALLY_INVALID as transport_create(). Caller owns. */
TALLY_MUST_CHECK tally_status shipper_create(const struct shipper_options *options,
                                             struct shipper **shipper_out,
                                             struct tally_error *error);
/* Stops the thread, whatever it is waiting for, and closes the spools: what is left in files stays
 * there. How many events were in memory. */
uint64_t shipper_destroy(struct shipper *shipper); /* NULL is allowed */

/* Takes over a spool, SHIPPER_SPOOL or SHIPPER_MEMORY, and starts the thread with the first one.
 * Under the client's lock. */
TALLY_MUST_CHECK tally_status shipper_add(struct shipper *shipper, enum shipper_source source,
                                          struct spool *spool, struct tally_error *error);

/* The spool, or NULL where it was not added yet. Any thread. */
struct spool *shipper_spool(struct shipper *shipper, enum shipper_source source);

/* To be called when something was appended to the queue in memory: the thread waits for one spool
 * only. */
void shipper_ring(struct shipper *shipper);

/* The trail was used by somebody else of this process: it may rest a second from now. */
void shipper_used(struct shipper *shipper);

/* Events were dropped from a spool: who waits in shipper_flush() looks again. */
void shipper_dropped(struct shipper *shipper);

/* Waits until everything appended to the client's own spools before has its answer. A wait for the
 * next attempt that the trail did not ask for is cut short. TALLY_BUSY at the monotonic time `until`, or
 * when patience ends; error says what it waits for. */
TALLY_MUST_CHECK tally_status shipper_flush(struct shipper *shipper, int64_t until,
                                            const struct patience *patience,
                                            struct tally_error *error);

/* Adds the events that came into the client's spools, and those without an answer, of an adopted spool
 * too. */
void shipper_count(struct shipper *shipper, uint64_t *recorded, uint64_t *queued);

/* Around fork(): nothing is being opened, adopted or closed meanwhile. The child's shipper has no
 * spools and no thread, as if it had just been created. */
void shipper_fork_prepare(struct shipper *shipper);
void shipper_fork_parent(struct shipper *shipper);
void shipper_fork_child(struct shipper *shipper);

#endif
