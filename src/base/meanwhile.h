/*
 * meanwhile.h - something done by another thread, while this one does something else.
 *
 *     struct meanwhile index = { .run = index_write, .context = &job };
 *     meanwhile_begin(&index);
 *     tally_status status = columns_write(&job, error);
 *     status = meanwhile_end(&index, status, error);
 */
#ifndef MEANWHILE_H
#define MEANWHILE_H

#include "tally/status.h"

#include <pthread.h>
#include <stdbool.h>

struct meanwhile {
    tally_status (*run)(void *context, struct tally_error *error);
    void *context;
    /* meanwhile.c's own; zeroed. */
    pthread_t thread;
    bool begun;
    tally_status status;
    struct tally_error error;
};

/* Begins on a thread of its own. Where none can be started, or this is not called, meanwhile_end()
 * does it all. */
void meanwhile_begin(struct meanwhile *meanwhile);

/* Waits for the end. `status` is how it went here: anything but TALLY_OK is passed on, and what has
 * not begun is left. Otherwise it is how it went there, with its error. */
TALLY_MUST_CHECK tally_status meanwhile_end(struct meanwhile *meanwhile, tally_status status,
                                            struct tally_error *error);

#endif
