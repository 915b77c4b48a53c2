#include "admit.h"

#include "clock.h"
#include "log.h"
#include "names.h"
#include "nearest.h"
#include "problem.h"
#include "routes.h"
#include "server.h"
#include "uuid.h"

#include <stdio.h>
#include <strings.h>

/* ---- who asks in which words ---- */

static bool
is_id(struct bytes text)
{
    if (text.size == 0 || text.size > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == ':' || c == '-';
        if (!fine)
            return false;
    }
    return true;
}

static void
set_id(struct request *request, struct bytes brought)
{
    if (is_id(brought)) {
        memcpy(request->id, brought.data, brought.size);
        request->id[brought.size] = '\0';
        return;
    }
    uint8_t uuid[16];
    uuid_v7(clock_now(), uuid);
    uuid_format(uuid, request->id);
    request->id[UUID_TEXT_SIZE] = '\0';
}

static enum method
method_of(struct bytes name)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = {
        { "GET", METHOD_GET },
        { "HEAD", METHOD_HEAD },
        { "POST", METHOD_POST },
        { "DELETE", METHOD_DELETE },
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (bytes_is(name, methods[i].name))
            return methods[i].method;
    return METHOD_OTHER;
}

/* ---- the Host ---- */

/* A Host without its port and brackets. */
static struct bytes
host_name(struct bytes host)
{
    if (host.size > 0 && host.data[0] == '[') {
        const uint8_t *end = memchr(host.data, ']', host.size);
        return end == NULL ? host : bytes_of(host.data + 1, (size_t)(end - host.data) - 1);
    }
    const uint8_t *colon = host.size == 0 ? NULL : memchr(host.data, ':', host.size);
    return colon == NULL ? host : bytes_of(host.data, (size_t)(colon - host.data));
}

static bool
same_name(struct bytes a, const char *b, size_t size)
{
    return a.size == size && strncasecmp((const char *)a.data, b, size) == 0;
}

static bool
is_loopback_v4(struct bytes name)
{
    if (name.size <= 4 || memcmp(name.data, "127.", 4) != 0)
        return false;
    for (size_t i = 4; i < name.size; i++)
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return false;
    return true;
}

/* Whether a browser that was led here by somebody else's name would send this: a page whose name is
 * made to mean 127.0.0.1 must not be answered (DNS rebinding). */
static bool
host_allowed(const struct server *server, struct bytes host)
{
    struct bytes name = host_name(host);
    return same_name(name, "localhost", 9) || same_name(name, "::1", 3) || is_loopback_v4(name) ||
           names_have(server->settings.hosts, name);
}

static bool
check_host(struct request *request, const struct request_head *head)
{
    if (!head->loopback_only || head->host.data == NULL ||
        host_allowed(request->server, head->host))
        return true;
    answer_problem(request, 421,
                   "this server answers to localhost and to the names that the setting hosts has");
    return false;
}

/* ---- the route ---- */

static bool
check_route(struct request *request)
{
    char allowed[ROUTES_ALLOWED_SIZE];
    const struct route *route;
    tally_status status = route_find(request->method, &request->target, &route, allowed);
    if (status == TALLY_OK) {
        request->route = route;
        return true;
    }
    if (status == TALLY_ABSENT) {
        answer_problem(request, 404, "there is nothing at this path; /docs lists what there is");
    } else {
        answer_problem(request, 405, "this path takes %s", allowed);
        answer_header(request, "Allow", allowed);
    }
    return false;
}

/* What the route takes under a name; `q` is of every route that takes a filter. */
static const struct parameter *
parameter_find(const struct route *route, struct bytes name)
{
    static const struct parameter filter = { .name = "q", .type = PARAMETER_TEXT };
    if (route->filter && bytes_is(name, filter.name))
        return &filter;
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++)
        if (bytes_is(name, p->name))
            return p;
    return NULL;
}

static bool
given_before(const struct target *target, size_t i)
{
    for (size_t earlier = 0; earlier < i; earlier++)
        if (bytes_equal(target->parameters[earlier].name, target->parameters[i].name))
            return true;
    return false;
}

/* The i-th parameter, which is one of the route's own. */
static bool
check_parameter(struct request *request, const struct parameter *parameter, size_t i)
{
    char wanted[PARAMETER_WANTED_SIZE];
    if (given_before(&request->target, i)) {
        answer_problem(request, 400, "the parameter %s is given twice", parameter->name);
        return false;
    }
    if (parameter_takes(parameter, request->target.parameters[i].value, wanted))
        return true;
    answer_problem(request, 400, "the parameter %s takes %s", parameter->name, wanted);
    return false;
}

/* The parameter that was meant by one that is misspelled; its data is NULL where none was. */
static struct bytes
parameter_meant(const struct route *route, struct bytes name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++) {
        nearest_offer(&nearest, bytes_text(p->name), bytes_text(p->name));
        if (strcmp(p->name, "by") == 0) /* as SQL has it */
            nearest_offer(&nearest, bytes_text("group_by"), bytes_text(p->name));
    }
    if (route->filter)
        field_offer_names(&nearest);
    return nearest.name;
}

