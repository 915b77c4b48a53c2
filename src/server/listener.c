#include "listener.h"

#include "acceptor.h"
#include "admit.h"
#include "clock.h"
#include "fault.h"
#include "flow.h"
#include "log.h"
#include "respond.h"
#include "routes.h"
#include "server.h"
#include "tls.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of a connection, for a head and what is read ahead of a body. libmicrohttpd clears all of it after
 * every request, so an idle connection has as much: 10,000 of them must fit into memory_max. */
#define CONNECTION_MEMORY ((size_t)32 * 1024)

/* Of libmicrohttpd: none. Where it misses a Host it answers with two heads, and to a blank in the
 * target not at all; framing.c and target.c have answers. */
#define STRICTNESS 0

/* Descriptors that are no connections: trails, segments, tally.db. */
#define DESCRIPTORS_OTHER 512

/* Whose searches those are that are asked for without a key: no key has this id. */
#define NOBODY (-1)

/* How often draining looks again at what is left. */
#define DRAIN_STEP (CLOCK_SECOND / 10)

struct listener {
    struct server *server;
    struct acceptor *acceptor;
    struct connections connections;
    struct MHD_Daemon *daemon;
    struct tls *tls; /* NULL: plain HTTP */
    uint64_t connections_max;
    atomic_uint resuming; /* threads within request_resume() */
    bool loopback;
    char url[320];
};

/* ---- a request's life ---- */

