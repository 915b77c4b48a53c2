/* limits_bodies_test.c - how large a body may be, and how much all of them may take together. */
#include "limited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* One event, with blanks behind it to be `size` bytes. */
static void
pad(struct buffer *body, size_t size)
{
    buffer_text(body, EVENT);
    uint8_t *rest = buffer_reserve(body, size);
    assert_non_null(rest);
    memset(rest, ' ', size - body->size);
    body->size = size;
}

static void
a_body_may_be_so_large(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1");
    struct buffer body = { 0 };
    pad(&body, MIB);
    assert_int_equal(post(buffer_view(&body), NULL), 201);
    buffer_byte(&body, ' ');
    assert_int_equal(post(buffer_view(&body), NULL), 413);

    /* In chunks its size is not known before. */
    struct buffer chunked = { 0 };
    buffer_format(&chunked,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                  served.key, body.size);
    buffer_bytes(&chunked, buffer_view(&body));
    buffer_text(&chunked, "\r\n0\r\n\r\n");
    struct http *http = http_connect(served.port);
    (void)http_send(http, buffer_view(&chunked));
    assert_int_equal(read_status(http), 413);
    assert_true(http_is_closed(http, PATIENCE_MS));
    http_close(http);
    buffer_free(&chunked);
    buffer_free(&body);
    served_end(&served);
}

/* A refusal is heard by a client that sends all of its body first; one that says that it sends far too
 * much, or waits to be told to go on, is refused at once. */
static void
a_refusal_is_heard(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1");
    static const struct {
        const char *target, *key, *headers;
        size_t size;
        bool sent;
        unsigned status;
    } rows[] = {
        { "/api/events", NULL, "", 4 * MIB, true, 413 },
        { "/api/events", "tally_not", "", MIB, true, 401 },
        { "/nowhere", NULL, "", MIB, true, 404 },
        { "/api/events", NULL, "Content-Type: image/png\r\n", MIB, true, 415 },
        { "/api/events", NULL, "", 4 * MIB + 1, false, 413 },
        { "/api/events", "tally_not", "Expect: 100-continue\r\n", MIB, false, 401 },
    };
    struct buffer body = { 0 };
    pad(&body, 4 * MIB);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http *http = http_connect(served.port);
        send_text(http,
                  "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s"
                  "Content-Length: %zu\r\n\r\n",
                  rows[i].target, rows[i].key == NULL ? served.key : rows[i].key, rows[i].headers,
                  rows[i].size);
        /* More slowly than an answer would come. */
        if (rows[i].sent)
            assert_true(
                http_send_slowly(http, bytes_of(body.data, rows[i].size), rows[i].size / 4, 20));
        assert_int_equal(read_status(http), rows[i].status);
        assert_true(http_is_closed(http, PATIENCE_MS));
        http_close(http);
    }
    buffer_free(&body);
    served_end(&served);
}

/* Asks until there is an answer: where memory is short, a connection on which nothing has come for a
 * second is ended. */
static struct http *
ask_again(const struct http_request *request, struct http_answer *answer_out)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    for (;;) {
        struct http *http = http_connect(served.port);
        enum http_result result = http_ask(http, request, PATIENCE_MS, answer_out);
        if (result == HTTP_OK)
            return http;
        http_close(http);
        assert_int_equal(result, HTTP_CLOSED);
        assert_true(now_ms() < deadline);
    }
}

/* An event is refused for a while; reading needs no body and goes on. */
static void
assert_no_body_is_taken(void)
{
    struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .body = BYTES(EVENT),
    };
    struct http_answer answer;
    struct http *http = ask_again(&request, &answer);
    assert_int_equal(answer.status, 503);
    assert_retry_after(&answer);
    http_close(http);
    request = (struct http_request){ .target = "/api/trails", .key = served.key };
    http = ask_again(&request, &answer);
    assert_int_equal(answer.status, 200);
    http_close(http);
}

/* A body is taken as soon as what the others took was given back. */
static void
assert_it_is_taken(struct bytes body, const char *headers)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    unsigned status;
    while ((status = post(body, headers)) == 503 && now_ms() < deadline)
        sleep_ms(50);
    assert_int_equal(status, 201);
}

/* What is given back is so a moment after its answer. */
static void
assert_bodies_take(size_t size)
{
    served_await(&served, "tally_bodies_bytes", (double)size);
}

