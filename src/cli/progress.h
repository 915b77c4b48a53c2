/*
 * progress.h - how far long work has come, on standard error, if that is a terminal.
 *
 *     verifying main: 120,000 of 1,000,000 entries (12 %)
 *
 * The line appears after half a second, is renewed at most ten times a second, and is gone when the
 * work ends, so that it stands in nobody's way.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "verifying main"; borrowed */
    int64_t started;
    int64_t shown;
    bool silent;
    bool visible;
};

void progress_init(struct progress *progress, const char *what);

/* `total` 0: not known. The context is a struct progress: fits where a callback is asked for. */
void progress_show(void *context, uint64_t done, uint64_t total);

/* Takes the line away. Call it before anything else is printed. */
void progress_clear(struct progress *progress);

#endif
