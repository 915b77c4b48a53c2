/*
 * uncancelled.h - where a thread is cancelled (pthread_cancel()), a call is finished first: else it
 * would leave locks that nobody gives back.
 */
#ifndef UNCANCELLED_H
#define UNCANCELLED_H

#include <pthread.h>

static inline int
uncancelled_begin(void)
{
    int before = PTHREAD_CANCEL_ENABLE;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void
uncancelled_end(const int *before)
{
    int now;
    (void)pthread_setcancelstate(*before, &now);
}

/* From here to the end of the block. */
#define UNCANCELLED() \
    const int before __attribute__((cleanup(uncancelled_end), unused)) = uncancelled_begin()

#endif
