#include "acceptor.h"

#include "fault.h"
#include "socket_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Connections that the kernel keeps until they are accepted. */
#define BACKLOG 4096

struct acceptor {
    int fd;
    int stop; /* an eventfd: readable when the thread is to end */
    uint16_t port;
    bool loopback;
    struct socket_file file; /* of a unix socket */
    bool running;
    pthread_t thread;
    acceptor_take take;
    void *context;
};

static bool
read_address(const char *address, uint16_t port, struct sockaddr_storage *out, socklen_t *size_out,
             bool *loopback_out)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        *size_out = sizeof v4;
        *loopback_out = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof v6);
        *size_out = sizeof v6;
        *loopback_out = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
        return true;
    }
    return false;
}

static tally_status
bind_fault(const char *address, uint16_t port, struct tally_error *error)
{
    if (errno == EADDRINUSE)
        return fault(error, TALLY_BUSY, "port %u of %s is taken by another program", port, address);
    return io_fault(error, "cannot listen on port %u of %s", port, address);
}

/* The port that a bound socket has. */
static uint16_t
bound_port(int fd)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
        return 0;
    if (bound.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

static tally_status
make_socket(struct acceptor *acceptor, int family, struct tally_error *error)
{
    acceptor->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return acceptor->fd < 0 ? io_fault(error, "cannot make a socket") : TALLY_OK;
}

static tally_status
open_socket(struct acceptor *acceptor, const char *address, uint16_t port,
            struct tally_error *error)
{
    struct sockaddr_storage where = { 0 };
    socklen_t size;
    if (!read_address(address, port, &where, &size, &acceptor->loopback))
        return fault(error, TALLY_INVALID,
                     "\"%s\" is no address to listen on: an IPv4 or IPv6 address is", address);
    tally_status status = make_socket(acceptor, where.ss_family, error);
    if (status != TALLY_OK)
        return status;
    int on = 1;
    (void)setsockopt(acceptor->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(acceptor->fd, (struct sockaddr *)&where, size) < 0 ||
        listen(acceptor->fd, BACKLOG) < 0)
        return bind_fault(address, port, error);
    acceptor->port = bound_port(acceptor->fd);
    return TALLY_OK;
}

static tally_status
open_socket_file(struct acceptor *acceptor, const char *path, mode_t mode,
                 struct tally_error *error)
{
    tally_status status = make_socket(acceptor, AF_UNIX, error);
    if (status == TALLY_OK)
        status = socket_file_bind(acceptor->fd, path, mode, &acceptor->file, error);
    if (status == TALLY_OK && listen(acceptor->fd, BACKLOG) < 0)
        status = io_fault(error, "cannot listen at the socket %s", path);
    return status;
}

static struct acceptor *
acceptor_create(void)
{
    struct acceptor *acceptor = calloc(1, sizeof *acceptor);
    if (acceptor == NULL)
        return NULL;
    acceptor->fd = -1;
    acceptor->stop = -1;
    return acceptor;
}

/* Gives out an acceptor whose socket listens; or closes it, where `status` says that it does not. */
static tally_status
finish_opening(struct acceptor *acceptor, tally_status status, struct acceptor **acceptor_out,
               struct tally_error *error)
{
    if (status == TALLY_OK) {
        acceptor->stop = eventfd(0, EFD_CLOEXEC);
        if (acceptor->stop < 0)
            status = io_fault(error, "cannot make an eventfd");
    }
    if (status != TALLY_OK) {
        acceptor_close(acceptor);
        return status;
    }
    *acceptor_out = acceptor;
    return TALLY_OK;
}

tally_status
acceptor_open(const char *address, uint16_t port, struct acceptor **acceptor_out,
              struct tally_error *error)
{
    struct acceptor *acceptor = acceptor_create();
    if (acceptor == NULL)
        return memory_fault(error);
    tally_status status = open_socket(acceptor, address, port, error);
    return finish_opening(acceptor, status, acceptor_out, error);
}

tally_status
acceptor_open_path(const char *path, mode_t mode, struct acceptor **acceptor_out,
                   struct tally_error *error)
{
    struct acceptor *acceptor = acceptor_create();
    if (acceptor == NULL)
        return memory_fault(error);
    tally_status status = open_socket_file(acceptor, path, mode, error);
    return finish_opening(acceptor, status, acceptor_out, error);
}

uint16_t
acceptor_port(const struct acceptor *acceptor)
{
    return acceptor->port;
}

bool
acceptor_is_loopback(const struct acceptor *acceptor)
{
    return acceptor->loopback;
}

/* Without descriptors or memory nothing can be accepted: wait a moment instead of spinning. */
static void
pause_accepting(void)
{
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
        return;
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    (void)nanosleep(&pause, NULL);
}

static void *
acceptor_main(void *context)
{
    struct acceptor *acceptor = context;
    (void)pthread_setname_np(pthread_self(), "tally-accept");
    struct pollfd ready[] = {
        { .fd = acceptor->fd, .events = POLLIN },
        { .fd = acceptor->stop, .events = POLLIN },
    };
    for (;;) {
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (ready[1].revents != 0)
            return NULL;
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd =
            accept4(acceptor->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            acceptor->take(acceptor->context, fd, (struct sockaddr *)&address, size);
        else
            pause_accepting();
    }
}

tally_status
acceptor_start(struct acceptor *acceptor, acceptor_take take, void *context,
               struct tally_error *error)
{
    acceptor->take = take;
    acceptor->context = context;
    if (pthread_create(&acceptor->thread, NULL, acceptor_main, acceptor) != 0)
        return fault(error, TALLY_NO_MEMORY, "no thread could be started");
    acceptor->running = true;
    return TALLY_OK;
}

void
acceptor_close(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    if (acceptor->running) {
        (void)eventfd_write(acceptor->stop, 1);
        (void)pthread_join(acceptor->thread, NULL);
    }
    socket_file_remove(&acceptor->file); /* first: a dead socket is not to be found */
    if (acceptor->stop >= 0)
        (void)close(acceptor->stop);
    if (acceptor->fd >= 0)
        (void)close(acceptor->fd);
    free(acceptor);
}