static void
refuse_parameter(struct request *request, struct bytes name)
{
    int shown = (int)(name.size > 64 ? 64 : name.size);
    struct bytes meant = parameter_meant(request->route, name);
    if (meant.data != NULL)
        answer_problem(request, 400,
                       "there is no parameter \"%.*s\" here: did you mean %.*s? /docs lists them",
                       shown, name.data, BYTES_ARG(meant));
    else
        answer_problem(request, 400, "there is no parameter \"%.*s\" here; /docs lists them", shown,
                       name.data);
}

static bool
check_parameters(struct request *request)
{
    const struct target *target = &request->target;
    for (size_t i = 0; i < target->parameter_count; i++) {
        struct bytes name = target->parameters[i].name;
        const struct parameter *parameter = parameter_find(request->route, name);
        if (parameter != NULL) {
            if (!check_parameter(request, parameter, i))
                return false;
            continue;
        }
        if (!request->route->filter || !filter_parameter_known(name)) {
            refuse_parameter(request, name);
            return false;
        }
    }
    return true;
}

/* ---- the key ---- */

/* The least role that a route is for. */
static enum role
role_needed(const struct route *route)
{
    if ((route->who & 1u << ROLE_WRITER) != 0)
        return ROLE_WRITER;
    return (route->who & 1u << ROLE_AUDITOR) != 0 ? ROLE_AUDITOR : ROLE_ADMIN;
}

static void
refuse(struct request *request, unsigned status, const char *detail)
{
    enum role role =
        (request->route->who & WHO_READS) == WHO_READS ? ROLE_AUDITOR : role_needed(request->route);
    char command[128];
    (void)snprintf(command, sizeof command, "tally key DIR add --role %s --name NAME",
                   role_name(role));
    struct problem problem = {
        .status = status,
        .detail = detail,
        .role = role_name(role),
        .command = command,
    };
    answer_with_problem(request, &problem);
    if (status == 401)
        answer_header(request, "WWW-Authenticate", "Bearer");
}

/* What was refused goes on record: who keeps trying is what an audit trail is asked. */
static void
note_refusal(struct request *request, const char *event_type, const char *reason)
{
    struct buffer details = { 0 };
    buffer_format(&details, "{\"reason\":\"%s\",\"route\":\"%s\"}", reason, request->route->name);
    struct diary_event event = {
        .event_type = event_type,
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "server",
        .details = buffer_view(&details),
    };
    diary_note(request->server->diary, &event);
    buffer_free(&details);
}

static void
note_new_address(struct request *request)
{
    struct diary_event event = {
        .event_type = "access_granted",
        .action = "key.new_address",
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "key",
        .resource_id = request->principal.writer,
    };
    diary_note(request->server->diary, &event);
}

/* The key of "Bearer KEY"; absent where it is something else. */
static struct bytes
bearer(struct bytes authorization)
{
    if (authorization.size < 8 || strncasecmp((const char *)authorization.data, "Bearer ", 7) != 0)
        return (struct bytes){ NULL, 0 };
    size_t at = 7;
    while (at < authorization.size && authorization.data[at] == ' ')
        at++;
    return bytes_of(authorization.data + at, authorization.size - at);
}

static void
answer_rate(struct request *request, const struct rate_state *state, const char *policy)
{
    char text[96];
    (void)snprintf(text, sizeof text, "\"%s\";q=%llu;w=60", policy,
                   (unsigned long long)state->limit);
    answer_header(request, "RateLimit-Policy", text);
    (void)snprintf(text, sizeof text, "\"%s\";r=%llu;t=%llu", policy,
                   (unsigned long long)state->remaining, (unsigned long long)state->reset_s);
    answer_header(request, "RateLimit", text);
}

static void
refuse_rate(struct request *request, const struct rate_state *state, const char *policy,
            const char *detail)
{
    metrics_add(request->server->metrics, METRIC_RATE_LIMITED, 1);
    answer_retry_after(request, state->retry_s);
    answer_problem(request, 429, "%s", detail);
    answer_rate(request, state, policy);
}

/* A key that is none: told so, until the address has tried too often. Who has a good key is not kept
 * waiting for what others do from the same address, as behind one proxy. */
static void
refuse_key(struct request *request)
{
    char who[RATE_WHO_SIZE];
    rate_address(request->connection->address, who);
    struct rate_state state;
    bool may = rate_take(request->server->failures, who, clock_monotonic(), &state);
    metrics_add(request->server->metrics, METRIC_AUTHENTICATION_FAILURES, 1);
    if (!may) {
        refuse_rate(request, &state, "failures",
                    "too many requests with a wrong key from this address; try again later");
        return;
    }
    note_refusal(request, "access_denied", "no such key");
    if (state.limit > 0 && state.remaining == 0)
        note_refusal(request, "rate_limit_exceeded", "wrong keys");
    refuse(request, 401, "this key is not known here, has expired or was revoked");
}

