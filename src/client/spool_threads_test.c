/*
 * spool_threads_test.c - threads append, sync and drop while one reads.
 */
#include "spool_numbers.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Four threads append while one reads, syncs and drops nothing. */
#define THREADS 4u
#define EACH    6000u

struct appender {
    struct spool *spool;
    unsigned thread;
};

static void *
append_all(void *context)
{
    struct appender *appender = context;
    uint8_t room[STAMP_SIZE_MAX];
    for (uint64_t number = 0; number < EACH;) {
        tally_status status =
            spool_append(appender->spool, stamp_event(appender->thread, number, room), NULL);
        if (status == TALLY_OK)
            number++;
        else if (status != TALLY_FULL || !spool_wait_room(appender->spool, LONG_WAIT))
            abort();
    }
    return NULL;
}

static void *
sync_all(void *context)
{
    struct spool_state now;
    for (unsigned i = 0; i < 8; i++) {
        if (spool_sync(context, NULL) != TALLY_OK)
            abort();
        spool_get_state(context, &now);
    }
    return NULL;
}

static void
read_all(struct spool *spool)
{
    uint64_t next[THREADS] = { 0 };
    for (uint64_t left = THREADS * EACH; left > 0;) {
        struct spool_run run;
        assert_true(spool_wait(spool, LONG_WAIT));
        assert_int_equal(spool_read(spool, 100, 20000, &run), TALLY_OK);
        for (size_t i = 0; i < run.count; i++) {
            unsigned thread = 0;
            uint64_t number = 0;
            assert_true(stamp_read(run.events[i], &thread, &number));
            assert_int_equal(number, next[thread]++);
        }
        spool_sending(spool, run.count);
        spool_done(spool, run.count);
        left -= run.count;
    }
}

static void
threads_append_while_one_reads(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = make_spool(places[i], 5);
        struct appender appenders[THREADS];
        pthread_t threads[THREADS], syncer;
        for (unsigned t = 0; t < THREADS; t++) {
            appenders[t] = (struct appender){ spool, t };
            assert_int_equal(pthread_create(&threads[t], NULL, append_all, &appenders[t]), 0);
        }
        assert_int_equal(pthread_create(&syncer, NULL, sync_all, spool), 0);
        read_all(spool);
        for (unsigned t = 0; t < THREADS; t++)
            (void)pthread_join(threads[t], NULL);
        (void)pthread_join(syncer, NULL);
        assert_int_equal(state_of(spool).queued, 0);
        spool_close(spool);
    }
    assert_int_equal(scratch_count(root), 0);
}

/* The same with too little room, where appenders drop: each event is read or counted, in order. */
static _Atomic uint64_t dropped_in_all;

static void *
append_dropping(void *context)
{
    struct appender *appender = context;
    uint8_t room[STAMP_SIZE_MAX];
    for (uint64_t number = 0; number < EACH;) {
        uint64_t count;
        int64_t since;
        if (spool_append(appender->spool, stamp_event(appender->thread, number, room), NULL) ==
            TALLY_OK)
            number++;
        else if (spool_drop_oldest(appender->spool, &count, &since) == TALLY_OK)
            dropped_in_all += count;
        else
            (void)spool_wait_room(appender->spool, clock_monotonic() + CLOCK_SECOND / 1000);
    }
    return NULL;
}

static void
threads_drop_while_one_reads(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 3);
    struct appender appenders[THREADS];
    pthread_t threads[THREADS], syncer;
    dropped_in_all = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        appenders[t] = (struct appender){ spool, t };
        assert_int_equal(pthread_create(&threads[t], NULL, append_dropping, &appenders[t]), 0);
    }
    assert_int_equal(pthread_create(&syncer, NULL, sync_all, spool), 0);
    uint64_t next[THREADS] = { 0 }, seen = 0;
    while (seen + dropped_in_all < THREADS * EACH) {
        struct spool_run run;
        (void)spool_wait(spool, clock_monotonic() + CLOCK_SECOND / 100);
        if (spool_read(spool, 10, SIZE_MAX, &run) != TALLY_OK)
            continue;
        for (size_t i = 0; i < run.count; i++) {
            unsigned thread = 0;
            uint64_t number = 0;
            assert_true(stamp_read(run.events[i], &thread, &number));
            assert_true(number >= next[thread]);
            next[thread] = number + 1;
        }
        spool_done(spool, run.count);
        seen += run.count;
    }
    for (unsigned t = 0; t < THREADS; t++)
        (void)pthread_join(threads[t], NULL);
    (void)pthread_join(syncer, NULL);
    assert_int_equal(seen + dropped_in_all, THREADS * EACH);
    assert_int_equal(state_of(spool).queued, 0);
    spool_close(spool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(threads_append_while_one_reads),
        WITH_ROOT(threads_drop_while_one_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
