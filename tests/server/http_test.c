/*
 * http_test.c - the client itself, against the other end of a socket pair that says what a row has.
 */
#include "http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

#include <cmocka.h>

#define HEAD(rest) "HTTP/1.1 200 OK\r\n" rest "\r\n"

/* A client whose server has said `text` already, and closed or not. */
enum end {
    STAYS,
    CLOSES,
};

static struct http *
client_of(const char *text, enum end end, int *server_out)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    if (end == CLOSES)
        (void)shutdown(ends[1], SHUT_WR);
    *server_out = ends[1];
    return http_attach(ends[0]);
}

static void
takes_right_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum end end;
        enum http_expect expect;
        unsigned status;
        const char *body;
        const char *why;
    } rows[] = {
        { HEAD("Content-Length: 2\r\n") "ab", STAYS, HTTP_BODY, 200, "ab", "a length" },
        { HEAD("content-length:2 \r\n") "abHTTP", STAYS, HTTP_BODY, 200, "ab", "something behind" },
        { HEAD("Content-Length: 0\r\n"), STAYS, HTTP_BODY, 200, "", "an empty body" },
        { HEAD("Transfer-Encoding: chunked\r\n") "1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n", STAYS,
          HTTP_BODY, 200, "a0123456789", "chunks" },
        { HEAD(""), CLOSES, HTTP_BODY, 200, "", "an empty body to the end" },
        { HEAD("") "abc", CLOSES, HTTP_BODY, 200, "abc", "a body to the end" },
        { HEAD("Content-Length: 2\r\n"), STAYS, HTTP_NO_BODY, 200, "", "an answer to HEAD" },
        { "HTTP/1.1 204 No Content\r\n\r\n", STAYS, HTTP_BODY, 204, "", "none by its status" },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ", STAYS, HTTP_BODY, 100, "", "an answer before" },
        { "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", STAYS, HTTP_BODY, 299, "", "no reason" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int server;
        struct http *http = client_of(rows[i].text, rows[i].end, &server);
        struct http_answer answer;
        if (http_read(http, rows[i].expect, 1000, &answer) != HTTP_OK)
            fail_msg("%s: %s", rows[i].why, http_why(http));
        if (answer.status != rows[i].status || !bytes_is(answer.body, rows[i].body))
            fail_msg("%s: %u %.*s", rows[i].why, answer.status, BYTES_ARG(answer.body));
        http_close(http);
        (void)close(server);
    }
}

