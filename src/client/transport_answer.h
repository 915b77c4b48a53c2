/*
 * transport_answer.h - what a server's answer to POST /api/events?partial=true says of each event.
 *
 * An answer names at most the first hundred of the events it refuses. So what is not decided after
 * one answer is sent again, until everything is: each answer decides one event at least. Pure.
 */
#ifndef TRANSPORT_ANSWER_H
#define TRANSPORT_ANSWER_H

#include "reply.h"
#include "transport.h"

/* The events of one request: `places` are where they stand among those of the call, and `decided`
 * says, by such a place, what is known already. */
struct transport_request {
    const uint32_t *places;
    size_t count;
    bool *decided;
};

struct transport_reply {
    unsigned code; /* the HTTP status */
    struct bytes type;
    struct bytes body;
};

/* TRANSPORT_STORED: results, receipts and reasons of what is decided now stand in `answer`. All
 * other outcomes decide nothing, and answer->error says why. */
enum transport_outcome transport_answer_read(struct reply *reader,
                                             const struct transport_reply *reply,
                                             struct transport_request *request,
                                             struct transport_answer *answer);

#endif
