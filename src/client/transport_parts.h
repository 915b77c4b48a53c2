/*
 * transport_parts.h - what the two kinds of transports have in common with transport.c.
 */
#ifndef TRANSPORT_PARTS_H
#define TRANSPORT_PARTS_H

#include "transport.h"

/* Each as its namesake in transport.h. */
struct transport_kind {
    void (*destroy)(struct transport *);
    void (*abandon)(struct transport *);
    enum transport_outcome (*send)(struct transport *, const struct bytes *events, size_t count,
                                   bool again, int64_t until, struct transport_answer *);
    void (*wake)(struct transport *);
    tally_status (*get)(struct transport *, const char *target, int64_t until,
                        struct buffer *answer_out, struct tally_error *);
    void (*rest)(struct transport *);
};

/* The common head of both. */
struct transport {
    const struct transport_kind *kind;
};

tally_status transport_http_create(const struct transport_options *options,
                                   struct transport **transport_out, struct tally_error *error);
tally_status transport_trail_create(const struct transport_options *options,
                                    struct transport **transport_out, struct tally_error *error);

/* Of all HTTP transports, as transport_fork_prepare(). */
void transport_http_fork_prepare(void);
void transport_http_fork_parent(void);
void transport_http_fork_child(void);

/* Notes why event `position` is refused. */
void transport_refuse(struct transport_answer *answer, size_t position,
                      enum transport_result result, struct bytes reason);

#endif
