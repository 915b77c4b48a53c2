#include "reading.h"

#include "clock.h"
#include "entries_answer.h"
#include "explanation.h"
#include "fault.h"
#include "json.h"
#include "routes.h"
#include "server.h"

#include <poll.h>
#include <stdlib.h>

/* How often a search looks whether its client is still there. */
#define LOOK_EVERY (CLOCK_SECOND / 20)

/* ---- what is asked ---- */

void
reading_filter(const struct request *request, struct reading_filter *filter_out)
{
    filter_out->text = request_parameter(request, "q");
    filter_out->count = 0;
    for (size_t i = 0; i < request->target.parameter_count; i++) {
        const struct filter_parameter *parameter = &request->target.parameters[i];
        if (filter_parameter_known(parameter->name))
            filter_out->parameters[filter_out->count++] = *parameter;
    }
}

void
reading_filter_text(const struct reading_filter *filter, struct buffer *out)
{
    buffer_bytes(out, filter->text);
    for (size_t i = 0; i < filter->count; i++) {
        if (out->size > 0)
            buffer_byte(out, ' ');
        buffer_bytes(out, filter->parameters[i].name);
        buffer_byte(out, ':');
        json_write_string(filter->parameters[i].value, out);
    }
}

bool
reading_control(struct request *request, enum filter_control *control_out)
{
    bool control;
    if (!request_flag(request, "control", &control))
        return false;
    *control_out = control ? CONTROL_INCLUDED : CONTROL_LEFT_OUT;
    return true;
}

bool
reading_index(struct request *request, uint64_t *index_out)
{
    if (target_count(request_segment(request, 0), index_out))
        return true;
    answer_problem(request, 404, "there is no such entry: an index is a number from 0 up");
    return false;
}

tally_status
reading_check(void *context, struct tally_error *error)
{
    struct request *request = context;
    if (atomic_load_explicit(&request->late, memory_order_relaxed))
        return fault(error, TALLY_BUSY,
                     "this search takes too long: ask for a shorter time or for less");
    int64_t now = clock_monotonic();
    if (now - request->looked < LOOK_EVERY)
        return TALLY_OK;
    request->looked = now;
    /* The connection sleeps, so nobody else reads from it; it is not closed before it is woken. */
    struct pollfd line = { .fd = request->connection->fd, .events = POLLRDHUP };
    if (poll(&line, 1, 0) > 0)
        return fault(error, TALLY_BUSY, "the client is gone");
    return TALLY_OK;
}

struct excerpt_request
reading_request(struct request *request, const struct reading_filter *filter)
{
    return (struct excerpt_request){
        .text = filter->text,
        .parameters = filter->parameters,
        .parameter_count = filter->count,
        .order = ORDER_TIME_DOWN,
        .role = bytes_text(role_name(request->principal.role)),
        .key = request->server->cursor_key,
        .now = clock_now(),
        .check = reading_check,
        .check_context = request,
        .threads = scan_threads_usual(),
    };
}

bool
reading_open(struct request *request, struct trail *trail,
             const struct excerpt_request *excerpt_request, struct excerpt *excerpt_out)
{
    struct cursor start;
    struct tally_error error = { 0 };
    tally_status status = excerpt_start(trail, excerpt_request, &start, &error);
    if (status == TALLY_OK)
        status = excerpt_open(trail, excerpt_request, &start, excerpt_out, &error);
    if (status == TALLY_ABSENT)
        answer_problem(request, 400, "%s", error.text);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    return status == TALLY_OK;
}

/* ---- on record ---- */

void
reading_details(const struct request *request, struct bytes filter, struct buffer *out)
{
    buffer_text(out, "{\"filter\":");
    json_write_string(filter, out);
    buffer_format(out, ",\"route\":\"%s\"", request->route->pattern);
}

static tally_status
record(struct request *request, struct bytes details, struct tally_error *error)
{
    const char *trail = request->open_trail->name;
    const struct diary_event event = {
        .event_type = "audit_read",
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "trail",
        .resource_id = trail,
        .details = details,
    };
    return diary_read(request->server->diary, &event, trail, details, error);
}

static bool
record_text(struct request *request, struct bytes filter)
{
    struct buffer details = { 0 };
    reading_details(request, filter, &details);
    buffer_byte(&details, '}');
    struct tally_error error = { 0 };
    tally_status status = buffer_failed(&details) ? memory_fault(&error)
                                                  : record(request, buffer_view(&details), &error);
    buffer_free(&details);
    metrics_add(request->server->metrics, METRIC_QUERIES, 1);
    if (status == TALLY_OK)
        return true;
    answer_problem(request, 503,
                   "reading is put on record first, and that is not possible now; try again");
    return false;
}

bool
reading_record_filter(struct request *request, const struct reading_filter *filter)
{
    struct buffer text = { 0 };
    reading_filter_text(filter, &text);
    bool recorded = record_text(request, buffer_view(&text));
    buffer_free(&text);
    return recorded;
}

bool
reading_record_index(struct request *request, uint64_t index)
{
    struct buffer filter = { 0 };
    buffer_text(&filter, "index:");
    buffer_decimal(&filter, index);
    bool recorded = record_text(request, buffer_view(&filter));
    buffer_free(&filter);
    return recorded;
}

/* ---- answers ---- */

tally_status
reading_cover(struct trail *trail, uint64_t index, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct bytes note;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    bool covered = checkpoint != NULL && index < checkpoint->size;
    snapshot_close(snapshot);
    if (covered)
        return TALLY_OK;
    status = trail_sign(trail, error);
    if (status == TALLY_OK && trail_poisoned(trail) != NULL)
        return fault(error, TALLY_POISONED, "the entry is not signed, and cannot be now");
    return status;
}

tally_status
reading_explain(const struct request *request, const struct selection *selection,
                struct buffer *members, struct tally_error *error)
{
    struct bytes asked = request_parameter(request, "explain");
    if (asked.data == NULL || !bytes_is(asked, "true"))
        return TALLY_OK;
    struct account account;
    tally_status status = account_make(selection, &account, error);
    if (status != TALLY_OK)
        return status;
    buffer_text(members, ",\"explain\":");
    explanation_json(&account, members);
    account_finish(&account);
    return TALLY_OK;
}

/* What stands behind `next`. */
struct tail {
    const struct request *request;
    struct bytes members;
};

static tally_status
write_tail(void *context, struct excerpt *excerpt, struct buffer *members,
           struct tally_error *error)
{
    const struct tail *tail = context;
    buffer_bytes(members, tail->members);
    return reading_explain(tail->request, &excerpt->selection, members, error);
}

void
reading_answer(struct request *request, struct excerpt *excerpt, struct bytes members)
{
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    struct tail tail = { request, members };
    if (entries_answer_excerpt(excerpt, write_tail, &tail, &body, &error) == TALLY_OK)
        answer_json(request, 200, &body);
    else
        answer_fault(request, &error);
    buffer_free(&body);
    metrics_observe(request->server->metrics, HISTOGRAM_QUERY, clock_monotonic() - request->began);
}
