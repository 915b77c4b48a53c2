/*
 * recordings.h - what a request's events need from their bytes to their receipts.
 *
 * See resource_events.c for how they are held and let go. Thread-safe where it says so.
 */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include "catalogue.h"
#include "request.h"
#include "roster.h"

#include <stdatomic.h>

/* Refusals that are told in full; more are counted. */
#define RECORDING_PROBLEMS_MAX 100

struct recordings;

enum recording_state {
    RECORDING_WAITING,   /* for the commit or the deadline, whichever comes first */
    RECORDING_COMMITTED, /* or refused by the trail: append.status */
    RECORDING_EXPIRED,
};

struct recording_problem {
    uint64_t position;
    uint64_t line;
    char pointer[256];
    char detail[512];
};

/* Where an event of the batch stood in the body. */
struct recording_place {
    uint64_t line;
    uint32_t position;
    bool in_array;
};

struct recording {
    struct recordings *owner;
    struct recording *next;
    atomic_uint holders;
    atomic_int state;
    struct request *request; /* valid while the request holds it */
    struct open_trail *open;
    struct batch *batch;
    struct append append;
    struct buffer text; /* of the body, decoded; the batch points into it */
    struct receipt *receipts;
    struct recording_place *places;
    uint32_t capacity; /* of both */
    bool partial, full, again;
    size_t charged;
    int64_t begun;          /* monotonic: when the batch was ready */
    struct buffer left_out; /* a bit a position: refused, not to be read again */
    unsigned rounds;        /* how often the batch was filled */
    uint64_t refused;
    size_t problem_count;
    struct recording_problem problems[RECORDING_PROBLEMS_MAX];
};

struct recordings *recordings_create(struct server *server); /* NULL when memory is short */
/* Waits until all are back: what commits lets go of one only after its request has gone on. Before the
 * trails are closed, which they hold. NULL is allowed. */
void recordings_destroy(struct recordings *recordings);

/* An empty one for a request whose trail is open, held once. What is missing in its events is filled
 * in from `catalogue`, which outlives the recordings. Thread-safe. */
TALLY_MUST_CHECK tally_status recording_take(struct recordings *recordings, struct request *request,
                                             const struct catalogue *catalogue,
                                             struct recording **recording_out,
                                             struct tally_error *error);
void recording_retain(struct recording *recording);
/* The last one to let go gives it back. Thread-safe. */
void recording_release(struct recording *recording);

/* Bytes that its batch and its receipts take. */
size_t recording_memory(const struct recording *recording);

/* Notes the place of the event that was just added to the batch, and makes room for its receipt. */
TALLY_MUST_CHECK tally_status recording_placed(struct recording *recording,
                                               const struct body_event *event,
                                               struct tally_error *error);

/* Has an event left out from now on; and whether it is. */
TALLY_MUST_CHECK tally_status recording_leave_out(struct recording *recording, uint64_t position,
                                                  struct tally_error *error);
bool recording_left_out(const struct recording *recording, uint64_t position);

#endif
