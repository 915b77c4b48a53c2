/*
 * While a name server does not answer, nobody waits for longer than was agreed. getaddrinfo() cannot be
 * ended from outside; here it is the test's own, and ends when the test says so.
 */
#include "recording.h"

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define WHERE "http://trail.example:7878"

/* Who waits so long was not let go. */
#define GENEROUS_SECONDS 20

static struct recording recording;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned asking, asked;
static bool answering, outwaited;

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **list_out)
{
    (void)name, (void)service, (void)hints, (void)list_out;
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GENEROUS_SECONDS;
    (void)pthread_mutex_lock(&lock);
    asking++;
    asked++;
    (void)pthread_cond_broadcast(&changed);
    while (!answering && !outwaited)
        outwaited = pthread_cond_timedwait(&changed, &lock, &until) != 0;
    asking--;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    return EAI_AGAIN;
}

static struct tally_client *
open_client(uint32_t timeout_ms)
{
    struct tally_client_options options = recording_options(&recording);
    options.timeout_ms = timeout_ms;
    options.insecure_http = true;
    answering = outwaited = false;
    asked = 0;
    return recording_client(&recording, WHERE, &options);
}

static void
wait_asked(void)
{
    (void)pthread_mutex_lock(&lock);
    while (asked == 0)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

/* The name server answers at last; who asked it was let go before. */
static void
expect_let_go(void)
{
    (void)pthread_mutex_lock(&lock);
    bool let_go = asking > 0 && !outwaited;
    answering = true;
    (void)pthread_cond_broadcast(&changed);
    while (asking > 0)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
    assert_true(let_go);
}

static void
a_call_in_sync_ends_in_time(void **state)
{
    (void)state;
    struct tally_client *client = open_client(200);
    struct tally_error error;
    assert_int_equal(recording_event(client, "sync", 0, TALLY_MODE_SYNC, NULL, &error), TALLY_DENY);
    expect_let_go();
    tally_client_close(client, 0);
}

static void
a_client_is_closed_in_time(void **state)
{
    (void)state;
    struct tally_client *client = open_client(0);
    assert_int_equal(recording_event(client, "spool", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    wait_asked();
    tally_client_close(client, 0);
    expect_let_go();
}

static int
set_up(void **state)
{
    (void)state;
    recording_begin(&recording, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    recording_end(&recording);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_in_sync_ends_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_is_closed_in_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
