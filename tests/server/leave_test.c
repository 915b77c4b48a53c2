/*
 * leave_test.c - clients that are gone when their answer is: nothing of theirs may stay behind.
 */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* Whether a request is answered 200 within ten seconds: what was asked before it may be under way. */
static bool
comes_to_be_answered(const char *target)
{
    const struct http_request request = { .target = target, .key = served.key };
    const struct timespec pause = { .tv_nsec = 10000000 };
    for (unsigned i = 0; i < 1000; i++) {
        if (served_ask(&served, &request, NULL) == 200)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streams_nobody_waits_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
