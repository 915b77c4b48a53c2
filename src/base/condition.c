#include "condition.h"

#include "clock.h"

#include <errno.h>
#include <time.h>

void
condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

bool
condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
    struct timespec time = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND };
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT;
}
