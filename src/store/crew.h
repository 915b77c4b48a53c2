/*
 * crew.h - threads that examine the segments of a trail, some ahead of whoever puts them in order.
 *
 * One thread creates a crew, takes the segments in order and destroys it. Memory is bounded by the
 * number of threads: nobody goes further ahead than twice that.
 */
#ifndef CREW_H
#define CREW_H

#include "examination.h"

#define CREW_THREADS_MAX 16u

struct crew;

struct crew_result {
    const struct examination *examination;
    const struct tree_piece *pieces;
    size_t count;
};

/* For the segments [task->segment, end). TALLY_NO_MEMORY also where not one thread can be started.
 */
TALLY_MUST_CHECK tally_status crew_create(const struct examination_task *task, size_t end,
                                          unsigned threads, struct crew **crew_out,
                                          struct tally_error *error);

/* Waits for the next segment; there must be one. Lent until the next call. */
struct crew_result crew_next(struct crew *crew);

/* Ends what is still being examined. NULL is allowed. */
void crew_destroy(struct crew *crew);

#endif
