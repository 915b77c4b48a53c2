#include "condition.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition;
static bool rung;

static void *
ring(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&mutex);
    rung = true;
    (void)pthread_cond_signal(&condition);
    (void)pthread_mutex_unlock(&mutex);
    return NULL;
}

/* A time that has come is no wait; one that will come is waited for, and not less. */
static void
waits_until_the_time(void **state)
{
    (void)state;
    condition_init(&condition);
    (void)pthread_mutex_lock(&mutex);
    assert_false(condition_wait(&condition, &mutex, 0));
    int64_t until = clock_monotonic() + CLOCK_SECOND / 50;
    while (condition_wait(&condition, &mutex, until))
        continue;
    assert_true(clock_monotonic() >= until);
    (void)pthread_mutex_unlock(&mutex);
    (void)pthread_cond_destroy(&condition);
}

static void
is_woken_before(void **state)
{
    (void)state;
    condition_init(&condition);
    rung = false;
    pthread_t thread;
    int64_t until = clock_monotonic() + 3600 * CLOCK_SECOND;
    (void)pthread_mutex_lock(&mutex);
    assert_int_equal(pthread_create(&thread, NULL, ring, NULL), 0);
    while (!rung)
        assert_true(condition_wait(&condition, &mutex, until));
    (void)pthread_mutex_unlock(&mutex);
    (void)pthread_join(thread, NULL);
    (void)pthread_cond_destroy(&condition);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_until_the_time),
        cmocka_unit_test(is_woken_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
