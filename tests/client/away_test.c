/*
 * Where the server is away, refuses, or its answers are lost.
 */
#include "group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What one test made of network and notices is not the next one's. */
static int
heal(void **state)
{
    (void)state;
    proxy_target(proxy, recording.served.port);
    proxy_drop_answers(proxy, 0);
    proxy_harm(proxy, 0, 0);
    recording_hush(&recording);
    return 0;
}

static void
events_wait_for_the_server(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    proxy_target(proxy, 0);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(recording_event(client, "wait", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
    recording_wait_said(&recording, "does not take events");
    struct tally_error error = { 0 };
    assert_int_equal(tally_client_flush(client, 10, &error), TALLY_BUSY);
    assert_non_null(strstr(error.text, "3000 events have no answer yet: "));
    assert_int_equal(recording_statistics(client).queued, COUNT);

    proxy_target(proxy, recording.served.port);
    recording_flush(client);
    recording_wait_said(&recording, "takes events again");
    assert_int_equal(recording_statistics(client).sent, COUNT);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "wait"), COUNT);
    /* Each is said once. */
    assert_int_equal(recording_said(&recording, "does not take"), 1);
}

static void
a_closed_client_leaves_its_events_to_the_next_one(void **state)
{
    (void)state;
    enum {
        COUNT = 10000
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    proxy_target(proxy, 0);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(recording_event(client, "left", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
    tally_client_close(client, 10);
    assert_false(recording_spools_empty(&recording));

    proxy_target(proxy, recording.served.port);
    client = recording_client(&recording, proxied, &options);
    assert_int_equal(recording_event(client, "heir", 0, TALLY_MODE_DEFAULT, NULL, NULL), TALLY_OK);
    recording_flush(client);
    recording_wait_sent(client, COUNT + 1);
    struct tally_client_statistics statistics;
    tally_client_statistics(client, &statistics);
    assert_int_equal(statistics.recorded, 1);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "left"), COUNT);
    assert_true(recording_spools_empty(&recording));
}

static void
a_lost_answer_stores_nothing_twice(void **state)
{
    (void)state;
    enum {
        COUNT = 300
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 100 == 0)
            proxy_drop_answers(proxy, 2);
        assert_int_equal(recording_event(client, "lost", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
        if (i % 100 == 0)
            recording_flush(client);
    }
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, COUNT);
    assert_true(statistics.repeated >= 3);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "lost"), COUNT);
}

static void
sync_finds_its_receipt_after_a_lost_answer(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct tally_receipt receipt;
    /* A connection that stands, so that libcurl might send again by itself. */
    assert_int_equal(recording_event(client, "sync", 0, TALLY_MODE_SYNC, &receipt, NULL), TALLY_OK);
    proxy_drop_answers(proxy, 2);
    assert_int_equal(recording_event(client, "sync", 1, TALLY_MODE_SYNC, &receipt, NULL), TALLY_OK);
    assert_true(receipt.repeated);
    assert_int_equal(proxy_answers_to_drop(proxy), 0);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, 2);
    assert_int_equal(statistics.repeated, 1);
    assert_int_equal(statistics.attempts, 4);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "sync"), 2);
}

static void
sync_denies_at_once_what_cannot_have_arrived(void **state)
{
    (void)state;
    char nowhere[64];
    (void)snprintf(nowhere, sizeof nowhere, "http://127.0.0.1:%u",
                   (unsigned)recording_silent_port());
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, nowhere, &options);
    struct tally_error error = { 0 };
    assert_int_equal(recording_event(client, "denied", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    assert_non_null(strstr(error.text, "no receipt: "));
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.denied, 1);
    assert_int_equal(statistics.attempts, 1);
    assert_int_equal(statistics.queued, 0);
    tally_client_close(client, 0);
}

static void
what_was_denied_without_an_answer_is_on_record(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.timeout_ms = 3000; /* time enough to send it at least once */
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct tally_error error = { 0 };
    proxy_drop_answers(proxy, 1000000);
    tally_status status =
        tally_client_record(client, TALLY_EVENT(.action = "test.denied", .id = "denied-1"),
                            TALLY_MODE_SYNC, NULL, &error);
    assert_int_equal(status, TALLY_DENY);
    proxy_drop_answers(proxy, 0);
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.denied, 1);
    assert_int_equal(statistics.recorded, 2);
    assert_int_equal(statistics.sent, 1);
    tally_client_close(client, 0);
    char *found = recording_find(&recording, "q=action%3Atest.denied%20status%3Aerror");
    assert_non_null(strstr(found, "{\"denied\":\"denied-1\"}"));
    tally_text_free(found);
}

