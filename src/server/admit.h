/*
 * admit.h - whether a request may go on, decided from its head alone.
 *
 * In this order, and the first reason to refuse is the answer: framing, request id, Host on
 * loopback, route and method, parameters, the key (not asked for where anyone may; of a wrong one how
 * many came from the address), how often the key may ask, the role, and for a body its kind and size.
 */
#ifndef ADMIT_H
#define ADMIT_H

#include "request.h"

/* What came, as it came; lent. */
struct request_head {
    struct framing framing;
    struct bytes host, authorization, content_type, content_encoding, request_id, last_event,
        expect;
    struct bytes forwarded; /* any of the fields by which a proxy says that it is one */
    bool loopback_only;     /* it came to a server that listens on loopback and nowhere else */
};

/* Fills in what the head says of the request; where it is refused, gives the answer. *body_out says
 * what of a body follows, also then. */
void request_admit(struct request *request, const struct request_head *head,
                   struct framing_body *body_out);

#endif