/* Bodies under way count from their head on. */
static void
bodies_may_take_so_much_together(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1", "TALLY_SERVER_BODIES_MIB=3");
    struct buffer whole = { 0 };
    pad(&whole, MIB);
    for (unsigned round = 0; round < 5; round++) {
        struct http *slow[3];
        for (unsigned i = 0; i < 3; i++) {
            slow[i] = http_connect(served.port);
            send_post_head(slow[i], MIB);
            (void)http_send(slow[i], bytes_of(whole.data, 1000));
        }
        assert_bodies_take(3 * MIB);
        assert_no_body_is_taken();
        for (unsigned i = 0; i < 3; i++)
            http_close(slow[i]);

        /* All of it is given back, and the next body, which needs all there is, is taken. */
        assert_bodies_take(0);
        assert_int_equal(post(buffer_view(&whole), NULL), 201);
        assert_bodies_take(0);
    }
    buffer_free(&whole);
    served_end(&served);
}

/* What was refused, for whatever reason, leaves nothing behind in the account. */
static void
what_is_refused_counts_no_longer(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1", "TALLY_SERVER_BODIES_MIB=3");
    static const struct {
        const char *headers;
        struct bytes body;
        unsigned status;
    } rows[] = {
        { NULL, BYTES("{"), 400 },
        { NULL, BYTES("{}"), 400 },
        { NULL, BYTES(""), 400 },
        { NULL, BYTES("[" EVENT "," EVENT "]"), 201 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"a\"}"), 201 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"a\"}"), 200 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"b\"}"), 409 },
        { "Content-Encoding: gzip\r\n", BYTES(EVENT), 400 },
        { "Content-Encoding: zstd\r\n", BYTES(EVENT), 400 },
        { "Content-Encoding: br\r\n", BYTES(EVENT), 415 },
        { "Content-Type: text/plain\r\n", BYTES(EVENT), 415 },
    };
    for (unsigned round = 0; round < 5; round++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            unsigned status = post(rows[i].body, rows[i].headers);
            if (status != rows[i].status && !(rows[i].status == 201 && status == 200))
                fail_msg("row %zu: %u", i, status);
        }
    struct buffer whole = { 0 };
    pad(&whole, MIB);
    assert_bodies_take(0);
    assert_int_equal(post(buffer_view(&whole), NULL), 201);
    buffer_free(&whole);
    served_end(&served);
}

static void
short_of_memory_no_body_is_taken(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_MEMORY_MIB=1");
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (post_event_patiently() == 201 && now_ms() < deadline)
        sleep_ms(50); /* until its memory is looked at */
    assert_no_body_is_taken();
    served_end(&served);
}

#define AT_ONCE 10

/* Sends the same body on many connections; how many are refused. */
static unsigned
send_at_once(struct bytes body, size_t *most_memory)
{
    struct http *open[AT_ONCE];
    for (unsigned i = 0; i < AT_ONCE; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i],
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
                  served.key, body.size);
        (void)http_send(open[i], body);
    }
    unsigned refused = 0;
    for (unsigned i = 0; i < AT_ONCE; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(open[i], HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
        if (answer.status != 201) {
            assert_true(answer.status == 429 || answer.status == 503);
            assert_retry_after(&answer);
            refused++;
        }
        size_t now = served_memory(&served);
        *most_memory = now > *most_memory ? now : *most_memory;
        http_close(open[i]);
    }
    return refused;
}

/* What is made of an event counts, not what its text takes: of these many times as much. Where two
 * are under way at the same moment each may be refused for the other; where none is, which is for the
 * machine to say, they are sent again. */
static void
small_events_count_for_what_they_take(void **state)
{
    (void)state;
    bool sanitized = getenv("TALLY_SANITIZED") != NULL;
    BEGIN(sanitized ? "TALLY_SERVER_MEMORY_MIB=16384" : "TALLY_SERVER_MEMORY_MIB=512");
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 65000; i++)
        buffer_text(&body, "{\"action\":\"a\"}\n");
    int64_t deadline = now_ms() + PATIENCE_MS;
    size_t most = 0;
    unsigned refused;
    while ((refused = send_at_once(buffer_view(&body), &most)) == 0 && now_ms() < deadline)
        continue;
    assert_in_range(refused, 1, AT_ONCE);
    assert_it_is_taken(buffer_view(&body), "Content-Type: application/x-ndjson\r\n");
    print_message("# %u of %u refused; %zu MiB at most\n", refused, AT_ONCE, most / MIB);
    if (!sanitized)
        assert_in_range(most, 0, 350 * MIB);
    buffer_free(&body);
    served_end(&served);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_may_be_so_large),
        cmocka_unit_test(a_refusal_is_heard),
        cmocka_unit_test(bodies_may_take_so_much_together),
        cmocka_unit_test(what_is_refused_counts_no_longer),
        cmocka_unit_test(short_of_memory_no_body_is_taken),
        cmocka_unit_test(small_events_count_for_what_they_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
