/*
 * twin.h - random questions in two languages: a filter, and the SQL condition that means the same
 * over an oracle's rows (oracle.h); and random events for them to be asked of.
 */
#ifndef TWIN_H
#define TWIN_H

#include "buffer.h"

struct twin {
    struct buffer filter; /* both end with a NUL */
    struct buffer sql;
};

/* Terms of every kind, up to four of them, joined by AND, OR and negation. The caller finishes it. */
void twin_make(uint64_t *random, struct twin *twin_out);
void twin_finish(struct twin *twin);

/* Appends an event; with `id` as its id where that is not 0. */
void twin_event(uint64_t *random, uint64_t id, struct buffer *out);

#endif
