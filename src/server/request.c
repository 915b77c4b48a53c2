#include "request.h"

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "names.h"
#include "problem.h"
#include "roster.h"
#include "routes.h"
#include "server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- bytes in flight ---- */

bool
request_charge(struct request *request, size_t size)
{
    struct server *server = request->server;
    size_t before = atomic_fetch_add_explicit(&server->in_flight, size, memory_order_relaxed);
    if (before + size > server->settings.bodies_max && before > request->charged) {
        atomic_fetch_sub_explicit(&server->in_flight, size, memory_order_relaxed);
        return false;
    }
    request->charged += size;
    return true;
}

void
server_discharge(struct server *server, size_t size)
{
    atomic_fetch_sub_explicit(&server->in_flight, size, memory_order_relaxed);
}

/* ---- parameters ---- */

struct bytes
request_parameter(const struct request *request, const char *name)
{
    const struct target *target = &request->target;
    for (size_t i = 0; i < target->parameter_count; i++)
        if (bytes_is(target->parameters[i].name, name))
            return target->parameters[i].value;
    return (struct bytes){ NULL, 0 };
}

struct bytes
request_segment(const struct request *request, size_t i)
{
    const char *pattern = request->route->pattern;
    for (size_t segment = 0; segment < request->target.segment_count; segment++) {
        pattern += *pattern == '/';
        if (*pattern == '*' && i-- == 0)
            return request->target.segments[segment];
        while (*pattern != '\0' && *pattern != '/')
            pattern++;
    }
    return (struct bytes){ NULL, 0 };
}

bool
request_count(struct request *request, const char *name, uint64_t standard, uint64_t least,
              uint64_t most, uint64_t *count_out)
{
    struct bytes text = request_parameter(request, name);
    uint64_t count = standard;
    if (text.data != NULL && (!target_count(text, &count) || count < least || count > most)) {
        answer_problem(request, 400, "%s takes a number from %llu to %llu", name,
                       (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    *count_out = count;
    return true;
}

bool
request_flag(struct request *request, const char *name, bool *flag_out)
{
    struct bytes text = request_parameter(request, name);
    if (text.data != NULL && !bytes_is(text, "true") && !bytes_is(text, "false")) {
        answer_problem(request, 400, "%s takes true or false", name);
        return false;
    }
    *flag_out = bytes_is(text, "true");
    return true;
}

/* ---- the trail ---- */

/* 404, the same for a trail that is not there and for one that the principal may not use. */
static void
answer_no_trail(struct request *request)
{
    answer_problem(request, 404,
                   "there is no such trail, or this key may not use it; GET /api/trails lists "
                   "those it may");
}

/* Whether this principal may use the trail: by its key, or because the trail is anyone's. */
static bool
may_use(const struct request *request, const char *name)
{
    if (request->principal.role != ROLE_NONE)
        return principal_may_use(&request->principal, name);
    return names_have(request->server->settings.trails_public, bytes_text(name));
}

bool
request_trail_name(struct request *request, struct bytes given, char name_out[TRAIL_NAME_MAX + 1])
{
    char name[TRAIL_NAME_MAX + 1] = "main";
    if (given.data != NULL && given.size <= TRAIL_NAME_MAX) {
        memcpy(name, given.data, given.size);
        name[given.size] = '\0';
    }
    if (given.size > TRAIL_NAME_MAX || strlen(name) != (given.data == NULL ? 4 : given.size) ||
        !trail_name_valid(name) || !may_use(request, name)) {
        answer_no_trail(request);
        return false;
    }
    memcpy(name_out, name, sizeof name);
    return true;
}

struct trail *
request_trail_named(struct request *request, struct bytes given)
{
    char name[TRAIL_NAME_MAX + 1];
    if (!request_trail_name(request, given, name))
        return NULL;
    struct tally_error error = { 0 };
    tally_status status = roster_take(request->server->roster, name, &request->open_trail, &error);
    if (status == TALLY_ABSENT) {
        answer_no_trail(request);
        return NULL;
    }
    if (status == TALLY_BUSY) {
        LOG(LOG_WARNING, "trail busy", LOG_TEXT_FIELD("trail", name),
            LOG_TEXT_FIELD("problem", error.text), LOG_TEXT_FIELD("id", request->id));
        answer_problem(request, 503,
                       "the trail cannot be opened just now: too many are in use, or another "
                       "program has it; try again");
        return NULL;
    }
    if (status != TALLY_OK) {
        LOG(LOG_CRITICAL_, "store fault", LOG_TEXT_FIELD("trail", name),
            LOG_TEXT_FIELD("problem", error.text), LOG_TEXT_FIELD("id", request->id));
        answer_problem(request, 503, "the trail cannot be opened; `tally doctor` says why");
        return NULL;
    }
    return request->open_trail->trail;
}

struct trail *
request_trail(struct request *request)
{
    return request_trail_named(request, request_parameter(request, "trail"));
}

/* ---- answers ---- */

static void
set_answer(struct request *request, unsigned status, const char *type)
{
    request->answer.status = status;
    request->answer.type = type;
}

void
answer_bytes(struct request *request, unsigned status, const char *type, struct buffer *body)
{
    if (buffer_failed(body)) {
        buffer_free(body);
        answer_problem(request, 503, "the server is short of memory; try again");
        return;
    }
    set_answer(request, status, type);
    buffer_free(&request->answer.body);
    request->answer.body = *body;
    *body = (struct buffer){ 0 };
}

void
answer_json(struct request *request, unsigned status, struct buffer *body)
{
    answer_bytes(request, status, "application/json", body);
}

void
answer_empty(struct request *request, unsigned status)
{
    set_answer(request, status, NULL);
    buffer_clear(&request->answer.body);
}

void
answer_header(struct request *request, const char *name, const char *value)
{
    struct answer *answer = &request->answer;
    if (answer->header_count == REQUEST_HEADERS_MAX)
        return;
    struct answer_header *header = &answer->headers[answer->header_count++];
    header->name = name;
    (void)snprintf(header->value, sizeof header->value, "%s", value);
}

void
answer_retry_after(struct request *request, uint64_t seconds)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seconds);
    answer_header(request, "Retry-After", text);
}

static bool
has_header(const struct request *request, const char *name)
{
    const struct answer *answer = &request->answer;
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcmp(answer->headers[i].name, name) == 0)
            return true;
    return false;
}

