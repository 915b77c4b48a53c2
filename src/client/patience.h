/*
 * patience.h - whether who waits in a call still does (tally_client_options.interrupted).
 *
 * Asked on the caller's thread, under no lock and within nothing that fork() waits for: the program may
 * run code of its own there, which may record.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>

#define PATIENCE_LOOK_NS (CLOCK_SECOND / 10)

struct patience {
    bool (*interrupted)(void *context); /* NULL: nobody is asked */
    void *context;
};

static inline bool
patience_ended(const struct patience *patience)
{
    return patience->interrupted != NULL && patience->interrupted(patience->context);
}

/* Until when to wait, and then to ask; `until` where there is nobody to ask. */
static inline int64_t
patience_next(const struct patience *patience, int64_t until)
{
    int64_t next = clock_monotonic() + PATIENCE_LOOK_NS;
    return patience->interrupted != NULL && next < until ? next : until;
}

#endif
