/*
 * flow.h - bytes on their way from a thread that makes them to a connection that sends them.
 *
 * A bounded pipe. The maker waits while it is full, but not for ever: a client that takes nothing
 * for `stall` nanoseconds is given up. The taker never waits: where there is nothing, it says so and
 * is woken by a call when there is. Both hold it; it goes with the last one.
 */
#ifndef FLOW_H
#define FLOW_H

#include "bytes.h"
#include "tally/status.h"

#define FLOW_SIZE (256 * 1024)
/* Kept free for flow_farewell(). */
#define FLOW_FAREWELL_MAX 1024

struct flow;

/* `wake(context)` is called, by the maker's thread, once after each flow_take() that found nothing,
 * when there is something or the end. Two references: the maker's and the taker's. */
TALLY_MUST_CHECK tally_status flow_create(int64_t stall, void (*wake)(void *context), void *context,
                                          struct flow **flow_out, struct tally_error *error);
void flow_release(struct flow *flow);

/* The maker's. TALLY_IO where the taker is gone or took nothing for too long; then nothing of `bytes`
 * was put, unless they are more than FLOW_PUT_MAX. */
#define FLOW_PUT_MAX (FLOW_SIZE - FLOW_FAREWELL_MAX)
TALLY_MUST_CHECK tally_status flow_put(struct flow *flow, struct bytes bytes,
                                       struct tally_error *error);
/* Puts a few last bytes (at most FLOW_FAREWELL_MAX, once) without waiting, also where flow_put() just
 * gave up because nothing is taken: whoever takes again learns why this is the end. Not behind a part
 * of what flow_put() was to put. */
void flow_farewell(struct flow *flow, struct bytes bytes);
/* Whether there is still somebody to make something for. While nothing comes the taker sleeps and does
 * not see that its client has left: `gone(context)` is asked, with flow_create()'s context, if the
 * taker has not let go. */
bool flow_is_wanted(struct flow *flow, bool (*gone)(void *context));
enum flow_end {
    FLOW_WHOLE,
    FLOW_BROKEN, /* what was sent is not all: the connection must be cut */
};
void flow_finish(struct flow *flow, enum flow_end end);

/* The taker's: copies up to `size` bytes. */
enum flow_state {
    FLOW_TAKEN,
    FLOW_NOTHING, /* yet: before_wait was called, and `wake` follows */
    FLOW_ENDED,
    FLOW_CUT,
};
/* `before_wait(context)` is called, before anything can wake, where there is nothing: there the
 * connection is suspended. */
enum flow_state flow_take(struct flow *flow, void *out, size_t size, void (*before_wait)(void *),
                          size_t *size_out);
/* The taker is gone: the maker's next flow_put() says so. */
void flow_leave(struct flow *flow);

/* Breaks it off from outside: FLOW_CUT for the taker, which is woken, and TALLY_IO for the maker. The
 * caller sees to it that the taker has not let go yet. */
void flow_cut(struct flow *flow);

#endif
