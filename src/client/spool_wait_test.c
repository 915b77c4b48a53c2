/*
 * spool_wait_test.c - waiting for events, for room, and for what is not synced.
 */
#include "spool_numbers.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void *
wake_later(void *context)
{
    spool_wake(context);
    return NULL;
}

static void *
append_later(void *context)
{
    if (append_number(context, 0) != TALLY_OK)
        abort();
    return NULL;
}

static void *
wait_for_room(void *context)
{
    return spool_wait_room(context, LONG_WAIT) ? context : NULL;
}

static void
waiting_ends_when_it_should(void **state)
{
    (void)state;
    struct spool *spool = make_spool(NULL, 2);
    pthread_t thread;
    assert_false(spool_wait(spool, clock_monotonic()));
    spool_wake(spool);
    assert_false(spool_wait(spool, LONG_WAIT));
    assert_int_equal(pthread_create(&thread, NULL, wake_later, spool), 0);
    assert_false(spool_wait(spool, LONG_WAIT));
    (void)pthread_join(thread, NULL);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(pthread_create(&thread, NULL, append_later, spool), 0);
        assert_true(spool_wait(spool, LONG_WAIT));
        (void)pthread_join(thread, NULL);
        expect_range(spool, 0, 1);
    }

    void *room;
    uint64_t count = fill_spool(spool);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, spool), 0);
    expect_range(spool, 0, count);
    (void)pthread_join(thread, &room);
    assert_non_null(room);
    spool_close(spool);
}

/* With a sync between them, each event is waited for; what is done needs none. */
static void
what_is_not_synced_ends_a_wait(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 4);
    pthread_t thread;
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(pthread_create(&thread, NULL, append_later, spool), 0);
        assert_true(spool_wait_unsynced(spool, LONG_WAIT));
        (void)pthread_join(thread, NULL);
        assert_true(spool_wait(spool, 0));
        assert_int_equal(spool_sync(spool, NULL), TALLY_OK);
        assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    }
    spool_wake(spool);
    assert_false(spool_wait_unsynced(spool, LONG_WAIT));

    struct spool_run run;
    assert_int_equal(append_number(spool, 0), TALLY_OK);
    assert_true(spool_wait_unsynced(spool, 0));
    assert_int_equal(spool_read(spool, 100, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 51);
    spool_done(spool, 50);
    assert_true(spool_wait_unsynced(spool, 0));
    assert_int_equal(spool_read(spool, 100, SIZE_MAX, &run), TALLY_OK);
    spool_done(spool, 1);
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    spool_close(spool);

    spool = make_spool(NULL, 4);
    assert_int_equal(append_number(spool, 0), TALLY_OK);
    assert_false(spool_wait_unsynced(spool, clock_monotonic()));
    spool_close(spool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(waiting_ends_when_it_should),
        WITH_ROOT(what_is_not_synced_ends_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
