/*
 * Scopes.
 *
 * What a scope is given is copied, member by member, because the block may change it and a later
 * value takes an earlier one's place. While it is open its thread is inside a context of the outer
 * one and the correlation id; the scope's own event is recorded inside it, too.
 *
 * What goes wrong on the way (memory, members that are none) is kept and answered at the end, when
 * the event is counted as one that was not recorded. Where there is no memory for a scope at all, the
 * thread's spare one does just that.
 */
#include "tally/scope.h"

#include "client_parts.h"
#include "clock.h"
#include "context.h"
#include "difference.h"
#include "fault.h"
#include "members.h"
#include "uuid.h"

#include <stdlib.h>

#define NS_PER_MS 1e6

struct tally_scope {
    struct tally_client *client;
    enum tally_mode mode;
    struct tally_event event; /* the texts are copies */
    double duration;          /* given as response_time_ms */
    char *before, *after;     /* states; NULL: not known */
    int64_t started;          /* monotonic */
    bool succeeded;
    bool inside;         /* its context is entered */
    tally_status status; /* what went wrong meanwhile, with `error` */
    struct tally_error error;
};

static _Thread_local struct tally_scope spare;

static void
keep_fault(struct tally_scope *scope, tally_status status, const struct tally_error *error)
{
    if (scope->status != TALLY_OK)
        return;
    scope->status = status;
    scope->error = *error;
}

/* A copy in place of *text, which is freed; false and a fault kept where memory is short. */
static bool
replace(struct tally_scope *scope, char **text, const char *by)
{
    struct tally_error error;
    char *copy = by == NULL ? NULL : strdup(by);
    if (by != NULL && copy == NULL) {
        keep_fault(scope, memory_fault(&error), &error);
        return false;
    }
    free(*text);
    *text = copy;
    return true;
}

static void
replace_member(struct tally_scope *scope, unsigned member, const char *by)
{
    char *text = (char *)(uintptr_t)members_text(&scope->event, member);
    if (replace(scope, &text, by))
        members_set_text(&scope->event, member, text);
}

void
tally_scope_add(struct tally_scope *scope, const struct tally_event *members)
{
    struct tally_error error;
    tally_status status = members_check(members, &error);
    if (status != TALLY_OK) {
        keep_fault(scope, status, &error);
        return;
    }
    if (scope == &spare)
        return;
    struct tally_event numbers = TALLY_EVENT_INIT;
    members_overlay(&numbers, members);
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++) {
        const char *text = members_text(members, i);
        if (text != NULL)
            replace_member(scope, i, text);
    }
    if (numbers.status_code != 0)
        scope->event.status_code = numbers.status_code;
    if (numbers.response_time_ms != NULL) {
        scope->duration = *numbers.response_time_ms;
        scope->event.response_time_ms = &scope->duration;
    }
}

/* The event's own, the context's, or a fresh one; events of the block get it as well. */
static void
correlate(struct tally_scope *scope)
{
    const struct context_member *outer =
        context_find(tally_context_current(), FIELD_CORRELATION_ID);
    if (scope->event.correlation_id == NULL && outer != NULL)
        return;
    if (scope->event.correlation_id == NULL) {
        uint8_t uuid[16];
        char text[UUID_TEXT_SIZE + 1];
        uuid_v7(clock_now(), uuid);
        uuid_format(uuid, text);
        text[UUID_TEXT_SIZE] = '\0';
        tally_scope_add(scope, TALLY_EVENT(.correlation_id = text));
    }
    const struct tally_event *members = TALLY_EVENT(.correlation_id = scope->event.correlation_id);
    scope->inside = tally_context_push(members, NULL) == TALLY_OK;
}

struct tally_scope *
tally_scope_begin(struct tally_client *client, const struct tally_event *event,
                  enum tally_mode mode)
{
    struct tally_scope *scope = calloc(1, sizeof *scope);
    if (scope == NULL) {
        spare.client = client;
        spare.status = memory_fault(&spare.error);
        return &spare;
    }
    scope->client = client;
    scope->mode = mode;
    scope->event.size = sizeof scope->event;
    scope->started = clock_monotonic();
    tally_scope_add(scope, event);
    correlate(scope);
    return scope;
}

