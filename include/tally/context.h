/*
 * context.h - what events of one request have in common.
 *
 *     tally_context_push(TALLY_EVENT(.user_id = "u42", .request_id = id, .ip_address = address), NULL);
 *     …                              every event recorded by this thread meanwhile inherits these
 *     tally_context_pop();
 *
 * Each thread has a stack of contexts. An event takes from the top what it lacks itself; a context
 * takes from the one below it, when it is pushed, what it lacks itself. Any member of an event may
 * stand in a context but `id`, `timestamp`, `details` and `changes`.
 *
 * A context can also be made once and entered by several threads, or by tasks that share a thread:
 * it never changes, is counted, and may be released while it is entered.
 */
#ifndef TALLY_CONTEXT_H
#define TALLY_CONTEXT_H

#include "tally/event.h"
#include "tally/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Contexts a thread may have inside each other. */
#define TALLY_CONTEXT_DEPTH_MAX 64

struct tally_context;

/* Makes a context, a copy of `members`; what they lack is taken from `outer`, which may be NULL.
 * TALLY_INVALID names the member that no context may have, or whose value no event may have. The
 * caller releases it. */
TALLY_MUST_CHECK tally_status tally_context_create(const struct tally_event *members,
                                                   const struct tally_context *outer,
                                                   struct tally_context **context_out,
                                                   struct tally_error *error);

/* Makes a context from the JSON text of an object of such members. */
TALLY_MUST_CHECK tally_status tally_context_create_json(const char *json, size_t size,
                                                        const struct tally_context *outer,
                                                        struct tally_context **context_out,
                                                        struct tally_error *error);

/* Keeps a context for one more user, who releases it, too. Returns it. */
struct tally_context *tally_context_retain(struct tally_context *context);

/* Lets a context go: it is freed when nobody has it any more. NULL is allowed. */
void tally_context_release(struct tally_context *context);

/* Puts a context on top of this thread's stack, as it is: what stands below is not looked at. NULL
 * enters an empty one. TALLY_FULL beyond TALLY_CONTEXT_DEPTH_MAX. */
tally_status tally_context_enter(struct tally_context *context, struct tally_error *error);

/* Takes the context on top off this thread's stack; the caller's mistake where there is none. */
void tally_context_leave(void);

/* Tells which context is on top of this thread's stack: lent until it is left; NULL where there is
 * none. */
struct tally_context *tally_context_current(void);

/* Makes a context of `members` over the top, and enters it; tally_context_pop() leaves it. As
 * tally_context_create() and tally_context_enter(). */
tally_status tally_context_push(const struct tally_event *members, struct tally_error *error);

/* Leaves the context that tally_context_push() entered. */
void tally_context_pop(void);

#define TALLY_TRACE_ID_SIZE 33

/* Reads the trace-id of a W3C traceparent header (Trace Context, section 3.2): 32 lower-case
 * hexadecimal digits and a NUL. TALLY_INVALID for what is no traceparent, also one with an all-zero
 * id. */
TALLY_MUST_CHECK tally_status tally_trace_id(const char *traceparent,
                                             char trace_id_out[TALLY_TRACE_ID_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
