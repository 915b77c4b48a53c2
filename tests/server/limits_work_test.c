/* limits_work_test.c - how much may be asked for, of whom, and how long it may take. */
#include "limited.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

/* Every entry is a segment of its own here, so writers wait for the sealer and the deadline passes.
 * Of what was refused for certain nothing is stored; of the rest each event once. */
#define WRITERS 16
#define ROUNDS  3

static unsigned
post_numbered(struct http *http, unsigned number)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"id\":\"event-%u\",\"action\":\"a\"}", number);
    send_post_head(http, strlen(body));
    return http_send(http, bytes_text(body));
}

/* Sends one again until it is stored, on new connections, since some refusals close. Whether it may
 * have been stored before: *doubtful_out. */
static unsigned
post_until_stored(unsigned number, bool *doubtful_out)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    for (;;) {
        struct http *http = http_connect(served.port);
        (void)post_numbered(http, number);
        unsigned status = read_status(http);
        http_close(http);
        if (status == 200 || status == 201)
            return status;
        assert_true(status == 429 || status == 503);
        *doubtful_out = *doubtful_out || status == 503;
        assert_true(now_ms() < deadline);
    }
}

static void
a_commit_takes_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_COMMIT_TIMEOUT_MS=1", "TALLY_STORAGE_HEAD_ENTRIES=1");
    uint64_t before = served_size(&served);
    unsigned late = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct http *open[WRITERS];
        unsigned first[WRITERS];
        for (unsigned i = 0; i < WRITERS; i++) {
            open[i] = http_connect(served.port);
            (void)post_numbered(open[i], round * WRITERS + i);
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            struct http_answer answer;
            assert_int_equal(http_read(open[i], HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
            first[i] = answer.status;
            if (answer.status != 201) {
                assert_true(answer.status == 429 || answer.status == 503);
                assert_retry_after(&answer);
                late++;
            }
            http_close(open[i]);
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            bool doubtful = first[i] == 503;
            unsigned status = post_until_stored(round * WRITERS + i, &doubtful);
            if (!doubtful)
                assert_int_equal(status, first[i] == 201 ? 200 : 201);
        }
    }
    assert_int_equal(served_size(&served) - before, ROUNDS * WRITERS);
    if (late == 0)
        print_message("# no commit was late here\n");
    served_end(&served);
}

/* Entries enough for what reads them to take its time. */
static void
fill(unsigned batches)
{
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 5000; i++)
        buffer_format(&body,
                      "{\"action\":\"fill\",\"user_id\":\"user-%u\",\"message\":\"%0400u\"}\n",
                      i % 97, i * 7919);
    for (unsigned i = 0; i < batches; i++)
        assert_int_equal(post(buffer_view(&body), "Content-Type: application/x-ndjson\r\n"), 201);
    buffer_free(&body);
}

#define READERS 60

/* How many of so many searches at once are refused; the first one finds nobody before it. */
static unsigned
read_at_once(void)
{
    struct http *open[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i],
                  "GET /api/events?q=message:*%u*&limit=1000 HTTP/1.1\r\nHost: localhost\r\n"
                  "Authorization: Bearer %s\r\n\r\n",
                  i, served.key);
    }
    unsigned good = 0, refused = 0;
    for (unsigned i = 0; i < READERS; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(open[i], HTTP_BODY, 2 * PATIENCE_MS, &answer), HTTP_OK);
        good += answer.status == 200;
        if (answer.status == 503) {
            refused++;
            assert_retry_after(&answer);
        }
        http_close(open[i]);
    }
    assert_int_equal(good + refused, READERS);
    assert_true(good > 0);
    return refused;
}

/* Where the machine lets each be done before the next is there, they are asked again. */
static void
as_many_wait_to_read(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_READS_WAITING=2", "TALLY_SERVER_READERS=1",
          "TALLY_SERVER_SEARCH_TIMEOUT_S=600");
    fill(4);
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned refused;
    while ((refused = read_at_once()) == 0 && now_ms() < deadline)
        continue;
    assert_in_range(refused, 1, READERS - 1);
    served_end(&served);
}

/* A connection that takes little before it waits. */
static struct http *
connect_narrow(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(served.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return http_attach(fd);
}

/* 0 where its answer is cut, since this test itself took nothing of it for too long. */
static unsigned
export_status(void)
{
    struct http *http = http_connect(served.port);
    struct http_request request = { .target = "/api/export", .key = served.key };
    struct http_answer answer = { 0 };
    enum http_result result = http_ask(http, &request, PATIENCE_MS, &answer);
    assert_true(result == HTTP_OK || result == HTTP_CUT);
    if (answer.status == 429)
        assert_retry_after(&answer);
    http_close(http);
    return answer.status;
}

/* Asks until an export comes whole. */
static void
assert_exported(void)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while (((status = export_status()) == 429 || status == 0) && now_ms() < deadline)
        sleep_ms(50);
    assert_int_equal(status, 200);
}

/* Asks for an export, of which nothing is taken. */
static struct http *
stall(void)
{
    struct http *http = connect_narrow();
    send_text(http,
              "GET /api/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
              served.key);
    return http;
}

/* One that takes nothing keeps the others out until it is given up; that may be before another could
 * ask, where the machine stands still. */