/* What is not whole in memory is answered without a body: there may be no memory for one. */
void
answer_with_problem(struct request *request, struct problem *problem)
{
    problem->request_id = request->id;
    struct buffer body = { 0 };
    problem_write(problem, &body);
    if (buffer_failed(&body))
        buffer_clear(&body);
    set_answer(request, problem->status, "application/problem+json");
    buffer_free(&request->answer.body);
    request->answer.body = body;
    if (problem->status == 429 || problem->status == 503) {
        metrics_add(request->server->metrics, METRIC_OVERLOADED, 1);
        if (!has_header(request, "Retry-After"))
            answer_retry_after(request, 1);
    }
}

void
answer_problem(struct request *request, unsigned status, const char *format, ...)
{
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    struct problem problem = { .status = status, .detail = detail };
    answer_with_problem(request, &problem);
}

/* A fault that is not the client's goes to the log; the client learns only where to look. */
static void
answer_store_fault(struct request *request, const struct tally_error *error)
{
    bool store = error->status == TALLY_IO || error->status == TALLY_DAMAGED ||
                 error->status == TALLY_POISONED;
    LOG(store ? LOG_CRITICAL_ : LOG_ERROR, "store fault", LOG_TEXT_FIELD("id", request->id),
        LOG_TEXT_FIELD("route", request->route == NULL ? "" : request->route->name),
        LOG_TEXT_FIELD("status", tally_status_text(error->status)),
        LOG_TEXT_FIELD("problem", error->text));
    if (error->status == TALLY_POISONED)
        answer_problem(request, 503,
                       "the trail takes no entries since a write is in doubt; its operator must "
                       "look at the log");
    else if (error->status == TALLY_NO_MEMORY)
        answer_problem(request, 503, "the server is short of memory; try again");
    else
        answer_problem(request, 500,
                       "the server met a fault, which stands in its log with this "
                       "request's id");
}

void
answer_fault(struct request *request, const struct tally_error *error)
{
    struct problem_error place = {
        .line = error->line,
        .column = error->column,
        .pointer = error->pointer,
        .detail = error->text,
        .position = PROBLEM_NO_POSITION,
    };
    struct problem problem = { .status = 400, .detail = error->text, .errors = &place };
    switch (error->status) {
    case TALLY_INVALID:
        problem.error_count = 1;
        answer_with_problem(request, &problem);
        return;
    case TALLY_BUSY:
        answer_problem(request, atomic_load(&request->late) ? 503 : 429, "%s", error->text);
        return;
    case TALLY_FULL:
        answer_problem(request, 507, "there is no space left to record to; nothing was stored");
        return;
    default:
        answer_store_fault(request, error);
    }
}

/* How many of a kind are under way, and how many may be. */
static atomic_uint *
streams_of(struct server *server, enum stream_kind kind, uint64_t *most_out)
{
    bool follows = kind == STREAM_FOLLOWS;
    *most_out = follows ? server->settings.tails : server->settings.streams;
    return follows ? &server->following : &server->streaming;
}

void
stream_count_end(struct server *server, enum stream_kind kind)
{
    uint64_t most;
    atomic_fetch_sub(streams_of(server, kind, &most), 1);
}

void
answer_stream(struct request *request, enum stream_kind kind, const char *type,
              stream_producer produce, void *context, void (*release)(void *context))
{
    uint64_t most;
    atomic_uint *count = streams_of(request->server, kind, &most);
    unsigned before = atomic_fetch_add(count, 1);
    if (before >= most) {
        atomic_fetch_sub(count, 1);
        release(context);
        answer_problem(request, 429, "%u %s already", before,
                       kind == STREAM_FOLLOWS ? "clients follow trails"
                                              : "exports and verifications are under way");
        return;
    }
    set_answer(request, 200, type);
    request->answer.produce = produce;
    request->answer.produce_context = context;
    request->answer.produce_release = release;
    request->answer.produce_kind = kind;
}

void
answer_abandon_stream(struct request *request)
{
    struct answer *answer = &request->answer;
    if (answer->produce == NULL)
        return;
    answer->produce = NULL;
    answer->produce_release(answer->produce_context);
    stream_count_end(request->server, answer->produce_kind);
}
