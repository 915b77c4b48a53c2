/*
 * backoff.h - how long to wait before the next attempt.
 *
 * Doubles from BACKOFF_FIRST_MS to BACKOFF_LAST_MS; of that, a random half to the whole is waited,
 * so that many clients that lost a server together do not come back together. What the server asks
 * for (Retry-After) is waited at least, and jitter is added to it, never taken off.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS  30000

struct backoff {
    uint32_t failures; /* in a row; a zeroed struct begins anew */
};

/* Counts a failure and gives the milliseconds to wait. `asked_ms` is what the server asked for, or
 * 0; `random` is any number, evenly distributed. */
uint32_t backoff_next(struct backoff *backoff, uint32_t asked_ms, uint32_t random);

#endif
