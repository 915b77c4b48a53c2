#include "notify.h"

#include "clock.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

void
notify_ready(void)
{
    (void)sd_notify(0, "READY=1");
}

/* The time lets the manager tell this reload from one before it. */
void
notify_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic() / 1000);
}

void
notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}

void
notify_alive(void)
{
    static int64_t told;
    uint64_t interval;
    if (sd_watchdog_enabled(0, &interval) <= 0)
        return;
    int64_t now = clock_monotonic() / 1000;
    if (now - told < (int64_t)interval / 3)
        return;
    told = now;
    (void)sd_notify(0, "WATCHDOG=1");
}
