/*
 * A server that asks for a moment (Retry-After) is left alone as long: no event comes before, whoever
 * is in a hurry, and all come afterwards.
 *
 * How long a wait was is measured where the server answers, so it is never less than what was asked
 * for, however slow the machine is.
 */
#include "child.h"
#include "must.h"
#include "recording.h"
#include "scripted.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROBLEM(code, seconds)                                                                \
    "HTTP/1.1 " code " No\r\nContent-Type: application/problem+json\r\nRetry-After: " seconds \
    "\r\nContent-Length: 25\r\nConnection: close\r\n\r\n"                                     \
    "{\"detail\":\"try again\"   }"
#define GATEWAY(seconds)                                                  \
    "HTTP/1.1 503 No\r\nContent-Type: text/html\r\nRetry-After: " seconds \
    "\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<html/>"
#define BUSY                                                                              \
    "HTTP/1.1 503 No\r\nContent-Type: application/problem+json\r\nContent-Length: 25\r\n" \
    "Connection: close\r\n\r\n{\"detail\":\"try again\"   }"
#define LEAF "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STORED                                                                        \
    "HTTP/1.1 201 Yes\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" \
    "{\"repeated\":[],\"refused\":[],\"refused_count\":0,\"receipts\":"               \
    "[{\"index\":7,\"leaf\":\"" LEAF "\"}]}"

/* A scripted server, and clients of it with a place for spools. */
static struct recording recording;
static struct scripted *server;

static void
begin(const char *const *answers)
{
    recording = (struct recording){ .scratch = child_folder() };
    (void)pthread_mutex_init(&recording.lock, NULL);
    (void)snprintf(recording.served.key, sizeof recording.served.key, "a-key");
    assert_true(asprintf(&recording.spools, "%s/spool", recording.scratch) > 0);
    server = scripted_start(answers);
    (void)snprintf(recording.url, sizeof recording.url, "http://127.0.0.1:%u",
                   (unsigned)scripted_port(server));
}

static void
end(void)
{
    scripted_stop(server);
    (void)pthread_mutex_destroy(&recording.lock);
    free(recording.spools);
    child_remove(recording.scratch);
}

static void
check_waited(unsigned request, int64_t seconds)
{
    struct scripted_request refused = scripted_request(server, request);
    struct scripted_request next = scripted_request(server, request + 1);
    if (next.came_ms - refused.left_ms < seconds * 1000)
        fail_msg("asked for %d s, the next request came after %d ms", (int)seconds,
                 (int)(next.came_ms - refused.left_ms));
}

