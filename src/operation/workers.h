/*
 * workers.h - threads that do what may wait: reading, searching, proving.
 *
 * A fixed number of threads takes jobs from a bounded queue, first come, first served. Thread-safe.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>

struct workers;

/* Lies in what the job works on; the caller owns it until `run` is called. */
struct job {
    void (*run)(struct job *job);
    struct job *next;
};

TALLY_MUST_CHECK tally_status workers_create(unsigned threads, size_t queue_max,
                                             struct workers **workers_out,
                                             struct tally_error *error);
/* Does what is queued, then ends the threads. NULL is allowed. */
void workers_destroy(struct workers *workers);

/* False, and nothing is done, where queue_max jobs wait already. After workers_destroy() began, none
 * may come. */
bool workers_submit(struct workers *workers, struct job *job);

size_t workers_waiting(struct workers *workers);

#endif