static void
as_many_streams_and_as_slow(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_STREAMS=1", "TALLY_SERVER_SEND_TIMEOUT_S=1");
    fill(8);
    assert_exported();

    int64_t deadline = now_ms() + PATIENCE_MS;
    for (unsigned status = 0; status != 429;) {
        assert_true(now_ms() < deadline);
        int64_t begun = now_ms();
        struct http *stalled = stall();
        assert_false(http_is_silent(stalled, PATIENCE_MS));
        status = export_status();
        assert_exported();
        assert_true(now_ms() - begun >= 900);

        /* Its answer is cut, and not ended as if it were whole. */
        struct http_answer answer;
        assert_int_equal(http_read(stalled, HTTP_BODY, PATIENCE_MS, &answer), HTTP_CUT);
        http_close(stalled);
    }
    served_end(&served);
}

/* However long one that is there would be waited for, who goes away is given up. */
static void
streams_of_who_is_gone(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_STREAMS=1", "TALLY_SERVER_SEND_TIMEOUT_S=3600");
    fill(8);
    for (unsigned i = 0; i < 10; i++) {
        struct http *gone = stall();
        if (i % 2 == 0)
            assert_false(http_is_silent(gone, PATIENCE_MS));
        http_close(gone);
    }
    assert_exported();
    served_end(&served);
}

/* Asks, of what may be asked for five times a minute, until that is too often: five times are allowed at
 * once, and one more for each twelve seconds that pass. */
static struct http *
ask_until_refused(const struct http_request *request, unsigned allowed,
                  struct http_answer *answer_out)
{
    int64_t begun = now_ms();
    struct http *http = http_connect(served.port);
    for (unsigned count = 0;; count++) {
        assert_int_equal(http_ask(http, request, PATIENCE_MS, answer_out), HTTP_OK);
        if (answer_out->status == 429) {
            assert_true(count >= 5);
            return http;
        }
        assert_int_equal(answer_out->status, allowed);
        assert_true(count < 5 + (now_ms() - begun) / 12000);
        if (allowed == 200)
            assert_non_null(http_header(answer_out, "RateLimit").data);
    }
}

static void
as_many_wrong_keys(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_FAILURES_PER_MINUTE=5");
    struct http_request wrong = { .target = "/api/trails", .key = "tally_nobody" };
    struct http_answer answer;
    struct http *http = ask_until_refused(&wrong, 401, &answer);
    assert_retry_after(&answer);
    assert_non_null(http_header(&answer, "RateLimit").data);
    assert_non_null(http_header(&answer, "RateLimit-Policy").data);
    http_close(http);

    /* Whoever has a good key is not to suffer from a neighbour behind the same address. */
    struct http_request good = { .target = "/api/trails", .key = served.key };
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(served_ask(&served, &good, NULL), 200);
    served_end(&served);
}

static void
as_many_requests_of_a_key(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_REQUESTS_PER_MINUTE=5");
    struct http_request request = { .target = "/api/trails", .key = served.key };
    struct http_answer answer;
    struct http *http = ask_until_refused(&request, 200, &answer);
    assert_retry_after(&answer);
    assert_non_null(http_header(&answer, "RateLimit").data);
    assert_non_null(http_header(&answer, "RateLimit-Policy").data);
    http_close(http);
    served_end(&served);
}

/* A stop while commits and streams are under way and bodies are half there: it ends, and well. */
static void
a_stop_in_the_middle(void **state)
{
    (void)state;
    BEGIN("TALLY_STORAGE_HEAD_ENTRIES=1");
    fill(1);
    for (unsigned round = 0; round < 5; round++) {
        struct http *open[WRITERS];
        unsigned number = round * WRITERS;
        for (unsigned i = 0; i < WRITERS; i++) {
            open[i] = http_connect(served.port);
            if (i % 4 == 3)
                send_post_head(open[i], 1000);
            else if (i % 4 == 2)
                send_text(open[i],
                          "GET /api/export HTTP/1.1\r\nHost: localhost\r\n"
                          "Authorization: Bearer %s\r\n\r\n",
                          served.key);
            else
                (void)post_numbered(open[i], number + i);
        }
        sleep_ms(round * 5);
        served_stop(&served);
        unsigned acknowledged = 0, possible = 0;
        for (unsigned i = 0; i < WRITERS; i++) {
            struct http_answer answer;
            if (i % 4 < 2) {
                acknowledged += http_read(open[i], HTTP_BODY, PATIENCE_MS, &answer) == HTTP_OK &&
                                answer.status == 201;
                possible++;
            }
            http_close(open[i]);
        }
        served_start(&served, NULL);
        struct http *http = http_connect(served.port);
        unsigned repeated = 0;
        for (unsigned i = 0; i < WRITERS; i++)
            if (i % 4 < 2) {
                (void)post_numbered(http, number + i);
                repeated += read_status(http) == 200;
            }
        http_close(http);
        assert_in_range(repeated, acknowledged, possible);
        served_stop(&served);
        served_start(&served, (const char *const[]){ "TALLY_STORAGE_HEAD_ENTRIES=1", NULL });
    }
    served_end(&served);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_takes_so_long),      cmocka_unit_test(as_many_wait_to_read),
        cmocka_unit_test(as_many_streams_and_as_slow), cmocka_unit_test(streams_of_who_is_gone),
        cmocka_unit_test(as_many_wrong_keys),          cmocka_unit_test(as_many_requests_of_a_key),
        cmocka_unit_test(a_stop_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
