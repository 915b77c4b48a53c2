/* hostile_connection_test.c - requests that come in pieces, are cut, or whose sender is gone. */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LINE_SIZE sizeof "POST /api/events HTTP/1.1\r\n"

static void
in_pieces(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    hostile_expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    hostile_expand(bytes_text(CHUNKED "$C"), &text);
    uint64_t before = served_size(&hostile_served);
    struct http *http = http_connect(hostile_served.port);
    assert_true(http_send_slowly(http, buffer_view(&text), 1, 1));
    for (unsigned i = 0; i < 2; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(http, HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
        assert_int_equal(answer.status, 201);
    }
    http_close(http);
    assert_int_equal(served_size(&hostile_served) - before, 2);
    buffer_free(&text);
}

/* Cut at every byte, once by closing the half that sends, once wholly: only a whole request may be
 * stored, and a server that nothing more will reach does not wait for it. */
static void
cut_at_every_byte(void **state)
{
    (void)state;
    static const char *const requests[] = { POST "Content-Length: 20\r\n\r\n$E", CHUNKED "$C" };
    for (size_t i = 0; i < 2; i++) {
        struct buffer text = { 0 };
        struct http *half[1024];
        hostile_expand(bytes_text(requests[i]), &text);
        assert_in_range(text.size, 100, sizeof half / sizeof half[0]);
        uint64_t before = served_size(&hostile_served);
        for (size_t cut = LINE_SIZE; cut < text.size; cut++) {
            half[cut] = http_connect(hostile_served.port);
            assert_true(http_send(half[cut], bytes_of(text.data, cut)));
            http_end_sending(half[cut]);
            struct http *whole = http_connect(hostile_served.port);
            assert_true(http_send(whole, bytes_of(text.data, cut)));
            http_close(whole);
        }
        for (size_t cut = LINE_SIZE; cut < text.size; cut++) {
            struct http_answer answer;
            enum http_result result = http_read(half[cut], HTTP_BODY, PATIENCE_MS, &answer);
            if (result != HTTP_CLOSED && (result != HTTP_OK || answer.status < 400))
                fail_msg("cut behind %zu bytes: %d", cut, (int)result);
            http_close(half[cut]);
        }
        assert_int_equal(served_size(&hostile_served), before);
        buffer_free(&text);
    }
    hostile_check_served("cut at every byte");
}

/* A whole request on a half-closed connection is a request: what is answered is stored, and nothing is
 * twice. One that is not answered may be stored later. */
static void
half_closed_behind_a_request(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    hostile_expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    uint64_t before = served_size(&hostile_served);
    unsigned answered = 0;
    for (unsigned i = 1; i <= 20; i++) {
        struct http *http = http_connect(hostile_served.port);
        struct http_answer answer;
        assert_true(http_send(http, buffer_view(&text)));
        http_end_sending(http);
        enum http_result result = http_read(http, HTTP_BODY, PATIENCE_MS, &answer);
        assert_true(result == HTTP_OK || result == HTTP_CLOSED);
        answered += result == HTTP_OK;
        assert_in_range(served_size(&hostile_served) - before, answered, i);
        http_close(http);
    }
    buffer_free(&text);
}

/* Gone while the commit is under way: what was begun is stored or not, and nothing is left over. */
static void
gone_before_the_answer(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    hostile_expand(bytes_text(POST "Content-Length: 20\r\n\r\n$E"), &text);
    uint64_t before = served_size(&hostile_served);
    for (unsigned i = 0; i < 200; i++) {
        struct http *http = http_connect(hostile_served.port);
        assert_true(http_send(http, buffer_view(&text)));
        http_close(http);
    }
    hostile_check_served("gone before the answer");
    assert_in_range(served_size(&hostile_served) - before, 0, 200);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(half_closed_behind_a_request),
        cmocka_unit_test(gone_before_the_answer),
    };
    return cmocka_run_group_tests(tests, hostile_begin, hostile_end);
}