/* A key that may not do this. What is put on record of it is bounded like wrong keys are. */
static void
refuse_role(struct request *request)
{
    struct rate_state state;
    if (rate_take(request->server->failures, request->principal.writer, clock_monotonic(), &state))
        note_refusal(request, "access_denied", "role");
    char detail[96];
    (void)snprintf(detail, sizeof detail, "a key of the role %s may not do this",
                   role_name(request->principal.role));
    refuse(request, 403, detail);
}

static bool
authenticate(struct request *request, struct bytes authorization)
{
    struct server *server = request->server;
    struct bytes key = bearer(authorization);
    if (key.data == NULL) {
        refuse(request, 401, "an API key is needed: Authorization: Bearer KEY");
        return false;
    }
    bool new_address = false;
    struct tally_error error = { 0 };
    tally_status status = access_find(server->access, key, request->connection->address,
                                      clock_now(), &request->principal, &new_address, &error);
    if (status == TALLY_ABSENT) {
        refuse_key(request);
        return false;
    }
    if (status == TALLY_BUSY)
        answer_problem(request, 503, "%s", error.text);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    if (status != TALLY_OK)
        return false;
    if (new_address)
        note_new_address(request);
    return true;
}

static bool
check_rate_of_key(struct request *request)
{
    struct rate_state state;
    bool may =
        rate_take(request->server->requests, request->principal.writer, clock_monotonic(), &state);
    if (!may)
        refuse_rate(request, &state, "requests", "this key may not ask more often");
    else if (state.limit > 0)
        answer_rate(request, &state, "requests");
    return may;
}

/* Whether the route is open to this request without a key. What a proxy on this machine passes on
 * comes from anywhere. */
static bool
open_here(const struct request *request, const struct request_head *head)
{
    unsigned who = request->route->who;
    if ((who & WHO_LOOPBACK) != 0 && request->connection->loopback && head->forwarded.data == NULL)
        return true;
    return (who & WHO_PUBLIC) != 0 &&
           names_have(request->server->settings.trails_public, request_segment(request, 0));
}

static bool
check_access(struct request *request, const struct request_head *head)
{
    unsigned who = request->route->who;
    if ((who & WHO_ANYONE) != 0 || (head->authorization.data == NULL && open_here(request, head)))
        return true;
    if (!authenticate(request, head->authorization) || !check_rate_of_key(request))
        return false;
    if ((who & 1u << request->principal.role) != 0)
        return true;
    refuse_role(request);
    return false;
}

/* ---- the body ---- */

static bool
check_body_kind(struct request *request, const struct request_head *head)
{
    if (!body_type_find(head->content_type, &request->body_type)) {
        answer_problem(request, 415,
                       "Content-Type takes application/json and application/x-ndjson, in UTF-8");
        return false;
    }
    if (!body_coding_find(head->content_encoding, &request->body_coding)) {
        answer_problem(request, 415, "Content-Encoding takes gzip, zstd and identity");
        answer_header(request, "Accept-Encoding", "gzip, zstd, identity");
        return false;
    }
    return true;
}

static bool
check_body(struct request *request, const struct request_head *head,
           const struct framing_body *body)
{
    bool follows = body->chunked || (body->sized && body->size > 0);
    struct server *server = request->server;
    if (!request->route->body) {
        if (follows)
            answer_problem(request, 400, "this request takes no body");
        return !follows;
    }
    if (!check_body_kind(request, head))
        return false;
    if (body->sized && body->size > server->settings.body_max) {
        answer_problem(request, 413, "a body may have %zu bytes; send several",
                       server->settings.body_max);
        return false;
    }
    if (atomic_load(&server->memory_short) ||
        (body->sized && !request_charge(request, (size_t)body->size))) {
        answer_problem(request, 503, "too much is on its way already; try again");
        return false;
    }
    return true;
}

void
request_admit(struct request *request, const struct request_head *head,
              struct framing_body *body_out)
{
    set_id(request, head->request_id);
    request->last_event = head->last_event;
    request->method = method_of(head->framing.method);
    struct tally_error error = { 0 };
    *body_out = (struct framing_body){ .chunked = true };
    if (framing_check(&head->framing, body_out, &error) != TALLY_OK) {
        metrics_add(request->server->metrics, METRIC_REQUESTS_REFUSED_FRAMING, 1);
        request->answer.close = true;
        answer_fault(request, &error);
        return;
    }
    if (!check_host(request, head))
        return;
    size_t raw = request->raw_target.size;
    if (target_parse(request->raw_target, request->memory + raw, &request->target, &error) !=
        TALLY_OK) {
        answer_fault(request, &error);
        return;
    }
    if (check_route(request) && check_parameters(request) && check_access(request, head))
        (void)check_body(request, head, body_out);
}