static void
refuses_wrong_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum end end;
        enum http_result result;
        const char *why;
    } rows[] = {
        { "", CLOSES, HTTP_CLOSED, "nothing" },
        { "", STAYS, HTTP_TIMEOUT, "nothing yet" },
        { "HTTP/1.1 200 OK\r\n", STAYS, HTTP_TIMEOUT, "half a head" },
        { "HTTP/1.1 200 OK\r\n", CLOSES, HTTP_CUT, "half a head, and no more" },
        { HEAD("Content-Length: 3\r\n") "ab", STAYS, HTTP_TIMEOUT, "half a body" },
        { HEAD("Content-Length: 3\r\n") "ab", CLOSES, HTTP_CUT, "half a body, and no more" },
        { HEAD("Transfer-Encoding: chunked\r\n") "2\r\nab\r\n", CLOSES, HTTP_CUT, "no last chunk" },
        { HEAD("Transfer-Encoding: chunked\r\n") "0\r\n", CLOSES, HTTP_CUT, "no end of it" },
        { HEAD(""), STAYS, HTTP_TIMEOUT, "a body to an end that does not come" },
        { "HTTP/1.0 200 OK\r\n\r\n", CLOSES, HTTP_WRONG, "another version" },
        { "HTTP/1.1 20 OK\r\n\r\n", CLOSES, HTTP_WRONG, "two digits" },
        { "HTTP/1.1 2000 OK\r\n\r\n", CLOSES, HTTP_WRONG, "four" },
        { "HTTP/1.1 099 OK\r\n\r\n", CLOSES, HTTP_WRONG, "no status" },
        { "HTTP/1.1 600 OK\r\n\r\n", CLOSES, HTTP_WRONG, "nor this" },
        { "HTTP/1.1  200 OK\r\n\r\n", CLOSES, HTTP_WRONG, "two blanks" },
        { "HTTP/1.1 200\r\n\r\n", CLOSES, HTTP_WRONG, "no blank before no reason" },
        { "\r\nHTTP/1.1 200 OK\r\n\r\n", CLOSES, HTTP_WRONG, "an empty line before it" },
        { HEAD("X: a\nY: b\r\n"), CLOSES, HTTP_WRONG, "a line that ends in LF" },
        { HEAD("X: a\rb\r\n"), CLOSES, HTTP_WRONG, "a CR in a line" },
        { HEAD("X : a\r\n"), CLOSES, HTTP_WRONG, "a blank before the colon" },
        { HEAD("X: a\r\n b\r\n"), CLOSES, HTTP_WRONG, "a folded line" },
        { HEAD("X\r\n"), CLOSES, HTTP_WRONG, "no colon" },
        { HEAD(": a\r\n"), CLOSES, HTTP_WRONG, "no name" },
        { HEAD("X: \x01\r\n"), CLOSES, HTTP_WRONG, "a control character" },
        { HEAD("Content-Length: 1\r\nContent-Length: 1\r\n") "a", STAYS, HTTP_WRONG,
          "two lengths" },
        { HEAD("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), STAYS, HTTP_WRONG, "both" },
        { HEAD("Content-Length: -1\r\n"), STAYS, HTTP_WRONG, "no length" },
        { HEAD("Content-Length: \r\n"), STAYS, HTTP_WRONG, "an empty one" },
        { HEAD("Content-Length: 99999999999\r\n"), STAYS, HTTP_WRONG, "more than can be" },
        { HEAD("Transfer-Encoding: gzip, chunked\r\n"), STAYS, HTTP_WRONG, "another coding" },
        { HEAD("Transfer-Encoding: chunked\r\n") "x\r\n", STAYS, HTTP_WRONG, "no size" },
        { HEAD("Transfer-Encoding: chunked\r\n") "1 \r\na\r\n", STAYS, HTTP_WRONG, "a blank" },
        { HEAD("Transfer-Encoding: chunked\r\n") "1;a=b\r\na\r\n", STAYS, HTTP_WRONG,
          "extensions" },
        { HEAD("Transfer-Encoding: chunked\r\n") "1\na\r\n", STAYS, HTTP_WRONG, "a size and LF" },
        { HEAD("Transfer-Encoding: chunked\r\n") "1\r\nab\r\n", STAYS, HTTP_WRONG,
          "a longer chunk" },
        { HEAD("Transfer-Encoding: chunked\r\n") "0\r\nX: a\r\n\r\n", STAYS, HTTP_WRONG,
          "trailers" },
        { "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", STAYS, HTTP_WRONG,
          "a length where no body may be (RFC 9110, section 8.6)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int server;
        struct http *http = client_of(rows[i].text, rows[i].end, &server);
        struct http_answer answer = { .status = 99 };
        enum http_result result = http_read(http, HTTP_BODY, 20, &answer);
        if (result != rows[i].result)
            fail_msg("%s: %d", rows[i].why, (int)result);
        assert_int_equal(answer.status, 99);
        assert_int_equal(http_why(http)[0] != '\0', result == HTTP_WRONG);
        http_close(http);
        (void)close(server);
    }
}

static void
answers_follow_each_other(void **state)
{
    (void)state;
    int server;
    struct http *http = client_of(
        HEAD("Content-Length: 1\r\nX-A: b\r\n") "a"
                                                "HTTP/1.1 404 Not Found\r\nConnection: Close\r\n"
                                                "Transfer-Encoding: "
                                                "chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
        CLOSES, &server);
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, 1000, &answer), HTTP_OK);
    assert_true(bytes_is(answer.body, "a") && !answer.closing && !answer.chunked);
    assert_true(bytes_is(http_header(&answer, "x-a"), "b"));
    assert_null(http_header(&answer, "X-B").data);
    assert_true(bytes_is(answer.reason, "OK"));
    assert_int_equal(http_read(http, HTTP_BODY, 1000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 404);
    assert_true(bytes_is(answer.body, "b") && answer.closing && answer.chunked);
    assert_true(http_is_closed(http, 1000));
    http_close(http);
    (void)close(server);
}

static void
a_connection_that_stays_is_not_closed(void **state)
{
    (void)state;
    int server;
    struct http *http = client_of("", STAYS, &server);
    assert_false(http_is_closed(http, 20));
    (void)close(server);
    assert_true(http_is_closed(http, 1000));
    assert_false(http_send(http, bytes_text("a")));
    http_close(http);
    http = client_of("a", CLOSES, &server);
    assert_false(http_is_closed(http, 1000)); /* it has something to say first */
    http_close(http);
    (void)close(server);
}

/* Takes what comes until the client ends sending, then answers with it, a byte at a time. */
static void *
echo_slowly(void *argument)
{
    int fd = *(int *)argument;
    char text[4096];
    size_t size = 0;
    for (ssize_t got; (got = read(fd, text + size, sizeof text - size)) > 0;)
        size += (size_t)got;
    char head[64];
    int head_size = snprintf(head, sizeof head, HEAD("Content-Length: %zu\r\n"), size);
    for (int i = 0; i < head_size; i++)
        if (write(fd, head + i, 1) != 1)
            return NULL;
    for (size_t i = 0; i < size; i++)
        if (write(fd, text + i, 1) != 1)
            return NULL;
    return NULL;
}

static void
what_is_sent_slowly_arrives(void **state)
{
    (void)state;
    int server;
    struct http *http = client_of("", STAYS, &server);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, echo_slowly, &server), 0);
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(http_send_slowly(http, bytes_text("abcdefghij"), 3, 10));
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 +
                    (after.tv_nsec - before.tv_nsec) / 1000000 >=
                29); /* three pauses */
    http_end_sending(http);
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, 60000, &answer), HTTP_OK);
    assert_true(bytes_is(answer.body, "abcdefghij"));
    (void)pthread_join(thread, NULL);
    http_close(http);
    (void)close(server);
}

