/*
 * workers.h - threads that do what may wait: reading, searching, proving.
 *
 * A fixed number of threads takes jobs from a bounded queue: those of whoever has the fewest threads
 * just then, first come, first served. So one who asks for much does not keep the others waiting for
 * more than what runs already. Thread-safe.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workers;

/* Lies in what the job works on; the caller owns it until `run` is called. */
struct job {
    void (*run)(struct job *job);
    int64_t owner; /* whose it is; 0: the server's own */
    struct job *next;
};

TALLY_MUST_CHECK tally_status workers_create(unsigned threads, size_t queue_max,
                                             struct workers **workers_out,
                                             struct tally_error *error);
/* Does what is queued, then ends the threads. NULL is allowed. */
void workers_destroy(struct workers *workers);

/* False, and nothing is done, where queue_max jobs wait already, or half as many of the same owner
 * (but of the server's own). After workers_destroy() began, none
 * may come. */
bool workers_submit(struct workers *workers, struct job *job);

size_t workers_waiting(struct workers *workers);

#endif
