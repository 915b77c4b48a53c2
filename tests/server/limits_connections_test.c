/* limits_connections_test.c - how many connections there may be, how slow and how idle. */
#include "limited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

static void
assert_answers(struct http *http)
{
    send_text(http, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(read_status(http), 404);
}

/* A connection that has had an answer: another one, where it is ended before. */
static struct http *
connect_and_ask(void)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    for (;;) {
        struct http *http = http_connect(served.port);
        send_text(http, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if (read_status(http) == 404)
            return http;
        http_close(http);
        assert_true(now_ms() < deadline);
        sleep_ms(20);
    }
}

static void
as_many_connections_as_are_set(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_CONNECTIONS=10");
    struct http *open[10];
    for (unsigned i = 0; i < 10; i++) {
        open[i] = http_connect(served.port);
        assert_answers(open[i]);
    }
    struct http *http = http_connect(served.port);
    assert_true(http_is_closed(http, PATIENCE_MS));
    http_close(http);
    http_close(open[0]);
    open[0] = connect_and_ask(); /* as soon as the server knows of the end */
    for (unsigned i = 0; i < 10; i++) {
        assert_answers(open[i]);
        http_close(open[i]);
    }
    served_end(&served);
}

static void
as_many_from_one_address(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_CONNECTIONS_PER_ADDRESS=3");
    struct http *open[3];
    for (unsigned i = 0; i < 3; i++) {
        open[i] = http_connect(served.port);
        assert_answers(open[i]);
    }
    struct http *http = http_connect(served.port);
    assert_true(http_is_closed(http, PATIENCE_MS));
    http_close(http);
    for (unsigned i = 0; i < 3; i++)
        http_close(open[i]);
    served_end(&served);
}

/* Well below what it is without the setting. */
#define ENDED_MS 25000

/* The server ends the connection, while a byte comes now and then, and not before the second of its
 * setting has passed since `begun`, which is before it could count. */
static void
assert_ended(struct http *http, int64_t begun, const char *byte)
{
    while (!http_is_closed(http, 100)) {
        if (byte != NULL)
            (void)http_send(http, bytes_text(byte));
        assert_in_range(now_ms() - begun, 0, ENDED_MS);
    }
    assert_true(now_ms() - begun >= 900);
    http_close(http);
}

static void
a_request_takes_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_REQUEST_TIMEOUT_S=1");
    int64_t begun = now_ms();
    struct http *http = http_connect(served.port);
    send_text(http, "GET /api/trails HTTP/1.1\r\nX: ");
    assert_ended(http, begun, "y");

    begun = now_ms();
    http = http_connect(served.port);
    send_post_head(http, 1000);
    assert_ended(http, begun, " ");

    begun = now_ms();
    http = http_connect(served.port);
    send_text(http,
              "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
              "Transfer-Encoding: chunked\r\n\r\n",
              served.key);
    assert_ended(http, begun, "1\r\n \r\n");

    /* Others are served, but for one that itself takes too long here. */
    assert_int_equal(post_event_patiently(), 201);
    served_end(&served);
}

static void
a_connection_is_idle_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=1");
    int64_t begun = now_ms();
    struct http *http = http_connect(served.port);
    assert_ended(http, begun, NULL);

    /* A request that does not begin is none, however slowly. */
    begun = now_ms();
    http = http_connect(served.port);
    assert_ended(http, begun, "G");

    begun = now_ms();
    http = connect_and_ask();
    assert_ended(http, begun, "\r\n");
    served_end(&served);
}

#define IDLE_COUNT 10000

/* True where this process, and so its child, may have that many descriptors. */
static bool
raise_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < count)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Each has had an answer, so that it has all the memory that an idle connection ever has. */
static void
ten_thousand_are_idle(void **state)
{
    (void)state;
    if (!raise_descriptors(IDLE_COUNT + 1000)) {
        print_message("# fewer descriptors than %u are allowed: skipped\n", IDLE_COUNT + 1000);
        return;
    }
    bool sanitized = getenv("TALLY_SANITIZED") != NULL; /* which takes memory for itself */
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=600",
          sanitized ? "TALLY_SERVER_MEMORY_MIB=16384" : "TALLY_SERVER_MEMORY_MIB=512");
    struct http **idle = calloc(IDLE_COUNT, sizeof *idle);
    assert_non_null(idle);
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        idle[i] = connect_and_ask();
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(post(bytes_text(EVENT), NULL), 201);
    size_t resident = served_memory(&served);
    print_message("# %zu MiB with %u idle connections\n", resident / MIB, IDLE_COUNT);
    if (!sanitized)
        assert_in_range(resident, 0, 512 * MIB);
    for (unsigned i = 0; i < IDLE_COUNT; i += 100) {
        send_text(idle[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(idle[i]), 404);
    }
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        http_close(idle[i]);
    free(idle);
    served_end(&served);
}

/* A stranger who only keeps connections open does not keep writers out for long. */
static void
idle_ones_make_room(void **state)
{
    (void)state;
    if (getenv("TALLY_SANITIZED") != NULL || !raise_descriptors(IDLE_COUNT + 1000)) {
        print_message("# a sanitizer, or few descriptors: skipped\n");
        return;
    }
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=600", "TALLY_SERVER_MEMORY_MIB=160");
    struct http **idle = calloc(IDLE_COUNT, sizeof *idle);
    assert_non_null(idle);
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        idle[i] = connect_and_ask();
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while ((status = post_event_patiently()) == 503 && now_ms() < deadline)
        sleep_ms(50);
    assert_int_equal(status, 201);
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        http_close(idle[i]);
    free(idle);
    served_end(&served);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_connections_as_are_set),
        cmocka_unit_test(as_many_from_one_address),
        cmocka_unit_test(a_request_takes_so_long),
        cmocka_unit_test(a_connection_is_idle_so_long),
        cmocka_unit_test(ten_thousand_are_idle),
        cmocka_unit_test(idle_ones_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