static tally_status
set_state(struct tally_scope *scope, char **state, const char *json, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (json != NULL)
        status = difference_check(bytes_text(json), error);
    if (status != TALLY_OK || scope == &spare)
        return status;
    return replace(scope, state, json) ? TALLY_OK : memory_fault(error);
}

tally_status
tally_scope_before(struct tally_scope *scope, const char *json, struct tally_error *error)
{
    return set_state(scope, &scope->before, json, error);
}

tally_status
tally_scope_after(struct tally_scope *scope, const char *json, struct tally_error *error)
{
    return set_state(scope, &scope->after, json, error);
}

void
tally_scope_succeed(struct tally_scope *scope)
{
    scope->succeeded = true;
}

void
tally_scope_fail(struct tally_scope *scope, const char *reason)
{
    scope->succeeded = false;
    tally_scope_add(scope, TALLY_EVENT(.error_message = reason));
}

/* A status that was given stays, but a block that did not succeed is no success. */
static const char *
status_of(const struct tally_scope *scope)
{
    const char *given = scope->event.status;
    if (scope->succeeded)
        return given != NULL ? given : "success";
    bool success = given == NULL || field_same_letters(bytes_text(given), "success");
    return success ? "failure" : given;
}

static struct bytes
state_of(const char *json)
{
    return json == NULL ? (struct bytes){ NULL, 0 } : bytes_text(json);
}

/* What differs between the states, with a NUL; nothing where nothing does. Of a block that did not
 * succeed and came to no second state it is not known: it deleted nothing. */
static tally_status
write_changes(const struct tally_scope *scope, struct buffer *changes, struct tally_error *error)
{
    bool deleted = scope->before != NULL && scope->succeeded;
    if (scope->event.changes != NULL || (scope->after == NULL && !deleted))
        return TALLY_OK;
    tally_status status =
        difference_write(state_of(scope->before), state_of(scope->after), changes, error);
    if (status != TALLY_OK)
        return status;
    if (bytes_is(buffer_view(changes), "{}"))
        buffer_clear(changes);
    else
        buffer_byte(changes, '\0');
    return buffer_failed(changes) ? memory_fault(error) : TALLY_OK;
}

static tally_status
record(struct tally_scope *scope, struct tally_receipt *receipt_out, struct tally_error *error)
{
    double duration = (double)(clock_monotonic() - scope->started) / NS_PER_MS;
    struct tally_event event = scope->event;
    struct buffer changes = { 0 };
    struct tally_error own;
    tally_status status = scope->status;
    if (status != TALLY_OK)
        own = scope->error;
    else
        status = write_changes(scope, &changes, &own);
    if (status != TALLY_OK) {
        if (error != NULL)
            *error = own;
        buffer_free(&changes);
        return client_count_undrafted(scope->client, 1, status);
    }
    event.status = status_of(scope);
    if (event.response_time_ms == NULL)
        event.response_time_ms = &duration;
    if (changes.size > 0)
        event.changes = (const char *)changes.data;
    status = tally_client_record(scope->client, &event, scope->mode, receipt_out, error);
    buffer_free(&changes);
    return status;
}

static void
finish(struct tally_scope *scope)
{
    if (scope->inside)
        tally_context_leave();
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++)
        free((char *)(uintptr_t)members_text(&scope->event, i));
    free(scope->before);
    free(scope->after);
    if (scope != &spare)
        free(scope);
}

tally_status
tally_scope_end(struct tally_scope *scope, struct tally_receipt *receipt_out,
                struct tally_error *error)
{
    if (scope == NULL)
        return TALLY_OK;
    tally_status status = record(scope, receipt_out, error);
    finish(scope);
    return status;
}

void
tally_scope_cleanup(struct tally_scope **scope)
{
    (void)tally_scope_end(*scope, NULL, NULL);
    *scope = NULL;
}
