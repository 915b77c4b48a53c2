#include "exchange.h"

#include "admit.h"
#include "clock.h"
#include "log.h"
#include "respond.h"
#include "routes.h"
#include "server.h"

#include <assert.h>
#include <stdlib.h>

/* Whose searches those are that are asked for without a key: no key has this id. */
#define NOBODY (-1)

/* ---- a request's life ---- */

struct connection *
exchange_connection_of(struct MHD_Connection *wire)
{
    return MHD_get_connection_info(wire, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Keeps libmicrohttpd from listing the parameters, which we read ourselves: each takes memory that
 * is meant for the head, and where that runs out there is neither an answer nor an end. It lends the
 * target from a buffer that it is about to change itself. */
static void
hide_parameters(const char *target)
{
    char *query = strchr(target, '?');
    if (query != NULL)
        query[1] = '\0';
}

/* libmicrohttpd calls this as soon as it knows the target; what it returns is the request's context
 * from then on. */
void *
exchange_begin(void *context, const char *target, struct MHD_Connection *wire)
{
    struct exchange *exchange = context;
    struct connection *connection = exchange_connection_of(wire);
    size_t size = strlen(target);
    struct request *request = connection == NULL ? NULL : calloc(1, sizeof *request);
    uint8_t *memory = malloc(2 * size + 1);
    if (request == NULL || memory == NULL) {
        free(request);
        free(memory);
        return NULL;
    }
    memcpy(memory, target, size);
    hide_parameters(target);
    request->server = exchange->server;
    request->connection = connection;
    request->wire = wire;
    request->began = clock_monotonic();
    request->principal.role = ROLE_NONE;
    request->memory = memory;
    request->raw_target = bytes_of(memory, size);
    request->target_place = (const uint8_t *)target;
    request->connection->request = request;
    connection_enter(&exchange->connections, request->connection, CONNECTION_READING);
    return request;
}

static void
log_request(const struct request *request)
{
    unsigned status = request->answer.status;
    enum log_level level = status >= 500 ? LOG_ERROR : LOG_DEBUG;
    if (!log_wants(level))
        return;
    LOG(level, "request", LOG_TEXT_FIELD("id", request->id),
        LOG_TEXT_FIELD("route", request->route == NULL ? "" : request->route->name),
        LOG_NUMBER_FIELD("status", status), LOG_TEXT_FIELD("address", request->connection->address),
        LOG_TEXT_FIELD("key", request->principal.writer),
        LOG_NUMBER_FIELD("microseconds", (clock_monotonic() - request->began) / 1000));
}

void
exchange_end(void *context, struct MHD_Connection *wire, void **request_context,
             enum MHD_RequestTerminationCode code)
{
    (void)wire, (void)code;
    struct exchange *exchange = context;
    struct request *request = *request_context;
    *request_context = NULL;
    if (request == NULL)
        return;
    struct metrics *metrics = exchange->server->metrics;
    metrics_add(metrics, METRIC_REQUESTS, 1);
    if (request->answer.status >= 500)
        metrics_add(metrics, METRIC_REQUESTS_FAILED_SERVER, 1);
    metrics_observe(metrics, HISTOGRAM_REQUEST, clock_monotonic() - request->began);
    log_request(request);

    /* In this order: before it is idle it may still be told that it is late. */
    connection_enter(&exchange->connections, request->connection, CONNECTION_IDLE);
    request->connection->request = NULL;
    if (request->release != NULL)
        request->release(request);
    answer_abandon_stream(request);
    roster_release(exchange->server->roster, request->open_trail);
    server_discharge(exchange->server, request->charged);
    atomic_fetch_sub(&exchange->server->unsent, request->unsent);
    buffer_free(&request->body);
    if (request->answer.secret && request->answer.body.size > 0)
        explicit_bzero(request->answer.body.data, request->answer.body.size);
    buffer_free(&request->answer.body);
    free(request->memory);
    free(request);
}

void
exchange_connection(void *context, struct MHD_Connection *wire, void **socket_context,
                    enum MHD_ConnectionNotificationCode code)
{
    struct exchange *exchange = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(wire, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const struct sockaddr *address =
            MHD_get_connection_info(wire, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        *socket_context = connection_open(&exchange->connections, fd, address);
    } else if (*socket_context != NULL) {
        connection_close(&exchange->connections, *socket_context);
        *socket_context = NULL;
    }
}

/* ---- its head ---- */

struct head_reading {
    struct request_head head;
    struct header headers[FRAMING_HEADERS_MAX + 1];
};

/* What says where the request ends is judged as the library took it, with the blanks that it leaves
 * behind a value; the others are read without them. */
static enum MHD_Result
read_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
            const char *value, size_t value_size)
{
    (void)kind;
    struct head_reading *reading = context;
    struct framing *framing = &reading->head.framing;
    if (framing->header_count > FRAMING_HEADERS_MAX)
        return MHD_NO; /* one too many is enough to be refused for */
    struct bytes text = value == NULL ? (struct bytes){ NULL, 0 } : bytes_of(value, value_size);
    struct header header = { bytes_of(name, name_size), text };
    reading->headers[framing->header_count++] = header;

    struct request_head *head = &reading->head;
    const struct {
        const char *name;
        struct bytes *value;
    } wanted[] = {
        { "Host", &head->host },
        { "Authorization", &head->authorization },
        { "Content-Type", &head->content_type },
        { "Content-Encoding", &head->content_encoding },
        { "X-Request-Id", &head->request_id },
        { "Expect", &head->expect },
        { "Last-Event-ID", &head->last_event },
        { "Forwarded", &head->forwarded },
        { "X-Forwarded-For", &head->forwarded },
        { "Via", &head->forwarded },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i].value->data == NULL && field_same_letters(header.name, wanted[i].name))
            *wanted[i].value = text.data == NULL ? bytes_of("", 0) : header_trim(text);
    return MHD_YES;
}

/* From the method's first byte to the body's. */
static size_t
head_size(struct MHD_Connection *wire)
{
    return MHD_get_connection_info(wire, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
}

/* Bytes of a body that are read although it is refused. */
static size_t
thrown_away_max(const struct request *request)
{
    return 4 * request->server->settings.body_max;
}

/* Whether the body of a request that is refused is read, and thrown away, before the answer: a client
 * that is still sending when its connection is closed hears of that, and not why it was refused. Not
 * where it waits to be told to go on, nor where it says that it sends far too much. */
static bool
is_heard_out(const struct request *request, const struct request_head *head,
             const struct framing_body *body)
{
    if (request->answer.close || field_same_letters(head->expect, "100-continue"))
        return false;
    return body->chunked || body->size <= thrown_away_max(request);
}

/* Decides by the head. What is refused while a body follows closes the connection: it is answered now,
 * or when the body has been heard out. */
static enum MHD_Result
take_head(struct exchange *exchange, struct request *request, const char *method,
          const char *version)
{
    /* No page in a browser reaches a unix socket. */
    bool loopback = exchange->loopback && !request->connection->local;
    struct head_reading reading = { .head.loopback_only = loopback };
    struct framing *framing = &reading.head.framing;
    framing->method = bytes_text(method);
    framing->version = bytes_text(version);
    framing->target = request->raw_target;
    framing->headers = reading.headers;
    framing->target_place = request->target_place;
    framing->end = request->head_end = (const uint8_t *)method + head_size(request->wire);
    (void)MHD_get_connection_values_n(request->wire, MHD_HEADER_KIND, read_header, &reading);

    struct framing_body body;
    request->phase = REQUEST_BODY;
    request_admit(request, &reading.head, &body);
    bool follows = body.chunked || (body.sized && body.size > 0);
    if (request->answer.status == 0 || (!follows && !request->answer.close))
        return MHD_YES;
    bool heard_out = follows && is_heard_out(request, &reading.head, &body);
    request->answer.close = true;
    return heard_out ? MHD_YES : respond(request);
}

/* ---- its body ---- */

static void
refuse_body(struct request *request, unsigned status, const char *detail)
{
    answer_problem(request, status, "%s", detail);
    request->answer.close = true;
    buffer_free(&request->body);
    server_discharge(request->server, request->charged);
    request->charged = 0;
}

static void
append_body(struct request *request, const char *data, size_t size)
{
    size_t after = request->body.size + size;
    if (after > request->server->settings.body_max) {
        refuse_body(request, 413, "the body is larger than the server takes; send several");
    } else if (after > request->charged && !request_charge(request, after - request->charged)) {
        refuse_body(request, 503, "too much is on its way already; try again");
    } else {
        if (request->body.capacity == 0)
            (void)buffer_reserve(&request->body, request->charged);
        buffer_append(&request->body, data, size);
        if (buffer_failed(&request->body))
            refuse_body(request, 503, "the server is short of memory; try again");
    }
}

/* Takes a piece. After a refusal the rest is thrown away as it comes, since only at its end can the
 * refusal be sent; a client that goes on for too long is cut off. */
static enum MHD_Result
take_body(struct request *request, const char *data, size_t size)
{
    if (request->answer.status == 0) {
        append_body(request, data, size);
        return MHD_YES;
    }
    request->discarded += size;
    return request->discarded > thrown_away_max(request) ? MHD_NO : MHD_YES;
}

/* ---- its work ---- */

/* Where the empty line behind the last chunk comes in two pieces, libmicrohttpd counts the head's
 * last field as a trailer, too; that one stands in the head. */
static enum MHD_Result
count_trailer(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
              const char *value, size_t value_size)
{
    (void)kind, (void)name_size, (void)value, (void)value_size;
    struct request *request = context;
    if ((const uint8_t *)name >= request->head_end)
        request->trailers++;
    return MHD_YES;
}

/* Fields behind the last chunk, which nobody here has a use for and others may take for the head's. */
static bool
has_trailers(struct request *request)
{
    if (request->route->body)
        (void)MHD_get_connection_values_n(request->wire, MHD_FOOTER_KIND, count_trailer, request);
    return request->trailers > 0;
}

/* By the sweep, and where the server stops. */
static void
be_late(struct request *request)
{
    atomic_store(&request->late, true);
}

static void
run_route(struct job *job)
{
    struct request *request = JOB_REQUEST(job);
    if (atomic_load(&request->late))
        answer_problem(request, 503, "too many searches were before this one; try again");
    else
        request->route->run(request);
    assert(request->answer.status != 0);
    request_resume(request);
}

/* A suspended request is another thread's: whether it is answered is seen when it is back. */
static enum MHD_Result
respond_unless_suspended(struct request *request)
{
    if (request->suspended)
        return MHD_YES;
    assert(request->answer.status != 0);
    return respond(request);
}

static enum MHD_Result
start_work(struct exchange *exchange, struct request *request)
{
    if (request->answer.status == 0 && has_trailers(request))
        refuse_body(request, 400, "fields behind the last chunk are not taken");
    if (request->answer.status != 0)
        return respond(request);
    if (!connection_begin_work(&exchange->connections, request->connection)) {
        answer_problem(request, 503, "the server is stopping; try again");
        return respond(request);
    }
    request->phase = REQUEST_WORKED;
    if (request->route->where == RUN_WORKER) {
        request_suspend(request, NULL);
        request_expect(request, exchange->server->settings.search_timeout, be_late);
        (void)request_delegate(request, run_route);
    } else {
        request->route->run(request);
    }
    return respond_unless_suspended(request);
}

/* The request is back from another thread. Its route may send it off again. */
static enum MHD_Result
end_work(struct request *request)
{
    void (*resumed)(struct request *) = request->resumed;
    request->resumed = NULL;
    request->suspended = false;
    if (request->answer.status == 0 && resumed != NULL)
        resumed(request);
    return respond_unless_suspended(request);
}

void
request_suspend(struct request *request, void (*resumed)(struct request *request))
{
    request->resumed = resumed;
    request->suspended = true;
    MHD_suspend_connection(request->wire);
}

void
request_resume(struct request *request)
{
    /* As soon as the connection goes on, the request may be done and gone, while the library has yet
     * to wake its thread: it may not be stopped meanwhile. */
    struct exchange *exchange = request->connection->owner;
    atomic_fetch_add(&exchange->resuming, 1);
    MHD_resume_connection(request->wire);
    atomic_fetch_sub(&exchange->resuming, 1);
}

bool
request_delegate(struct request *request, void (*run)(struct job *job))
{
    request->job.run = run;
    request->job.owner = request->principal.role == ROLE_NONE ? NOBODY : request->principal.key;
    if (workers_submit(request->server->workers, &request->job))
        return true;
    answer_problem(request, 503, "too many searches wait already; try again");
    request_resume(request);
    return false;
}

enum MHD_Result
exchange_handle(void *context, struct MHD_Connection *wire, const char *path, const char *method,
                const char *version, const char *data, size_t *size, void **request_context)
{
    (void)path, (void)wire;
    struct exchange *exchange = context;
    struct request *request = *request_context;
    if (request == NULL)
        return MHD_NO; /* there was no memory for it */
    if (request->phase == REQUEST_HEADERS)
        return take_head(exchange, request, method, version);
    if (request->phase == REQUEST_WORKED)
        return end_work(request);
    if (*size == 0)
        return start_work(exchange, request);
    enum MHD_Result result = take_body(request, data, *size);
    *size = 0;
    return result;
}

void
request_expect(struct request *request, int64_t ns, void (*expire)(struct request *request))
{
    struct exchange *exchange = request->connection->owner;
    connection_expect(&exchange->connections, request->connection, ns, expire);
}

void
request_enter(struct request *request, enum connection_phase phase)
{
    struct exchange *exchange = request->connection->owner;
    connection_enter(&exchange->connections, request->connection, phase);
}
