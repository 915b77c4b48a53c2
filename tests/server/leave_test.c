/*
 * leave_test.c - clients that are gone when their answer is: nothing of theirs may stay behind.
 */
#include "must.h"
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct served served;

static int
begin(void **state)
{
    (void)state;
    served_begin(&served, (const char *const[]){ "TALLY_SERVER_STREAMS=2", NULL });
    return 0;
}

/* A stop that waited for what nobody ends would fail here. */
static int
end(void **state)
{
    (void)state;
    served_end(&served);
    return 0;
}

/* Asks and leaves at once. */
static void
ask_and_leave(const char *target)
{
    struct buffer text = { 0 };
    buffer_format(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                  target, served.key);
    struct http *http = http_connect(served.port);
    assert_true(http_send(http, buffer_view(&text)));
    http_close(http);
    buffer_free(&text);
}

/* Whether a request comes to be answered 200: what was asked before it may be under way. */
static bool
comes_to_be_answered(const char *target)
{
    const struct http_request request = { .target = target, .key = served.key };
    const struct timespec pause = { .tv_nsec = 10000000 };
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while ((status = served_ask(&served, &request, NULL)) != 200 && now_ms() < deadline)
        (void)nanosleep(&pause, NULL);
    return status == 200;
}

/* Some find, before there is a thread that makes their stream, that nobody is there to take it. */
static void
streams_nobody_waits_for(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++)
        ask_and_leave(i % 2 == 0 ? "/api/export" : "/api/verify");
    assert_true(comes_to_be_answered("/api/export"));
    assert_true(comes_to_be_answered("/api/verify"));
}

/* ---- answers that nobody takes ---- */

static int
begin_small(void **state)
{
    (void)state;
    served_begin(&served, (const char *const[]){ "TALLY_SERVER_MEMORY_MIB=80",
                                                 "TALLY_STORAGE_HEADS_MEMORY_MIB=32",
                                                 "TALLY_SERVER_BODIES_MIB=48",
                                                 "TALLY_SERVER_SEND_TIMEOUT_S=3600", NULL });
    return 0;
}

/* Entries of which a page of a thousand takes several mebibytes. */
static void
record_long_entries(void)
{
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        buffer_text(&body, i == 0 ? "[" : ",");
        buffer_text(&body, "{\"action\":\"long\",\"message\":\"");
        for (unsigned j = 0; j < 500; j++)
            buffer_text(&body, "0123456789");
        buffer_text(&body, "\"}");
    }
    buffer_text(&body, "]");
    const struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .body = buffer_view(&body),
    };
    assert_int_equal(served_ask(&served, &request, NULL), 201);
    buffer_free(&body);
}

/* Who does not read what was asked for holds memory; all of them together only so much of it. */
static void
answers_nobody_takes(void **state)
{
    (void)state;
    if (getenv("TALLY_SANITIZED") != NULL) {
        /* Not skip(): that is "not ok" in cmocka's TAP. */
        print_message("# a sanitizer takes more memory for itself than there is here: skipped\n");
        return;
    }
    const char *target = "/api/events?limit=1000";
    struct http *idle[12];
    struct buffer text = { 0 };
    record_long_entries();
    assert_true(comes_to_be_answered(target));
    buffer_format(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                  target, served.key);
    for (unsigned i = 0; i < 12; i++) {
        idle[i] = http_connect(served.port);
        assert_true(http_send(idle[i], buffer_view(&text)));
    }
    const struct http_request page = { .target = target, .key = served.key };
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while ((status = served_ask(&served, &page, NULL)) == 200 && now_ms() < deadline)
        continue;
    assert_int_equal(status, 503);
    const struct http_request event = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .body = bytes_text("{\"action\":\"short\"}"),
    };
    /* More answers may be made for a moment than are kept, and no body is taken then. */
    while ((status = served_ask(&served, &event, NULL)) == 503 && now_ms() < deadline)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    assert_int_equal(status, 201);
    for (unsigned i = 0; i < 12; i++)
        http_close(idle[i]);
    assert_true(comes_to_be_answered(target));
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_nobody_waits_for, begin, end),
        cmocka_unit_test_setup_teardown(answers_nobody_takes, begin_small, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
