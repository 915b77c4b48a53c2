/*
 * condition.h - wait for something, but not for ever, whatever the wall clock does meanwhile.
 *
 * A pthread_cond_t that is made by condition_init() waits by the clock that only goes forward
 * (clock_monotonic()). It is used like any other, and destroyed by pthread_cond_destroy().
 */
#ifndef CONDITION_H
#define CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void condition_init(pthread_cond_t *condition);

/* Waits until it is signalled, or wakes for no reason, or the monotonic time `until` (nanoseconds)
 * has come; false only then. Under the mutex, as pthread_cond_wait(). */
bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until);

#endif