static struct connection *
connection_of(struct MHD_Connection *wire)
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
static void *
begin_request(void *context, const char *target, struct MHD_Connection *wire)
{
    struct listener *listener = context;
    struct connection *connection = connection_of(wire);
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
    request->server = listener->server;
    request->connection = connection;
    request->wire = wire;
    request->began = clock_monotonic();
    request->principal.role = ROLE_NONE;
    request->memory = memory;
    request->raw_target = bytes_of(memory, size);
    request->target_place = (const uint8_t *)target;
    request->connection->request = request;
    connection_enter(&listener->connections, request->connection, CONNECTION_READING);
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

static void
end_request(void *context, struct MHD_Connection *wire, void **request_context,
            enum MHD_RequestTerminationCode code)
{
    (void)wire, (void)code;
    struct listener *listener = context;
    struct request *request = *request_context;
    *request_context = NULL;
    if (request == NULL)
        return;
    struct metrics *metrics = listener->server->metrics;
    metrics_add(metrics, METRIC_REQUESTS, 1);
    if (request->answer.status >= 500)
        metrics_add(metrics, METRIC_REQUESTS_FAILED_SERVER, 1);
    metrics_observe(metrics, HISTOGRAM_REQUEST, clock_monotonic() - request->began);
    log_request(request);

    /* In this order: before it is idle it may still be told that it is late. */
    connection_enter(&listener->connections, request->connection, CONNECTION_IDLE);
    request->connection->request = NULL;
    if (request->release != NULL)
        request->release(request);
    answer_abandon_stream(request);
    roster_release(listener->server->roster, request->open_trail);
    server_discharge(listener->server, request->charged);
    atomic_fetch_sub(&listener->server->unsent, request->unsent);
    buffer_free(&request->body);
    if (request->answer.secret && request->answer.body.size > 0)
        explicit_bzero(request->answer.body.data, request->answer.body.size);
    buffer_free(&request->answer.body);
    free(request->memory);
    free(request);
}

static void
note_connection(void *context, struct MHD_Connection *wire, void **socket_context,
                enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int fd = MHD_get_connection_info(wire, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        const struct sockaddr *address =
            MHD_get_connection_info(wire, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        *socket_context = connection_open(&listener->connections, fd, address);
    } else if (*socket_context != NULL) {
        connection_close(&listener->connections, *socket_context);
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

/* Decides by the head. Whatever is refused while a body follows is answered now, which closes the
 * connection: nobody reads the body. */
static enum MHD_Result
take_head(struct listener *listener, struct request *request, const char *method,
          const char *version)
{
    struct head_reading reading = { .head.loopback_only = listener->loopback };
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
    request->answer.close = true;
    return respond(request);
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
    return request->discarded > request->server->settings.body_max ? MHD_NO : MHD_YES;
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
start_work(struct listener *listener, struct request *request)
{
    if (request->answer.status == 0 && has_trailers(request))
        refuse_body(request, 400, "fields behind the last chunk are not taken");
    if (request->answer.status != 0)
        return respond(request);
    if (!connection_begin_work(&listener->connections, request->connection)) {
        answer_problem(request, 503, "the server is stopping; try again");
        return respond(request);
    }
    request->phase = REQUEST_WORKED;
    if (request->route->where == RUN_WORKER) {
        request_suspend(request, NULL);
        listener_expect(request, listener->server->settings.search_timeout, be_late);
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
    struct listener *listener = request->connection->owner;
    atomic_fetch_add(&listener->resuming, 1);
    MHD_resume_connection(request->wire);
    atomic_fetch_sub(&listener->resuming, 1);
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

static enum MHD_Result
handle(void *context, struct MHD_Connection *wire, const char *path, const char *method,
       const char *version, const char *data, size_t *size, void **request_context)
{
    (void)path, (void)wire;
    struct listener *listener = context;
    struct request *request = *request_context;
    if (request == NULL)
        return MHD_NO; /* there was no memory for it */
    if (request->phase == REQUEST_HEADERS)
        return take_head(listener, request, method, version);
    if (request->phase == REQUEST_WORKED)
        return end_work(request);
    if (*size == 0)
        return start_work(listener, request);
    enum MHD_Result result = take_body(request, data, *size);
    *size = 0;
    return result;
}

/* ---- opening and closing ---- */

/* Has the kernel end a connection whose client takes nothing of its answer for so long. The library
 * knows only how long nothing happened at all, and a stream's maker is no one to end a connection. */
static void
limit_sending(int fd, int64_t ns)
{
    unsigned ms = (unsigned)(ns / (CLOCK_SECOND / 1000));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

static void
take_connection(void *context, int fd, const struct sockaddr *address, socklen_t size)
{
    struct listener *listener = context;
    if (listener_connections(listener) < listener->connections_max) {
        limit_sending(fd, listener->server->settings.send_timeout);
        /* It closes what it does not take. */
        if (MHD_add_connection(listener->daemon, fd, address, size) != MHD_YES)
            metrics_add(listener->server->metrics, METRIC_OVERLOADED, 1);
        return;
    }
    (void)close(fd);
    metrics_add(listener->server->metrics, METRIC_OVERLOADED, 1);
}

static int
retrieve_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
                     int authority_count, const gnutls_pk_algorithm_t *algorithms,
                     int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_size,
                     gnutls_privkey_t *key)
{
    (void)authorities, (void)authority_count, (void)algorithms, (void)algorithm_count;
    const struct connection *connection = connection_of(gnutls_session_get_ptr(session));
    if (connection == NULL)
        return -1; /* there was no memory for it */
    const struct listener *listener = connection->owner;
    tls_current(listener->tls, chain, chain_size, key);
    return 0;
}

/* libmicrohttpd's own words: about clients that break off, mostly. */
__attribute__((format(printf, 2, 0))) static void
log_library(void *context, const char *format, va_list arguments)
{
    (void)context;
    if (!log_wants(LOG_DEBUG))
        return;
    char text[256];
    (void)vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    LOG(LOG_DEBUG, "http", LOG_TEXT_FIELD("text", text));
}

static unsigned
threads_wanted(const struct settings *settings)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (settings->threads > 0)
        return (unsigned)settings->threads;
    return processors < 2 ? 2 : (unsigned)processors;
}

/* As many connections as there may be descriptors for, up to what is set. */
static uint64_t
limit_connections(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    rlim_t needed = wanted + DESCRIPTORS_OTHER;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    LOG(LOG_WARNING, "few descriptors", LOG_NUMBER_FIELD("limit", limit.rlim_cur),
        LOG_NUMBER_FIELD("wanted", needed));
    return limit.rlim_cur > 2 * DESCRIPTORS_OTHER ? limit.rlim_cur - DESCRIPTORS_OTHER
                                                  : limit.rlim_cur / 2;
}

static tally_status
start_daemon(struct listener *listener, struct tally_error *error)
{
    const struct settings *settings = &listener->server->settings;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem encrypted[] = {
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)retrieve_certificate },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    if (listener->tls != NULL)
        flags |= MHD_USE_TLS;
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, listener, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, begin_request, listener, MHD_OPTION_NOTIFY_COMPLETED,
        end_request, listener, MHD_OPTION_NOTIFY_CONNECTION, note_connection, listener,
        MHD_OPTION_THREAD_POOL_SIZE, threads_wanted(settings), MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(listener->connections_max + 64), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)settings->connections_address, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(settings->idle_timeout / CLOCK_SECOND), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, STRICTNESS, MHD_OPTION_ARRAY,
        listener->tls != NULL ? encrypted : plain, MHD_OPTION_END);
    if (listener->daemon == NULL)
        return fault(error, TALLY_NO_MEMORY, "the HTTP library could not be started");
    return TALLY_OK;
}

static tally_status
open_parts(struct listener *listener, struct tally_error *error)
{
    const struct settings *settings = &listener->server->settings;
    char address[256];
    uint16_t port;
    tally_status status = settings_split_listen(settings->listen, address, &port, error);
    if (status == TALLY_OK)
        status = settings_check_exposure(settings, error);
    if (status == TALLY_OK && settings->tls_certificate[0] != '\0')
        status = tls_open(settings->tls_certificate, settings->tls_key, &listener->tls, error);
    if (status == TALLY_OK)
        status = acceptor_open(address, port, &listener->acceptor, error);
    if (status != TALLY_OK)
        return status;
    listener->loopback = acceptor_is_loopback(listener->acceptor);
    bool v6 = strchr(address, ':') != NULL;
    (void)snprintf(listener->url, sizeof listener->url, "%s://%s%s%s:%u",
                   listener->tls == NULL ? "http" : "https", v6 ? "[" : "", address, v6 ? "]" : "",
                   acceptor_port(listener->acceptor));
    listener->connections_max = limit_connections(settings->connections);
    status = start_daemon(listener, error);
    if (status == TALLY_OK)
        status = acceptor_start(listener->acceptor, take_connection, listener, error);
    return status;
}

static void
use_limits(struct listener *listener, const struct settings *settings)
{
    struct connections *connections = &listener->connections;
    (void)pthread_mutex_lock(&connections->mutex);
    connections->idle_max = settings->idle_timeout;
    connections->reading_max = settings->request_timeout;
    (void)pthread_mutex_unlock(&connections->mutex);
}

tally_status
listener_open(struct server *server, struct listener **listener_out, struct tally_error *error)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return memory_fault(error);
    listener->server = server;
    connections_init(&listener->connections);
    listener->connections.owner = listener;
    use_limits(listener, &server->settings);
    tally_status status = open_parts(listener, error);
    if (status != TALLY_OK) {
        listener_close(listener, 0);
        return status;
    }
    *listener_out = listener;
    return TALLY_OK;
}

const char *
listener_url(const struct listener *listener)
{
    return listener->url;
}

uint64_t
listener_connections(struct listener *listener)
{
    (void)pthread_mutex_lock(&listener->connections.mutex);
    uint64_t count = listener->connections.count;
    (void)pthread_mutex_unlock(&listener->connections.mutex);
    return count;
}

void
listener_sweep(struct listener *listener)
{
    connections_sweep(&listener->connections);
}

void
listener_relieve(struct listener *listener)
{
    connections_relieve(&listener->connections);
}

tally_status
listener_reload(struct listener *listener, const struct settings *settings,
                struct tally_error *error)
{
    use_limits(listener, settings);
    return listener->tls == NULL ? TALLY_OK : tls_reload(listener->tls, error);
}

void
listener_expect(struct request *request, int64_t ns, void (*expire)(struct request *request))
{
    struct listener *listener = request->connection->owner;
    connection_expect(&listener->connections, request->connection, ns, expire);
}

void
listener_enter(struct request *request, enum connection_phase phase)
{
    struct listener *listener = request->connection->owner;
    connection_enter(&listener->connections, request->connection, phase);
}

/* Waits until nothing is suspended, which libmicrohttpd would end the process for. What is not done
 * in time is told so; what reads a trail then cannot be told and is waited for all the same. */
static void
drain(struct listener *listener, int64_t ns)
{
    struct connections *connections = &listener->connections;
    int64_t deadline = clock_monotonic() + ns;
    bool told = false;
    while (!connections_drain(connections, DRAIN_STEP)) {
        connections_sweep(connections);
        if (clock_monotonic() < deadline)
            continue;
        if (!told)
            LOG(LOG_WARNING, "stop", LOG_TEXT_FIELD("text", "some requests were not done in time"));
        told = true;
        connections_cut(connections);
    }
    const struct timespec moment = { .tv_nsec = 100000 };
    while (atomic_load(&listener->resuming) > 0)
        (void)nanosleep(&moment, NULL);
}

void
listener_close(struct listener *listener, int64_t ns)
{
    if (listener == NULL)
        return;
    acceptor_close(listener->acceptor);
    if (listener->daemon != NULL) {
        drain(listener, ns);
        MHD_stop_daemon(listener->daemon);
    }
    tls_close(listener->tls);
    connections_finish(&listener->connections);
    free(listener);
}
