#include "listener.h"

#include "acceptor.h"
#include "clock.h"
#include "exchange.h"
#include "fault.h"
#include "log.h"
#include "processors.h"
#include "server.h"
#include "tls.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of a connection, for a head and what is read ahead of a body. libmicrohttpd clears all of it after
 * every request, so an idle connection has as much: 10,000 of them must fit into memory_max. */
#define CONNECTION_MEMORY ((size_t)32 * 1024)

/* Of libmicrohttpd: none. Where it misses a Host it answers with two heads, and to a blank in the
 * target not at all; framing.c and target.c have answers. */
#define STRICTNESS 0

/* Descriptors that are no connections, beside those of segments that are kept open: trails, tally.db,
 * segments in use. */
#define DESCRIPTORS_OTHER 512

/* How often draining looks again at what is left. */
#define DRAIN_STEP (CLOCK_SECOND / 10)

/* Each has threads of its own, since the library encrypts all that a daemon of it serves, or nothing. */
enum endpoint_kind {
    AT_ADDRESS,
    AT_SOCKET,
    ENDPOINTS,
};

struct endpoint {
    struct listener *listener;
    struct acceptor *acceptor; /* NULL: it is not listened there */
    struct MHD_Daemon *daemon;
    struct tls *tls; /* NULL: plain HTTP */
    char url[320];
};

struct listener {
    struct exchange exchange; /* first: it is the connections' owner */
    struct endpoint endpoints[ENDPOINTS];
    uint64_t connections_max; /* of all endpoints */
};

/* In place of libc's, for libmicrohttpd: one event less than is asked for. Its threads take 128 at once
 * and look for more as long as they get as many, and with the last 128 in hand they wait for another
 * one, up to idle_timeout: 128 clients that ask at the same moment would all hang. */
int
epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return epoll_pwait(epoll, events, count > 1 ? count - 1 : count, timeout_ms, NULL);
}

/* Has the kernel end a connection whose client takes nothing of its answer for so long. The library
 * knows only how long nothing happened at all, and a stream's maker is no one to end a connection.
 * A unix socket has no such limit: there the library's has to do, idle_timeout. */
static void
limit_sending(int fd, int64_t ns)
{
    unsigned ms = (unsigned)(ns / (CLOCK_SECOND / 1000));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

static void
take_connection(void *context, int fd, const struct sockaddr *address, socklen_t size)
{
    struct endpoint *endpoint = context;
    struct listener *listener = endpoint->listener;
    if (listener_connections(listener) < listener->connections_max) {
        limit_sending(fd, listener->exchange.server->settings.send_timeout);
        /* It closes what it does not take. */
        if (MHD_add_connection(endpoint->daemon, fd, address, size) != MHD_YES)
            metrics_add(listener->exchange.server->metrics, METRIC_OVERLOADED, 1);
        return;
    }
    (void)close(fd);
    metrics_add(listener->exchange.server->metrics, METRIC_OVERLOADED, 1);
}

static int
retrieve_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
                     int authority_count, const gnutls_pk_algorithm_t *algorithms,
                     int algorithm_count, gnutls_pcert_st **chain, unsigned *chain_size,
                     gnutls_privkey_t *key)
{
    (void)authorities, (void)authority_count, (void)algorithms, (void)algorithm_count;
    const struct connection *connection = exchange_connection_of(gnutls_session_get_ptr(session));
    if (connection == NULL)
        return -1; /* there was no memory for it */
    const struct listener *listener = (const struct listener *)connection->owner;
    tls_current(listener->endpoints[AT_ADDRESS].tls, chain, chain_size, key);
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
    unsigned processors = processors_usable();
    if (settings->threads > 0)
        return (unsigned)settings->threads;
    return processors < 2 ? 2 : processors;
}

/* As many connections as there may be descriptors for, up to what is set. */
static uint64_t
limit_connections(const struct folder *folder, uint64_t wanted)
{
    rlim_t others = DESCRIPTORS_OTHER + folder_files_max(folder);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    rlim_t needed = wanted + others;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    LOG(LOG_WARNING, "few descriptors", LOG_NUMBER_FIELD("limit", limit.rlim_cur),
        LOG_NUMBER_FIELD("wanted", needed));
    return limit.rlim_cur > 2 * others ? limit.rlim_cur - others : limit.rlim_cur / 2;
}

static tally_status
start_daemon(struct endpoint *endpoint, struct tally_error *error)
{
    struct listener *listener = endpoint->listener;
    const struct settings *settings = &listener->exchange.server->settings;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem encrypted[] = {
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)retrieve_certificate },
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
        { MHD_OPTION_END, 0, NULL },
    };
    struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    if (endpoint->tls != NULL)
        flags |= MHD_USE_TLS;
    endpoint->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_handle, &listener->exchange, MHD_OPTION_EXTERNAL_LOGGER,
        log_library, NULL, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &listener->exchange,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &listener->exchange,
        MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, &listener->exchange,
        MHD_OPTION_THREAD_POOL_SIZE, threads_wanted(settings), MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(listener->connections_max + 64), MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)settings->connections_address, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(settings->idle_timeout / CLOCK_SECOND), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, STRICTNESS, MHD_OPTION_ARRAY,
        endpoint->tls != NULL ? encrypted : plain, MHD_OPTION_END);
    if (endpoint->daemon == NULL)
        return fault(error, TALLY_NO_MEMORY, "the HTTP library could not be started");
    return TALLY_OK;
}

