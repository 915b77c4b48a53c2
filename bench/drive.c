#include "drive.h"

#include "clock.h"
#include "quit.h"
#include "reply.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGAIN_AFTER (CLOCK_SECOND / 50) /* until a refused request is sent once more */
#define SILENCE_MS  120000              /* without any answer: the server hangs */

struct connection {
    int fd;
    const struct request *request; /* NULL: nothing under way */
    struct bytes unsent;
    int64_t began;   /* the request; not sent yet: when it is due */
    int64_t send_at; /* not due yet, or refused and to be sent once more; else 0 */
    struct buffer answer;
};

struct driver {
    const struct drive_options *options;
    const struct requests *requests;
    struct drive_result *result;
    struct connection *connections;
    int epoll;
    size_t next;      /* requests taken so far */
    uint32_t active;  /* connections with a request */
    uint32_t waiting; /* of them: to be sent at a time to come */
};

/* ---- one connection ---- */

static void
connect_one(struct driver *driver, struct connection *connection)
{
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (const struct sockaddr *)&driver->options->address,
                sizeof driver->options->address) < 0)
        quit("cannot connect: %s", strerror(errno));
    int on = 1;
    if (setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        quit("cannot set TCP_NODELAY: %s", strerror(errno));
    /* Edge-triggered: one registration for the connection's life. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
    if (epoll_ctl(driver->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        quit("cannot poll: %s", strerror(errno));
}

static void
send_on(struct connection *connection)
{
    while (connection->unsent.size > 0) {
        ssize_t sent = send(connection->fd, connection->unsent.data, connection->unsent.size,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            quit("cannot send: %s", strerror(errno));
        connection->unsent.data += sent;
        connection->unsent.size -= (size_t)sent;
    }
}

static void
send_request(struct driver *driver, struct connection *connection)
{
    size_t i = (size_t)(connection->request - driver->requests->list);
    connection->unsent = requests_text(driver->requests, i);
    connection->send_at = 0;
    buffer_clear(&connection->answer);
    send_on(connection);
}

static void
send_later(struct driver *driver, struct connection *connection, int64_t at)
{
    connection->send_at = at;
    driver->waiting++;
}

/* Gives the connection the next request; none where all are sent or the time is over. */
static void
take_next(struct driver *driver, struct connection *connection, int64_t now)
{
    const struct drive_options *options = driver->options;
    connection->request = NULL;
    bool over = options->time > 0 && now - driver->result->began >= options->time;
    if (driver->next == options->count || over)
        return;
    connection->request = &driver->requests->list[driver->next++ % driver->requests->count];
    driver->active++;
    int64_t due = connection->began + options->every;
    if (options->every > 0 && due > now) {
        connection->began = due;
        send_later(driver, connection, due);
        return;
    }
    connection->began = now;
    send_request(driver, connection);
}

/* ---- answers ---- */

static void
check_answer(const struct request *request, const struct reply *reply)
{
    uint64_t count = 0;
    bool good = reply->status == 200 || reply->status == 201;
    if (good && request->events > 0)
        good = reply_number(reply->body, "count", &count) && count == request->events;
    if (!good)
        quit("a request of %u events was answered %u: %.*s", request->events, reply->status,
             (int)(reply->body.size < 2000 ? reply->body.size : 2000),
             (const char *)reply->body.data);
}

static void
take_answer(struct driver *driver, struct connection *connection, const struct reply *reply)
{
    struct drive_result *result = driver->result;
    int64_t now = clock_monotonic();
    result->bytes += reply->size;
    if (reply->status == 429 || reply->status == 503) {
        result->refused++;
        send_later(driver, connection, now + AGAIN_AFTER);
        return;
    }
    check_answer(connection->request, reply);
    samples_add(&result->samples, now - connection->began);
    result->requests++;
    result->events += connection->request->events;
    result->ended = now;
    driver->active--;
    take_next(driver, connection, now);
}

/* Reads until nothing more is there: the edge comes once. */
static void
receive(struct driver *driver, struct connection *connection)
{
    for (;;) {
        struct buffer *answer = &connection->answer;
        uint8_t *room = buffer_reserve(answer, 16384);
        if (room == NULL)
            quit("out of memory");
        ssize_t got = recv(connection->fd, room, 16384, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            quit("the server closed a connection: %s", got == 0 ? "in order" : strerror(errno));
        answer->size += (size_t)got;
        struct reply reply;
        enum reply_state state = reply_read(buffer_view(answer), &reply);
        if (state == REPLY_BROKEN || (state == REPLY_WHOLE && reply.size != answer->size) ||
            connection->request == NULL)
            quit("an answer that is none: %.*s", (int)(answer->size < 500 ? answer->size : 500),
                 (const char *)answer->data);
        if (state == REPLY_WHOLE) {
            take_answer(driver, connection, &reply);
            return;
        }
    }
}

/* ---- all of them ---- */

static void
send_due(struct driver *driver)
{
    int64_t now = clock_monotonic();
    for (uint32_t i = 0; driver->waiting > 0 && i < driver->options->connections; i++) {
        struct connection *connection = &driver->connections[i];
        if (connection->send_at == 0 || connection->send_at > now)
            continue;
        driver->waiting--;
        send_request(driver, connection);
    }
}

static void
run(struct driver *driver)
{
    enum {
        EVENTS = 256
    };
    static struct epoll_event events[EVENTS];
    while (driver->active > 0) {
        int count = epoll_wait(driver->epoll, events, EVENTS, driver->waiting > 0 ? 1 : SILENCE_MS);
        if (count < 0 && errno != EINTR)
            quit("cannot poll: %s", strerror(errno));
        if (count == 0 && driver->waiting == 0)
            quit("no answer for %d seconds", SILENCE_MS / 1000);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection->unsent.size > 0)
                send_on(connection);
            if ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
                receive(driver, connection);
        }
        if (driver->waiting > 0)
            send_due(driver);
    }
}

void
drive(const struct drive_options *options, const struct requests *requests,
      struct drive_result *result_out)
{
    *result_out = (struct drive_result){ 0 };
    struct driver driver = { .options = options, .requests = requests, .result = result_out };
    driver.connections = calloc(options->connections, sizeof *driver.connections);
    driver.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (driver.connections == NULL || driver.epoll < 0)
        quit("cannot begin: %s", strerror(errno));
    for (uint32_t i = 0; i < options->connections; i++)
        connect_one(&driver, &driver.connections[i]);

    result_out->began = result_out->ended = clock_monotonic();
    for (uint32_t i = 0; i < options->connections; i++) {
        /* Those that send by the clock do not do it all at once. */
        driver.connections[i].began =
            result_out->began - options->every * (int64_t)i / options->connections;
        take_next(&driver, &driver.connections[i], result_out->began);
    }
    run(&driver);

    result_out->last = driver.connections[0].answer;
    driver.connections[0].answer = (struct buffer){ 0 };
    for (uint32_t i = 0; i < options->connections; i++) {
        (void)close(driver.connections[i].fd);
        buffer_free(&driver.connections[i].answer);
    }
    free(driver.connections);
    (void)close(driver.epoll);
}

void
drive_finish(struct drive_result *result)
{
    samples_free(&result->samples);
    buffer_free(&result->last);
    *result = (struct drive_result){ 0 };
}
