#include "proxy.h"

#include "must.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE_SIZE 16384

/* Shared with the process that does it. */
struct proxy {
    pid_t pid;
    int listener;
    uint16_t port;
    atomic_uint target;
    atomic_int drop, cut_permille, delay_ms;
};

struct line {
    struct proxy *proxy;
    int client, server;
    unsigned seed;
};

/* ---- in the proxy's process ---- */

static struct sockaddr_in
local(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int
connect_to(uint16_t port)
{
    struct sockaddr_in address = local(port);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || port == 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool
send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Whether a piece is lost, and its connection with it. */
static bool
is_harmed(struct line *line)
{
    int delay_ms = atomic_load(&line->proxy->delay_ms);
    if (delay_ms > 0) {
        long pause = (long)(rand_r(&line->seed) % (delay_ms + 1)) * 1000000;
        (void)nanosleep(&(struct timespec){ pause / 1000000000, pause % 1000000000 }, NULL);
    }
    return rand_r(&line->seed) % 1000 < atomic_load(&line->proxy->cut_permille);
}

/* Takes one of the answers that are to be dropped. */
static bool
takes_drop(struct proxy *proxy)
{
    int left = atomic_load(&proxy->drop);
    while (left > 0)
        if (atomic_compare_exchange_weak(&proxy->drop, &left, left - 1))
            return true;
    return false;
}

/* Hands on what came; false where the line ends. */
static bool
hand_on(struct line *line, int from, int to)
{
    char piece[PIECE_SIZE];
    ssize_t got = recv(from, piece, sizeof piece, 0);
    if (got <= 0)
        return false;
    if (from == line->server && takes_drop(line->proxy))
        return false;
    return !is_harmed(line) && send_all(to, piece, (size_t)got);
}

static void *
run_line(void *context)
{
    struct line *line = context;
    struct pollfd ends[] = { { .fd = line->client, .events = POLLIN },
                             { .fd = line->server, .events = POLLIN } };
    bool goes_on = line->server >= 0;
    while (goes_on && poll(ends, 2, -1) > 0) {
        if (ends[0].revents != 0)
            goes_on = hand_on(line, line->client, line->server);
        if (goes_on && ends[1].revents != 0)
            goes_on = hand_on(line, line->server, line->client);
    }
    (void)close(line->client);
    if (line->server >= 0)
        (void)close(line->server);
    free(line);
    return NULL;
}

__attribute__((noreturn)) static void
run(struct proxy *proxy)
{
    for (unsigned seed = 1;; seed++) {
        pthread_t thread;
        int fd = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        struct line *line = calloc(1, sizeof *line);
        must(line != NULL, "calloc");
        *line = (struct line){
            .proxy = proxy,
            .client = fd,
            .server = connect_to((uint16_t)atomic_load(&proxy->target)),
            .seed = seed * 2654435761u,
        };
        must(pthread_create(&thread, NULL, run_line, line) == 0, "pthread_create");
        (void)pthread_detach(thread);
    }
}

/* ---- in the test's ---- */

struct proxy *
proxy_start(void)
{
    struct proxy *proxy =
        mmap(NULL, sizeof *proxy, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(proxy != MAP_FAILED, "mmap");
    struct sockaddr_in address = local(0);
    socklen_t size = sizeof address;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(proxy->listener, (struct sockaddr *)&address, size) == 0, "bind");
    must(listen(proxy->listener, 128) == 0, "listen");
    must(getsockname(proxy->listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    proxy->port = ntohs(address.sin_port);
    pid_t parent = getpid();
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        run(proxy);
    }
    proxy->pid = pid; /* the child sees it, too */
    (void)close(proxy->listener);
    return proxy;
}

void
proxy_stop(struct proxy *proxy)
{
    (void)kill(proxy->pid, SIGKILL);
    (void)waitpid(proxy->pid, NULL, 0);
    (void)munmap(proxy, sizeof *proxy);
}

uint16_t
proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

void
proxy_target(struct proxy *proxy, uint16_t port)
{
    atomic_store(&proxy->target, port);
}

void
proxy_drop_answers(struct proxy *proxy, int count)
{
    atomic_store(&proxy->drop, count);
}

int
proxy_answers_to_drop(const struct proxy *proxy)
{
    return atomic_load(&proxy->drop);
}

void
proxy_harm(struct proxy *proxy, int cut_permille, int delay_ms)
{
    atomic_store(&proxy->cut_permille, cut_permille);
    atomic_store(&proxy->delay_ms, delay_ms);
}