static void
a_wrong_key_keeps_the_events(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.key = "tally_w_wrong";
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_error error = { 0 };
    assert_int_equal(recording_event(client, "key", 0, TALLY_MODE_SYNC, NULL, &error), TALLY_DENY);
    assert_int_equal(recording_event(client, "key", 0, TALLY_MODE_DEFAULT, NULL, NULL), TALLY_OK);
    recording_wait_said(&recording, "does not take events");
    assert_int_equal(recording_statistics(client).queued, 1);
    tally_client_close(client, 0);

    options.key = recording.served.key;
    client = recording_client(&recording, NULL, &options);
    assert_int_equal(recording_event(client, "key2", 0, TALLY_MODE_DEFAULT, NULL, NULL), TALLY_OK);
    recording_wait_sent(client, 2);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "key"), 1);
}

/* What the dead-letter file holds. */
static char *
read_letters(void)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/dead-letter.ndjson", recording.spools);
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 65536);
    assert_non_null(text);
    if (file != NULL) {
        assert_true(fread(text, 1, 65535, file) > 0);
        (void)fclose(file);
    }
    return text;
}

static void
what_the_trail_refuses_for_good_is_a_dead_letter(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_error error = { 0 };
    static const struct tally_event first = { sizeof first, .action = "test.dead", .id = "dead-1" };
    assert_int_equal(tally_client_record(client, &first, TALLY_MODE_SYNC, NULL, &error), TALLY_OK);
    /* The same id for something else: asked for, and in the background among good ones. */
    const struct tally_event *other =
        TALLY_EVENT(.action = "test.dead", .id = "dead-1", .message = "other");
    assert_int_equal(tally_client_record(client, other, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_CONFLICT);
    assert_int_equal(recording_event(client, "dead", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    assert_int_equal(tally_client_record(client, other, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    assert_int_equal(recording_event(client, "dead", 1, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, 3);
    assert_int_equal(statistics.refused, 2);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "dead"), 2);

    char *letters = read_letters();
    assert_non_null(strstr(letters, "dead-1"));
    assert_non_null(strstr(letters, "other content"));
    assert_null(strstr(letters, "test.step"));
    free(letters);
    recording_wait_said(&recording, "refuses an event for good");
}

/* More than the hundred that an answer names. */
static void
hundreds_of_conflicts_are_told_from_good_events(void **state)
{
    (void)state;
    enum {
        COUNT = 250
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    char id[32];
    for (int round = 0; round < 2; round++) {
        if (round == 1)
            proxy_target(proxy, 0);
        for (unsigned i = 0; i < COUNT; i++) {
            (void)snprintf(id, sizeof id, "hundreds-%u", i);
            const struct tally_event *event =
                TALLY_EVENT(.action = "test.hundreds", .id = id,
                            .message = round == 0 ? "first" : "second");
            assert_int_equal(tally_client_record(client, event, TALLY_MODE_SPOOL, NULL, NULL),
                             TALLY_OK);
            assert_int_equal(recording_event(client, "hundreds", (unsigned)round * COUNT + i,
                                             TALLY_MODE_SPOOL, NULL, NULL),
                             TALLY_OK);
        }
        proxy_target(proxy, recording.served.port);
        recording_flush(client);
    }
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, 3 * COUNT);
    assert_int_equal(statistics.refused, COUNT);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "hundreds"), 2 * COUNT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(events_wait_for_the_server, heal),
        cmocka_unit_test_setup(a_closed_client_leaves_its_events_to_the_next_one, heal),
        cmocka_unit_test_setup(a_lost_answer_stores_nothing_twice, heal),
        cmocka_unit_test_setup(sync_finds_its_receipt_after_a_lost_answer, heal),
        cmocka_unit_test_setup(sync_denies_at_once_what_cannot_have_arrived, heal),
        cmocka_unit_test_setup(what_was_denied_without_an_answer_is_on_record, heal),
        cmocka_unit_test_setup(a_wrong_key_keeps_the_events, heal),
        cmocka_unit_test_setup(what_the_trail_refuses_for_good_is_a_dead_letter, heal),
        cmocka_unit_test_setup(hundreds_of_conflicts_are_told_from_good_events, heal),
    };
    return cmocka_run_group_tests(tests, proxied_set_up, proxied_tear_down);
}
