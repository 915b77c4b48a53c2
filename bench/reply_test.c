#include "reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "HTTP/1.1 201 Created\r\nX: y\r\ncontent-length: 12\r\n\r\n"

static void
reads_a_whole_reply(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(reply_read(bytes_text(HEAD "{\"count\":17}"), &reply), REPLY_WHOLE);
    assert_int_equal(reply.status, 201);
    assert_int_equal(reply.size, sizeof HEAD - 1 + 12);
    uint64_t count;
    assert_true(reply_number(reply.body, "count", &count));
    assert_int_equal(count, 17);
    assert_false(reply_number(reply.body, "coun", &count));
}

/* Cut anywhere, it asks for more. */
static void
waits_for_the_rest(void **state)
{
    (void)state;
    static const char text[] = HEAD "{\"count\":17}";
    struct reply reply;
    for (size_t size = 0; size < sizeof text - 1; size++)
        assert_int_equal(reply_read(bytes_of(text, size), &reply), REPLY_PARTIAL);
}

static void
refuses_what_it_cannot_measure(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", /* no length */
        "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",              /* no status */
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",          /* no number */
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",                           /* not HTTP */
    };
    struct reply reply;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(reply_read(bytes_text(texts[i]), &reply), REPLY_BROKEN);
}

static void
an_empty_answer_needs_no_length(void **state)
{
    (void)state;
    struct reply reply;
    assert_int_equal(reply_read(bytes_text("HTTP/1.1 204 No Content\r\n\r\n"), &reply),
                     REPLY_WHOLE);
    assert_int_equal(reply.body.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_reply),
        cmocka_unit_test(waits_for_the_rest),
        cmocka_unit_test(refuses_what_it_cannot_measure),
        cmocka_unit_test(an_empty_answer_needs_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
