#include "scripted.h"

#include "must.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS     60000
#define REQUEST_MAX 65536

struct scripted {
    const char *const *answers;
    int listener;
    int stop[2]; /* a pipe that is closed at the end */
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    unsigned count;
    struct scripted_request requests[SCRIPTED_REQUESTS_MAX];
};

/* How many bytes a request takes, as far as `text` says; 0 while its head is not whole. */
static size_t
request_size(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *length = strcasestr(text, "\r\ncontent-length:");
    return (size_t)(end - text) + 4 +
           (length == NULL || length > end ? 0 : strtoul(length + 17, NULL, 10));
}

/* A whole request; false where the client leaves before. */
static bool
read_request(int fd, struct scripted_request *request_out)
{
    char text[REQUEST_MAX] = "";
    size_t size = 0;
    for (size_t whole = 0; whole == 0 || size < whole; whole = request_size(text)) {
        ssize_t got = recv(fd, text + size, sizeof text - 1 - size, 0);
        if (got <= 0)
            return false;
        size += (size_t)got;
        text[size] = '\0';
    }
    struct scripted_request request = { .came_ms = now_ms() };
    (void)snprintf(request.line, sizeof request.line, "%.*s", (int)strcspn(text, "\r"), text);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    (void)snprintf(request.body, sizeof request.body, "%s", body);
    for (const char *at = body; (at = strchr(at, '\n')) != NULL; at++)
        request.events++;
    *request_out = request;
    return true;
}

static void
answer(struct scripted *scripted, int fd, unsigned *place)
{
    struct scripted_request request;
    if (!read_request(fd, &request))
        return;
    const char *text = scripted->answers[*place];
    *place += scripted->answers[*place + 1] != NULL;
    request.left_ms = now_ms();
    /* First: who has the answer finds the request. */
    (void)pthread_mutex_lock(&scripted->lock);
    if (scripted->count < SCRIPTED_REQUESTS_MAX)
        scripted->requests[scripted->count++] = request;
    (void)pthread_mutex_unlock(&scripted->lock);
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void *
serve(void *context)
{
    struct scripted *scripted = context;
    unsigned place = 0;
    struct pollfd ready[] = {
        { .fd = scripted->listener, .events = POLLIN },
        { .fd = scripted->stop[0], .events = POLLIN },
    };
    while (poll(ready, 2, -1) > 0 && ready[1].revents == 0) {
        int fd = accept4(scripted->listener, NULL, NULL, SOCK_CLOEXEC);
        must(fd >= 0, "accept");
        answer(scripted, fd, &place);
        (void)close(fd);
    }
    return NULL;
}

struct scripted *
scripted_start(const char *const *answers)
{
    struct scripted *scripted = calloc(1, sizeof *scripted);
    must(scripted != NULL, "calloc");
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    scripted->answers = answers;
    scripted->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(scripted->listener >= 0, "socket");
    must(bind(scripted->listener, (struct sockaddr *)&address, size) == 0, "bind");
    must(listen(scripted->listener, 16) == 0, "listen");
    must(getsockname(scripted->listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    scripted->port = ntohs(address.sin_port);
    must(pipe(scripted->stop) == 0, "pipe");
    (void)pthread_mutex_init(&scripted->lock, NULL);
    must(pthread_create(&scripted->thread, NULL, serve, scripted) == 0, "pthread_create");
    return scripted;
}

void
scripted_stop(struct scripted *scripted)
{
    (void)close(scripted->stop[1]);
    (void)pthread_join(scripted->thread, NULL);
    (void)close(scripted->stop[0]);
    (void)close(scripted->listener);
    (void)pthread_mutex_destroy(&scripted->lock);
    free(scripted);
}

uint16_t
scripted_port(const struct scripted *scripted)
{
    return scripted->port;
}

unsigned
scripted_count(struct scripted *scripted)
{
    (void)pthread_mutex_lock(&scripted->lock);
    unsigned count = scripted->count;
    (void)pthread_mutex_unlock(&scripted->lock);
    return count;
}

struct scripted_request
scripted_request(struct scripted *scripted, unsigned i)
{
    (void)pthread_mutex_lock(&scripted->lock);
    struct scripted_request request = scripted->requests[i];
    (void)pthread_mutex_unlock(&scripted->lock);
    return request;
}

void
scripted_wait(struct scripted *scripted, unsigned count)
{
    for (int i = 0; i < WAIT_MS && scripted_count(scripted) < count; i++)
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    must(scripted_count(scripted) >= count, "no request came");
}