static void
asking_is_a_whole_request(void **state)
{
    (void)state;
    int server;
    struct http *http = client_of("HTTP/1.1 100 Continue\r\n\r\n" HEAD("Content-Length: 1\r\n") "a",
                                  STAYS, &server);
    struct http_request request = {
        .method = "POST",
        .target = "/api/events?trail=x",
        .key = "k",
        .headers = "Content-Type: application/json\r\n",
        .body = bytes_text("{}"),
    };
    struct http_answer answer;
    assert_int_equal(http_ask(http, &request, 1000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 200);
    char text[512];
    ssize_t size = read(server, text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, "POST /api/events?trail=x HTTP/1.1\r\nHost: localhost\r\n"
                              "Authorization: Bearer k\r\nContent-Type: application/json\r\n"
                              "Content-Length: 2\r\n\r\n{}");
    http_close(http);
    (void)close(server);

    http = client_of(HEAD("Content-Length: 7\r\n"), STAYS, &server);
    request = (struct http_request){ .method = "HEAD", .target = "/" };
    assert_int_equal(http_ask(http, &request, 1000, &answer), HTTP_OK);
    size = read(server, text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_close(http);
    (void)close(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_right_answers),
        cmocka_unit_test(refuses_wrong_answers),
        cmocka_unit_test(answers_follow_each_other),
        cmocka_unit_test(a_connection_that_stays_is_not_closed),
        cmocka_unit_test(what_is_sent_slowly_arrives),
        cmocka_unit_test(asking_is_a_whole_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
