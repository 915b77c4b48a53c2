/*
 * refusal.h - why a server did not do what it was asked: RFC 9457 problem documents.
 *
 * A refusal over the network ends a command as the same refusal does on a folder: what was wrong
 * with the request is TALLY_INVALID or TALLY_CONFLICT, with line, column and pointer; everything
 * else is a fault. An answer that is no problem document is one too, whatever its status code: it
 * was not this server that gave it. Pure.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "bytes.h"
#include "tally/status.h"

#define REFUSAL_UNKNOWN UINT64_MAX

struct refusal {
    unsigned code; /* the answer's HTTP status; 0: there was no answer */
    bool unsent;   /* the request never left: no connection stood */
    /* What to say. `status` is TALLY_INVALID (400, 413, 414, 415, 422), TALLY_CONFLICT (409),
     * TALLY_ABSENT (404), TALLY_DENIED (401, 403), TALLY_BUSY (429, 503), TALLY_FULL (507) or, for
     * all others, TALLY_IO. Never TALLY_DISAGREES: no refusal disproves anything. */
    struct tally_error error;
    uint64_t position; /* of the event it is about among those sent, or REFUSAL_UNKNOWN */
    uint64_t index;    /* of the entry that stands in the way (409), or REFUSAL_UNKNOWN */
};

/* Reads what came with an HTTP status that is no success. TALLY_NO_MEMORY only. */
TALLY_MUST_CHECK tally_status refusal_read(unsigned code, struct bytes type, struct bytes body,
                                           struct refusal *refusal_out);

/* A refusal without an answer. */
void refusal_of_error(const struct tally_error *error, struct refusal *refusal_out);

#endif
