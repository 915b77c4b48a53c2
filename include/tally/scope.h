/*
 * scope.h - one event for a block of work: how it ended, how long it took, what it changed.
 *
 *     TALLY_SCOPE(scope, client, TALLY_EVENT(.action = "report.create", .user_id = user));
 *     …
 *     if (write_report(path) < 0)
 *         return -1;                                   recorded as a failure
 *     tally_scope_succeed(scope);
 *
 * When it ends, a scope records its event with status, response_time_ms and, where both states were
 * given, changes. Leaving the block without tally_scope_succeed() is a failure. A scope belongs to
 * one thread; while it is open, events of that thread inherit its correlation_id (made if the event
 * and the context have none). An exception of C++ ends it; what longjmp() jumps over stays open.
 */
#ifndef TALLY_SCOPE_H
#define TALLY_SCOPE_H

#include "tally/client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tally_scope;

/* Begins a scope. `event` is copied. Never NULL: where memory is short, a scope that records a
 * failure to record (counted lost). */
struct tally_scope *tally_scope_begin(struct tally_client *client, const struct tally_event *event,
                                      enum tally_mode mode);

/* Adds members that became known meanwhile (resource_id of what was created, status_code); they
 * replace those given before. A status, response_time_ms and changes that are given stay, but a
 * block that did not succeed is no success. */
void tally_scope_add(struct tally_scope *scope, const struct tally_event *members);

/* Gives the state before, as the JSON text of an object. Where that after is given, too, `changes`
 * gets the members that differ, each as {"before": …, "after": …} without the side that has no such
 * member; without it the block, if it succeeded, is a deletion. NULL takes it back. TALLY_INVALID
 * for what is no object. */
tally_status tally_scope_before(struct tally_scope *scope, const char *json,
                                struct tally_error *error);

/* Gives the state after, as tally_scope_before() does that before; without that one the block is a
 * creation. */
tally_status tally_scope_after(struct tally_scope *scope, const char *json,
                               struct tally_error *error);

/* Says that the block succeeded. */
void tally_scope_succeed(struct tally_scope *scope);

/* Says that the block failed, and why: the reason is the event's error_message. It may be NULL. */
void tally_scope_fail(struct tally_scope *scope, const char *reason);

/* Ends a scope: records its event and frees it. As tally_client_record(). NULL is allowed:
 * TALLY_OK. */
tally_status tally_scope_end(struct tally_scope *scope, struct tally_receipt *receipt_out,
                             struct tally_error *error);

/* Ends the scope of a TALLY_SCOPE, at the end of its block. */
void tally_scope_cleanup(struct tally_scope **scope);

#define TALLY_SCOPE(name, client, event)                                     \
    struct tally_scope *name __attribute__((cleanup(tally_scope_cleanup))) = \
        tally_scope_begin((client), (event), TALLY_MODE_DEFAULT)

#ifdef __cplusplus
}
#endif

#endif