static tally_status
open_address(struct listener *listener, const struct settings *settings, struct tally_error *error)
{
    struct endpoint *endpoint = &listener->endpoints[AT_ADDRESS];
    if (strcmp(settings->listen, SETTINGS_LISTEN_NONE) == 0)
        return TALLY_OK;
    char address[256];
    uint16_t port;
    tally_status status = settings_split_listen(settings->listen, address, &port, error);
    if (status == TALLY_OK)
        status = settings_check_exposure(settings, error);
    if (status == TALLY_OK && settings->tls_certificate[0] != '\0')
        status = tls_open(settings->tls_certificate, settings->tls_key, &endpoint->tls, error);
    if (status == TALLY_OK)
        status = acceptor_open(address, port, &endpoint->acceptor, error);
    if (status != TALLY_OK)
        return status;
    listener->exchange.loopback = acceptor_is_loopback(endpoint->acceptor);
    bool v6 = strchr(address, ':') != NULL;
    (void)snprintf(endpoint->url, sizeof endpoint->url, "%s://%s%s%s:%u",
                   endpoint->tls == NULL ? "http" : "https", v6 ? "[" : "", address, v6 ? "]" : "",
                   acceptor_port(endpoint->acceptor));
    return TALLY_OK;
}

static tally_status
open_socket_path(struct listener *listener, const struct settings *settings,
                 struct tally_error *error)
{
    static const mode_t modes[] = {
        [SOCKET_MODE_0600] = 0600,
        [SOCKET_MODE_0660] = 0660,
        [SOCKET_MODE_0666] = 0666,
    };
    struct endpoint *endpoint = &listener->endpoints[AT_SOCKET];
    if (settings->socket[0] == '\0')
        return TALLY_OK;
    (void)snprintf(endpoint->url, sizeof endpoint->url, "unix:%s", settings->socket);
    return acceptor_open_path(settings->socket, modes[settings->socket_mode], &endpoint->acceptor,
                              error);
}

static tally_status
bind_endpoints(struct listener *listener, const struct settings *settings,
               struct tally_error *error)
{
    tally_status status = settings_check_reach(settings, error);
    if (status == TALLY_OK)
        status = open_address(listener, settings, error);
    if (status == TALLY_OK)
        status = open_socket_path(listener, settings, error);
    return status;
}

/* Everywhere or nowhere: connections are accepted when all is bound. */
static tally_status
open_endpoints(struct listener *listener, struct tally_error *error)
{
    const struct settings *settings = &listener->exchange.server->settings;
    tally_status status = bind_endpoints(listener, settings, error);
    if (status != TALLY_OK)
        return status;
    listener->connections_max =
        limit_connections(listener->exchange.server->folder, settings->connections);
    for (unsigned i = 0; i < ENDPOINTS && status == TALLY_OK; i++) {
        struct endpoint *endpoint = &listener->endpoints[i];
        endpoint->listener = listener;
        if (endpoint->acceptor == NULL)
            continue;
        status = start_daemon(endpoint, error);
        if (status == TALLY_OK)
            status = acceptor_start(endpoint->acceptor, take_connection, endpoint, error);
    }
    return status;
}

static void
use_limits(struct listener *listener, const struct settings *settings)
{
    struct connections *connections = &listener->exchange.connections;
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
    listener->exchange.server = server;
    connections_init(&listener->exchange.connections);
    listener->exchange.connections.owner = &listener->exchange;
    use_limits(listener, &server->settings);
    tally_status status = open_endpoints(listener, error);
    if (status != TALLY_OK) {
        listener_close(listener, 0);
        return status;
    }
    *listener_out = listener;
    return TALLY_OK;
}

tally_status
listener_try(const struct settings *settings, struct tally_error *error)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return memory_fault(error);
    connections_init(&listener->exchange.connections);
    tally_status status = bind_endpoints(listener, settings, error);
    listener_close(listener, 0);
    return status;
}

const char *
listener_url(const struct listener *listener, unsigned i)
{
    for (unsigned kind = 0; kind < ENDPOINTS; kind++)
        if (listener->endpoints[kind].acceptor != NULL && i-- == 0)
            return listener->endpoints[kind].url;
    return NULL;
}

uint64_t
listener_connections(struct listener *listener)
{
    (void)pthread_mutex_lock(&listener->exchange.connections.mutex);
    uint64_t count = listener->exchange.connections.count;
    (void)pthread_mutex_unlock(&listener->exchange.connections.mutex);
    return count;
}

void
listener_sweep(struct listener *listener)
{
    connections_sweep(&listener->exchange.connections);
}

void
listener_relieve(struct listener *listener)
{
    connections_relieve(&listener->exchange.connections);
}

tally_status
listener_reload(struct listener *listener, const struct settings *settings,
                struct tally_error *error)
{
    use_limits(listener, settings);
    struct tls *tls = listener->endpoints[AT_ADDRESS].tls;
    return tls == NULL ? TALLY_OK : tls_reload(tls, error);
}

/* Waits until nothing is suspended, which libmicrohttpd would end the process for. What is not done
 * in time is told so; what reads a trail then cannot be told and is waited for all the same. */
static void
drain(struct listener *listener, int64_t ns)
{
    struct connections *connections = &listener->exchange.connections;
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
    while (atomic_load(&listener->exchange.resuming) > 0)
        (void)nanosleep(&moment, NULL);
}

void
listener_close(struct listener *listener, int64_t ns)
{
    if (listener == NULL)
        return;
    bool serving = false;
    for (unsigned i = 0; i < ENDPOINTS; i++) {
        acceptor_close(listener->endpoints[i].acceptor);
        serving = serving || listener->endpoints[i].daemon != NULL;
    }
    if (serving)
        drain(listener, ns);
    for (unsigned i = 0; i < ENDPOINTS; i++) {
        if (listener->endpoints[i].daemon != NULL)
            MHD_stop_daemon(listener->endpoints[i].daemon);
        tls_close(listener->endpoints[i].tls);
    }
    connections_finish(&listener->exchange.connections);
    free(listener);
}
