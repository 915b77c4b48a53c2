#include "group.h"

#include <stdio.h>

struct recording recording;
struct proxy *proxy;
char proxied[64];

int
recording_set_up(void **state)
{
    (void)state;
    recording_begin(&recording, NULL);
    return 0;
}

int
recording_tear_down(void **state)
{
    (void)state;
    recording_end(&recording);
    return 0;
}

/* The proxy is a process, and begins while there are no threads. */
int
proxied_set_up(void **state)
{
    (void)state;
    proxy = proxy_start();
    (void)snprintf(proxied, sizeof proxied, "http://127.0.0.1:%u", (unsigned)proxy_port(proxy));
    recording_begin(&recording, NULL);
    proxy_target(proxy, recording.served.port);
    return 0;
}

int
proxied_tear_down(void **state)
{
    (void)state;
    recording_end(&recording);
    proxy_stop(proxy);
    return 0;
}
