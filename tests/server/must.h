/*
 * must.h - what cannot happen ends the test with a line on standard error; and the time that waiting
 * is measured by. For what has no test's context to fail in: children, threads, connections.
 */
#ifndef MUST_H
#define MUST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void
must(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        abort();
    }
}

/* How long is waited for what must come: the machine may be slow, or stand still for a while. */
#define PATIENCE_MS 60000

/* Of the monotonic clock. */
static inline int64_t
now_ms(void)
{
    struct timespec time;
    must(clock_gettime(CLOCK_MONOTONIC, &time) == 0, "clock_gettime");
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

#endif
