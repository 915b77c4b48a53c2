/*
 * transport.h - how events get from a client into a trail, and answers back.
 *
 * Two kinds: HTTP, over TCP, TLS or a unix socket (transport_http.c), and a trail embedded in this
 * process (transport_trail.c). A transport is used by one thread at a time; a client has one for its
 * shipper and one for each thread that waits for a receipt at that moment.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include "buffer.h"
#include "bytes.h"
#include "tally/client.h"

/* What became of the events of one request. */
enum transport_outcome {
    TRANSPORT_STORED,  /* each event has its result in `results` */
    TRANSPORT_REFUSED, /* the whole request was refused, and would be again: too large, or no
                          JSON. One event: it is refused for good. More: send them by halves */
    TRANSPORT_LATER,   /* not stored; try again after `wait_ms` or by back-off */
    TRANSPORT_UNKNOWN, /* no answer came: they may be stored. Try again, with `again` */
};

enum transport_result {
    TRANSPORT_NEW,
    TRANSPORT_REPEATED,
    TRANSPORT_INVALID,  /* refused for good; `reason` says why */
    TRANSPORT_CONFLICT, /* … because its id stands for other content */
};

struct transport_answer {
    enum transport_result *results; /* room for `count`, the caller's */
    struct tally_receipt *receipts; /* the same, or NULL: not wanted. `id` is the caller's */
    struct buffer reasons;          /* NUL-terminated texts; the caller frees it */
    size_t *reason_at;              /* offset in `reasons` by event, where refused; the caller's */
    uint32_t wait_ms;               /* of TRANSPORT_LATER: as Retry-After says; 0: not said */
    bool busy;                      /* of TRANSPORT_LATER: it was reached, and asks for a moment */
    bool denied;                    /* of TRANSPORT_LATER: as things stand it is always refused: the
                                       key (401, 403), the trail that is not there (404), a server
                                       that does not know such requests. Somebody has to mend it */
    struct tally_error error;       /* of all but TRANSPORT_STORED: why, in words */
};

/* Why an event was refused; lent like the answer. */
const char *transport_reason(const struct transport_answer *answer, size_t event);

struct transport;

struct transport_options {
    const char *where;
    const char *key; /* NULL: none */
    const char *trail;
    const char *ca_file;
    bool insecure_http; /* the key may go over plain HTTP to other machines */
    /* Called while transport_send() waits: after transport_wake(), and at the monotonic time it gave
     * last. 0 ends the wait, and with it the attempt. NULL: never. */
    int64_t (*tick)(void *context);
    void *context;
};

/* Checks `where` and options without connecting. TALLY_INVALID. Caller owns. */
TALLY_MUST_CHECK tally_status transport_create(const struct transport_options *options,
                                               struct transport **transport_out,
                                               struct tally_error *error);
void transport_destroy(struct transport *transport); /* NULL is allowed */
/* After fork(), in the child: lets go of the descriptors of connections and locks without a word to
 * the other side. Nothing else may be done with it afterwards: its memory is in whatever state the
 * thread that used it left, and stays. */
void transport_abandon(struct transport *transport); /* NULL is allowed */

/* Sends `count` events, each one line of JSON with an id, and waits for the answer until the
 * monotonic time `until`. `again`: they may be stored already, however long ago. */
enum transport_outcome transport_send(struct transport *transport, const struct bytes *events,
                                      size_t count, bool again, int64_t until,
                                      struct transport_answer *answer);

/* Has `tick` called soon. From any thread. */
void transport_wake(struct transport *transport);

/* As tally_client_get(). */
TALLY_MUST_CHECK tally_status transport_get(struct transport *transport, const char *target,
                                            int64_t until, struct buffer *answer_out,
                                            struct tally_error *error);

/* Around fork(): nothing is being opened meanwhile, and no thread is within libcurl. What was there
 * before is the parent's, in the child it is to be abandoned. */
void transport_fork_prepare(void);
void transport_fork_parent(void);
void transport_fork_child(void);

/* Lets go of what others may be waiting for: the lock of an embedded trail. Called when there has
 * been nothing to send for a second. */
void transport_rest(struct transport *transport);

#endif