static void
record(struct tally_client *client, unsigned from, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(recording_event(client, "retry", from + i, TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
}

/* Neither events that come meanwhile nor who waits for them makes the shipper come before. */
static void
the_spool_waits(void **state)
{
    (void)state;
    begin((const char *const[]){ PROBLEM("429", "2"), PROBLEM("503", "1"), STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    record(client, 0, 1);
    scripted_wait(server, 1);
    record(client, 1, 10);
    (void)tally_client_flush(client, 1, NULL);
    recording_flush(client);

    check_waited(0, 2);
    check_waited(1, 1);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, 11);
    assert_int_equal(statistics.attempts, scripted_count(server));
    unsigned events = 0;
    for (unsigned i = 0; i < scripted_count(server); i++) {
        struct scripted_request request = scripted_request(server, i);
        events += i < 2 ? 0 : request.events;
        /* It said that nothing was stored. */
        assert_null(strstr(request.line, "again=true"));
    }
    assert_int_equal(events, 11);
    recording_wait_said(&recording, "takes events again");
    assert_int_equal(recording_said(&recording, "does not take events: "), 1);
    assert_int_equal(recording_said(&recording, "takes events again"), 1);
    tally_client_close(client, 0);
    end();
}

/* What stands before a server knows nothing of events: they may be stored. */
static void
a_gateway_is_waited_for(void **state)
{
    (void)state;
    begin((const char *const[]){ GATEWAY("2"), STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    record(client, 0, 1);
    recording_flush(client);
    check_waited(0, 2);
    assert_null(strstr(scripted_request(server, 0).line, "again=true"));
    assert_non_null(strstr(scripted_request(server, 1).line, "again=true"));
    tally_client_close(client, 0);
    end();
}

static void
sync_waits_for_its_receipt(void **state)
{
    (void)state;
    begin((const char *const[]){ PROBLEM("503", "2"), STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "retry", 0, TALLY_MODE_SYNC, &receipt, NULL),
                     TALLY_OK);
    assert_int_equal(receipt.index, 7);
    assert_int_equal(scripted_count(server), 2);
    check_waited(0, 2);
    tally_client_close(client, 0);
    end();
}

/* Nobody is kept waiting for what cannot come in time. */
static void
sync_is_denied_where_the_wait_is_longer_than_its_time(void **state)
{
    (void)state;
    begin((const char *const[]){ PROBLEM("429", "600"), STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_error error = { 0 };
    assert_int_equal(recording_event(client, "retry", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    assert_non_null(strstr(error.text, "try again"));
    assert_int_equal(recording_statistics(client).denied, 1);
    tally_client_close(client, 0);
    assert_int_equal(scripted_count(server), 1);
    end();
}

/* … nor is the answer no before the time is up, where the trail did not say how long. */
static void
sync_tries_again_while_the_trail_is_busy(void **state)
{
    (void)state;
    begin((const char *const[]){ BUSY, BUSY, STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "retry", 0, TALLY_MODE_SYNC, &receipt, NULL),
                     TALLY_OK);
    assert_int_equal(receipt.index, 7);
    for (unsigned i = 0; i < 3; i++)
        assert_null(strstr(scripted_request(server, i).line, "again=true"));
    tally_client_close(client, 0);
    end();
}

static void
sync_is_denied_at_the_end_of_its_time(void **state)
{
    (void)state;
    begin((const char *const[]){ BUSY, NULL });
    struct tally_client_options options = recording_options(&recording);
    options.timeout_ms = 1000;
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_error error = { 0 };
    int64_t begun = now_ms();
    assert_int_equal(recording_event(client, "retry", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    /* What is left then is too little for another attempt. */
    assert_true(now_ms() - begun > 850);
    assert_non_null(strstr(error.text, "try again"));
    assert_int_equal(recording_statistics(client).attempts, scripted_count(server));
    tally_client_close(client, 0);
    end();
}

/* ---- interrupted ---- */

/* A program that stops waiting when it was asked so often, and records when it is asked. */
struct impatience {
    struct tally_client *client;
    unsigned asked, patience;
};

static bool
ask(void *context)
{
    struct impatience *impatience = context;
    if (impatience->client != NULL)
        assert_int_equal(recording_event(impatience->client, "meanwhile", impatience->asked,
                                         TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
    return ++impatience->asked >= impatience->patience;
}

static struct tally_client_options
impatient(struct impatience *impatience)
{
    struct tally_client_options options = recording_options(&recording);
    options.timeout_ms = 3600000;
    options.interrupted = ask;
    options.interrupted_context = impatience;
    return options;
}

/* It goes out again as it was, whatever the thread records while it waits. */
static void
who_waits_may_record(void **state)
{
    (void)state;
    begin((const char *const[]){ GATEWAY("1"), STORED, NULL });
    struct impatience impatience = { .patience = UINT_MAX };
    struct tally_client_options options = impatient(&impatience);
    impatience.client = recording_client(&recording, NULL, &options);
    assert_int_equal(recording_event(impatience.client, "retry", 0, TALLY_MODE_SYNC, NULL, NULL),
                     TALLY_OK);
    assert_true(impatience.asked > 0);
    tally_client_close(impatience.client, 0);
    struct scripted_request first = scripted_request(server, 0);
    unsigned again = 0;
    for (unsigned i = 1; i < scripted_count(server); i++) {
        struct scripted_request request = scripted_request(server, i);
        if (strstr(request.line, "again=true") == NULL || request.events != 1)
            continue;
        assert_string_equal(request.body, first.body);
        again++;
    }
    assert_int_equal(again, 1);
    end();
}

static void
an_interrupted_wait_is_no_receipt(void **state)
{
    (void)state;
    static const char *const answers[][2] = {
        { PROBLEM("503", "600"), NULL },  /* asleep */
        { "HTTP/1.1 201 Yes\r\n", NULL }, /* the answer is lost: perhaps stored */
    };
    for (size_t i = 0; i < 2; i++) {
        begin(answers[i]);
        struct impatience impatience = { .patience = 2 };
        struct tally_client_options options = impatient(&impatience);
        struct tally_client *client = recording_client(&recording, NULL, &options);
        struct tally_error error = { 0 };
        assert_int_equal(recording_event(client, "retry", 0, TALLY_MODE_SYNC, NULL, &error),
                         TALLY_DENY);
        assert_non_null(strstr(error.text, "stopped waiting"));
        assert_int_equal(impatience.asked, 2);
        /* What may stand in the trail is said to have been denied. */
        assert_int_equal(recording_statistics(client).recorded, 1 + i);
        tally_client_close(client, 0);
        end();
    }
}

static void
an_interrupted_flush_leaves_its_events(void **state)
{
    (void)state;
    begin((const char *const[]){ PROBLEM("503", "600"), NULL });
    struct impatience impatience = { .patience = 2 };
    struct tally_client_options options = impatient(&impatience);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    record(client, 0, 3);
    assert_int_equal(tally_client_flush(client, 3600000, NULL), TALLY_BUSY);
    assert_int_equal(impatience.asked, 2);
    tally_client_close(client, 3600000);
    assert_int_equal(impatience.asked, 3);
    assert_false(recording_spools_empty(&recording));
    end();
}

/* A close does not wait as long, and the next process begins anew. */
static void
what_is_closed_meanwhile_is_left_to_the_next_client(void **state)
{
    (void)state;
    begin((const char *const[]){ PROBLEM("429", "600"), STORED, NULL });
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    record(client, 0, 1);
    scripted_wait(server, 1);
    tally_client_close(client, 1);
    assert_int_equal(scripted_count(server), 1);
    assert_false(recording_spools_empty(&recording));

    client = recording_client(&recording, NULL, &options);
    record(client, 1, 1);
    recording_wait_sent(client, 2);
    assert_int_equal(scripted_count(server), 3);
    tally_client_close(client, 0);
    assert_true(recording_spools_empty(&recording));
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_spool_waits),
        cmocka_unit_test(a_gateway_is_waited_for),
        cmocka_unit_test(sync_waits_for_its_receipt),
        cmocka_unit_test(sync_is_denied_where_the_wait_is_longer_than_its_time),
        cmocka_unit_test(sync_tries_again_while_the_trail_is_busy),
        cmocka_unit_test(sync_is_denied_at_the_end_of_its_time),
        cmocka_unit_test(who_waits_may_record),
        cmocka_unit_test(an_interrupted_wait_is_no_receipt),
        cmocka_unit_test(an_interrupted_flush_leaves_its_events),
        cmocka_unit_test(what_is_closed_meanwhile_is_left_to_the_next_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
