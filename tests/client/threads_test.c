/*
 * Many threads, and many clients.
 */
#include "group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
threads_record_at_once(void **state)
{
    (void)state;
    enum {
        THREADS = 8
    };
    static const enum tally_mode modes[] = { TALLY_MODE_SPOOL, TALLY_MODE_SPOOL, TALLY_MODE_MEMORY,
                                             TALLY_MODE_SYNC };
    static const unsigned counts[] = { 3000, 3000, 3000, 100 };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct recording_task tasks[THREADS];
    unsigned sum = 0;
    /* Twice, so that the second threads get the drafts of the first. */
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            tasks[i] = (struct recording_task){ client, modes[i % 4], counts[i % 4], "", 0 };
            (void)snprintf(tasks[i].series, sizeof tasks[i].series, "threads-%u-%u", round, i);
            assert_int_equal(pthread_create(&tasks[i].thread, NULL, recording_work, &tasks[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            (void)pthread_join(tasks[i].thread, NULL);
            sum += tasks[i].count;
        }
    }
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.recorded, sum);
    assert_int_equal(statistics.sent, sum);
    tally_client_close(client, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            char series[32];
            (void)snprintf(series, sizeof series, "threads-%u-%u", round, i);
            assert_int_equal(recording_count(&recording, series), counts[i % 4]);
        }
    }
    assert_true(recording_spools_empty(&recording));
}

static void
clients_come_and_go_in_one_thread(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    for (unsigned i = 0; i < 20; i++) {
        struct tally_client *one = recording_client(&recording, NULL, &options);
        struct tally_client *two = recording_client(&recording, NULL, &options);
        assert_int_equal(recording_event(one, "go-one", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
        assert_int_equal(recording_event(two, "go-two", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
        tally_client_close(one, 60000);
        tally_client_close(two, 60000);
    }
    assert_int_equal(recording_count(&recording, "go-one"), 20);
    assert_int_equal(recording_count(&recording, "go-two"), 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_record_at_once),
        cmocka_unit_test(clients_come_and_go_in_one_thread),
    };
    return cmocka_run_group_tests(tests, recording_set_up, recording_tear_down);
}
