#include "connections.h"

#include "clock.h"
#include "condition.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void
connections_init(struct connections *connections)
{
    *connections = (struct connections){ 0 };
    (void)pthread_mutex_init(&connections->mutex, NULL);
    condition_init(&connections->fewer);
}

void
connections_finish(struct connections *connections)
{
    (void)pthread_mutex_destroy(&connections->mutex);
    (void)pthread_cond_destroy(&connections->fewer);
}

/* A client at a unix socket has no address; the kernel says whose process it is. */
static void
read_peer(struct connection *connection)
{
    struct ucred peer = { 0 };
    socklen_t size = sizeof peer;
    connection->local = connection->loopback = true;
    if (getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        (void)snprintf(connection->address, sizeof connection->address, "unix:");
    else
        (void)snprintf(connection->address, sizeof connection->address, "unix:%lu",
                       (unsigned long)peer.uid);
}

static void
read_address(const void *socket_address, struct connection *connection)
{
    const struct sockaddr *any = socket_address;
    if (any->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = socket_address;
        (void)inet_ntop(AF_INET, &v4->sin_addr, connection->address, sizeof connection->address);
        connection->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    } else if (any->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = socket_address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            (void)inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, connection->address,
                            sizeof connection->address);
            connection->loopback = v6->sin6_addr.s6_addr[12] == 127;
            return;
        }
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, connection->address, sizeof connection->address);
        connection->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else if (any->sa_family == AF_UNIX) {
        read_peer(connection);
    }
}

struct connection *
connection_open(struct connections *connections, int fd, const void *socket_address)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->owner = connections->owner;
    connection->fd = fd;
    connection->since = clock_monotonic();
    read_address(socket_address, connection);

    (void)pthread_mutex_lock(&connections->mutex);
    connection->next = connections->first;
    connection->link = &connections->first;
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    connections->first = connection;
    connections->count++;
    (void)pthread_mutex_unlock(&connections->mutex);
    return connection;
}

static bool
is_busy(enum connection_phase phase)
{
    return phase == CONNECTION_BUSY || phase == CONNECTION_SENDING;
}

/* Under the mutex. */
static void
count_busy(struct connections *connections, enum connection_phase from, enum connection_phase to)
{
    if (is_busy(to) && !is_busy(from))
        connections->busy++;
    if (is_busy(from) && !is_busy(to)) {
        connections->busy--;
        if (connections->busy == 0)
            (void)pthread_cond_broadcast(&connections->fewer);
    }
}

void
connection_close(struct connections *connections, struct connection *connection)
{
    (void)pthread_mutex_lock(&connections->mutex);
    count_busy(connections, connection->phase, CONNECTION_IDLE);
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    connections->count--;
    (void)pthread_mutex_unlock(&connections->mutex);
    free(connection);
}

/* Under the mutex. */
static void
enter(struct connections *connections, struct connection *connection, enum connection_phase phase,
      int64_t now)
{
    count_busy(connections, connection->phase, phase);
    connection->phase = phase;
    connection->since = now;
    connection->deadline = 0;
    connection->expire = NULL;
}

void
connection_enter(struct connections *connections, struct connection *connection,
                 enum connection_phase phase)
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&connections->mutex);
    enter(connections, connection, phase, now);
    (void)pthread_mutex_unlock(&connections->mutex);
}

bool
connection_begin_work(struct connections *connections, struct connection *connection)
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&connections->mutex);
    bool may = !connections->draining;
    if (may)
        enter(connections, connection, CONNECTION_BUSY, now);
    (void)pthread_mutex_unlock(&connections->mutex);
    return may;
}

void
connection_expect(struct connections *connections, struct connection *connection, int64_t ns,
                  void (*expire)(struct request *request))
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&connections->mutex);
    connection->deadline = ns == CONNECTION_PATIENT ? 0 : now + ns;
    connection->expire = expire;
    (void)pthread_mutex_unlock(&connections->mutex);
}

/* Under the mutex: the descriptor is closed only after connection_close(), so it is still ours. The
 * connection's thread finds it at its end and closes it. */
static void
end(struct connection *connection)
{
    if (!connection->ended)
        (void)shutdown(connection->fd, SHUT_RDWR);
    connection->ended = true;
}

/* Whether nothing is left to read and nothing will come. libmicrohttpd waits for changes alone: where
 * the client's end comes together with its last bytes, it reads those and waits for ever. */
static bool
is_abandoned(const struct connection *connection)
{
    uint8_t byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Under the mutex. */
static void
tell_late(struct connection *connection)
{
    void (*expire)(struct request *) = connection->expire;
    connection->deadline = 0;
    connection->expire = NULL;
    if (expire != NULL)
        expire(connection->request);
}

void
connections_sweep(struct connections *connections)
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&connections->mutex);
    bool look = now - connections->looked >= CLOCK_SECOND;
    if (look)
        connections->looked = now;
    for (struct connection *each = connections->first; each != NULL; each = each->next) {
        int64_t age = now - each->since;
        bool reading = each->phase == CONNECTION_READING;
        if ((each->phase == CONNECTION_IDLE && age > connections->idle_max) ||
            (reading && (age > connections->reading_max || (look && is_abandoned(each))))) {
            end(each);
        } else if (is_busy(each->phase) && each->deadline != 0 && now >= each->deadline) {
            tell_late(each);
        }
    }
    (void)pthread_mutex_unlock(&connections->mutex);
}

void
connections_relieve(struct connections *connections)
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&connections->mutex);
    for (struct connection *each = connections->first; each != NULL; each = each->next)
        if (each->phase == CONNECTION_IDLE && now - each->since > CLOCK_SECOND)
            end(each);
    (void)pthread_mutex_unlock(&connections->mutex);
}

bool
connections_drain(struct connections *connections, int64_t ns)
{
    int64_t until = clock_monotonic() + ns;
    (void)pthread_mutex_lock(&connections->mutex);
    connections->draining = true;
    for (struct connection *each = connections->first; each != NULL; each = each->next)
        if (!is_busy(each->phase))
            end(each);
    bool waiting = true;
    while (connections->busy > 0 && waiting)
        waiting = condition_wait(&connections->fewer, &connections->mutex, until);
    bool none = connections->busy == 0;
    (void)pthread_mutex_unlock(&connections->mutex);
    return none;
}

void
connections_cut(struct connections *connections)
{
    (void)pthread_mutex_lock(&connections->mutex);
    for (struct connection *each = connections->first; each != NULL; each = each->next) {
        if (each->phase == CONNECTION_SENDING)
            end(each);
        if (is_busy(each->phase))
            tell_late(each);
    }
    (void)pthread_mutex_unlock(&connections->mutex);
}
