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
#define WRITERS 40

static unsigned
post_numbered(struct http *http, unsigned number)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"id\":\"event-%u\",\"action\":\"a\"}", number);
    send_post_head(http, strlen(body));
    return http_send(http, bytes_text(body));
}

static void
a_commit_takes_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_COMMIT_TIMEOUT_MS=1", "TALLY_STORAGE_HEAD_ENTRIES=1");
    uint64_t before = served_size(&served);
    unsigned late = 0;
    for (unsigned round = 0; round < 5; round++) {
        struct http *open[WRITERS];
        unsigned first[WRITERS];
        for (unsigned i = 0; i < WRITERS; i++) {
            open[i] = http_connect(served.port);
            (void)post_numbered(open[i], round * WRITERS + i);
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            struct http_answer answer;
            assert_int_equal(http_read(open[i], HTTP_BODY, 30000, &answer), HTTP_OK);
            first[i] = answer.status;
            if (answer.status != 201) {
                assert_true(answer.status == 429 || answer.status == 503);
                assert_retry_after(&answer);
                late++;
            }
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            unsigned status = 0;
            bool doubtful = first[i] == 503;
            for (unsigned again = 0; again < 1000 && status != 200 && status != 201; again++) {
                doubtful = doubtful || status == 503;
                http_close(open[i]); /* some refusals close */
                open[i] = http_connect(served.port);
                (void)post_numbered(open[i], round * WRITERS + i);
                status = read_status(open[i]);
            }
            assert_true(status == 200 || status == 201);
            if (!doubtful)
                assert_int_equal(status, first[i] == 201 ? 200 : 201);
            http_close(open[i]);
        }
    }
    assert_int_equal(served_size(&served) - before, 5 * WRITERS);
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

static void
as_many_wait_to_read(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_READS_WAITING=2", "TALLY_SERVER_READERS=1");
    fill(4);
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
        assert_int_equal(http_read(open[i], HTTP_BODY, 60000, &answer), HTTP_OK);
        good += answer.status == 200;
        if (answer.status == 503) {
            refused++;
            assert_retry_after(&answer);
        }
        http_close(open[i]);
    }
    assert_int_equal(good + refused, READERS);
    assert_in_range(good, 1, READERS - 1);
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

static unsigned
export_status(struct http_answer *answer)
{
    struct http *http = http_connect(served.port);
    struct http_request request = { .target = "/api/export", .key = served.key };
    assert_int_equal(http_ask(http, &request, 60000, answer), HTTP_OK);
    if (answer->status == 429)
        assert_retry_after(answer);
    unsigned status = answer->status;
    http_close(http);
    return status;
}

static void
as_many_streams_and_as_slow(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_STREAMS=1", "TALLY_SERVER_SEND_TIMEOUT_S=1");
    fill(8);
    struct http_answer answer;
    assert_int_equal(export_status(&answer), 200);

    /* One that takes nothing keeps the others out until it is given up. */
    int64_t begun = now_ms();
    struct http *stalled = connect_narrow();
    send_text(stalled,
              "GET /api/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
              served.key);
    sleep_ms(300);
    assert_int_equal(export_status(&answer), 429);
    while (export_status(&answer) == 429)
        sleep_ms(50);
    assert_in_range(now_ms() - begun, 900, 10000);

    /* Its answer is cut, and not ended as if it were whole. */
    assert_int_equal(http_read(stalled, HTTP_BODY, 30000, &answer), HTTP_CUT);
    http_close(stalled);

    /* One that goes away is given up at once. */
    for (unsigned i = 0; i < 10; i++) {
        stalled = connect_narrow();
        send_text(stalled,
                  "GET /api/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                  served.key);
        sleep_ms(20);
        http_close(stalled);
    }
    begun = now_ms();
    while (export_status(&answer) == 429)
        sleep_ms(10);
    assert_in_range(now_ms() - begun, 0, 10000);
    served_end(&served);
}

static void
as_many_wrong_keys(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_FAILURES_PER_MINUTE=5");
    struct http_request wrong = { .target = "/api/trails", .key = "tally_nobody" };
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(served_ask(&served, &wrong, NULL), 401);
    struct http *http = http_connect(served.port);
    struct http_answer answer;
    assert_int_equal(http_ask(http, &wrong, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 429);
    assert_retry_after(&answer);
    assert_non_null(http_header(&answer, "RateLimit").data);
    assert_non_null(http_header(&answer, "RateLimit-Policy").data);
    http_close(http);

    /* Whoever has a good key is not to suffer from a neighbour behind the same address. */
    struct http_request good = { .target = "/api/trails", .key = served.key };
    assert_int_equal(served_ask(&served, &good, NULL), 200);
    assert_int_equal(served_ask(&served, &wrong, NULL), 429);
    served_end(&served);
}

static void
as_many_requests_of_a_key(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_REQUESTS_PER_MINUTE=5");
    struct http_request request = { .target = "/api/trails", .key = served.key };
    struct http *http = http_connect(served.port);
    struct http_answer answer;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
        assert_int_equal(answer.status, 200);
        assert_non_null(http_header(&answer, "RateLimit").data);
    }
    assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 429);
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
                acknowledged +=
                    http_read(open[i], HTTP_BODY, 5000, &answer) == HTTP_OK && answer.status == 201;
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
        cmocka_unit_test(as_many_streams_and_as_slow), cmocka_unit_test(as_many_wrong_keys),
        cmocka_unit_test(as_many_requests_of_a_key),   cmocka_unit_test(a_stop_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
