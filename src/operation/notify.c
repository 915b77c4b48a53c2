/*
 * notify.c - what sd_notify(3) sends, sent so that it cannot block.
 *
 * A manager that does not read leaves no room in its socket's queue, soonest because of the
 * watchdog's messages, and sd_notify() waits for it: the server would neither sweep nor stop. Here
 * what finds no room is kept and told as soon as there is some. Of states only those are kept that
 * still say something: the newest, and a reload that it ends. The protocol is a datagram and stays
 * as it is, as sd_notify(3) promises.
 */
#include "notify.h"

#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* What the manager has not been told yet: first the one, then the other; "": nothing. */
static char reloading[64];
static const char *reached = "";

/* False where the manager's queue is full. Where there is no manager, or none that listens, nobody
 * misses it. */
static bool
send_now(const char *text)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path == NULL ? 0 : strlen(path);
    if (size < 2 || size > sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return true;
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') /* a name that is in no folder */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    bool full = sent < 0 && errno == EAGAIN;
    (void)close(fd);
    return !full;
}

static void
tell(void)
{
    if (reloading[0] != '\0' && send_now(reloading))
        reloading[0] = '\0';
    if (reloading[0] == '\0' && reached[0] != '\0' && send_now(reached))
        reached = "";
}

void
notify_ready(void)
{
    reached = "READY=1";
    tell();
}

/* The time lets the manager tell this reload from one before it. */
void
notify_reloading(void)
{
    (void)snprintf(reloading, sizeof reloading, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   clock_monotonic() / 1000);
    reached = "";
    tell();
}

void
notify_stopping(void)
{
    reloading[0] = '\0';
    reached = "STOPPING=1";
    tell();
}

void
notify_alive(void)
{
    static int64_t told;
    uint64_t interval;
    tell();
    if (sd_watchdog_enabled(0, &interval) <= 0)
        return;
    int64_t now = clock_monotonic() / 1000;
    if (now - told >= (int64_t)interval / 3 && send_now("WATCHDOG=1"))
        told = now;
}
