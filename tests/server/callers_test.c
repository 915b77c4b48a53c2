/*
 * callers_test.c - what a request says of who asks: its id, its key, and how often it comes with one.
 */
#include "askers.h"
#include "must.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>

#include <cmocka.h>

static unsigned
count_headers(const struct http_answer *answer, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < answer->header_count; i++)
        count += answer->headers[i].name.size == strlen(name) &&
                 strncasecmp((const char *)answer->headers[i].name.data, name, strlen(name)) == 0;
    return count;
}

static void
a_request_id_is_kept_if_it_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        bool kept;
    } rows[] = {
        { "abc-123", true },
        { "A.b_c:d-9", true },
        { "0123456789012345678901234567890123456789012345678901234567890123", true },
        { "01234567890123456789012345678901234567890123456789012345678901234", false },
        { "", false },
        { "a b", false },
        { "a\"b", false },
        { "<b>", false },
        { "\xc3\xa4", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128];
        (void)snprintf(header, sizeof header, "X-Request-Id: %s\r\n", rows[i].sent);
        struct talk exchange;
        talk_begin(&stage, &(struct http_request){ .target = "/api/events", .headers = header },
                   &exchange);
        struct bytes id = http_header(&exchange.answer, "X-Request-Id");
        if (rows[i].kept != bytes_is(id, rows[i].sent))
            fail_msg("\"%s\" became \"%.*s\"", rows[i].sent, BYTES_ARG(id));
        check_headers(&exchange.answer, "/api/events");
        talk_end(&exchange);
    }
}

static void
a_key_is_taken_from_its_header_only(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind; /* of the key, in a header line */
        unsigned status;
    } rows[] = {
        { "Authorization: Bearer ", "", 200 },
        { "Authorization: bearer   ", "", 200 },
        { "authorization: BEARER ", " ", 200 },
        { "Authorization: ", "", 401 },
        { "Authorization: Basic ", "", 401 },
        { "Authorization: Bearer", "", 401 },
        { "Authorization: Bearer ", "A", 401 },
        { "Authorization: Bearer x ", "", 401 },
        { "X-Api-Key: ", "", 401 },
        { "Cookie: session=", "", 401 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[256];
        (void)snprintf(header, sizeof header, "%s%s%s\r\n", rows[i].before, stage.admin,
                       rows[i].behind);
        expect_status(&(struct http_request){ .target = "/api/events", .headers = header },
                      rows[i].status);
    }
}

/* Asks until that is too often, with what is allowed `limit` times at once and as often again in a
 * minute; the refusal is the caller's to end. */
static void
ask_until_refused(const struct http_request *request, unsigned allowed, int64_t limit,
                  struct talk *refusal_out)
{
    int64_t begun = now_ms();
    for (int64_t count = 0;; count++) {
        talk_begin(&stage, request, refusal_out);
        if (refusal_out->answer.status == 429) {
            assert_true(count >= limit);
            return;
        }
        assert_int_equal(refusal_out->answer.status, allowed);
        assert_true(count < limit + (now_ms() - begun) * limit / 60000);
        talk_end(refusal_out);
    }
}

static void
an_address_that_tries_keys_has_to_wait(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    stage_start(&stage, (const char *const[]){ "TALLY_ACCESS_FAILURES_PER_MINUTE=3",
                                               "TALLY_ACCESS_REQUESTS_PER_MINUTE=5", NULL });
    /* Without a key nothing is tried. */
    for (unsigned i = 0; i < 5; i++)
        expect_status(&(struct http_request){ .target = "/api/events" }, 401);
    struct talk exchange;
    ask_until_refused(
        &(struct http_request){ .target = "/api/events", .key = askers[WRONG_KEY].key }, 401, 3,
        &exchange);
    assert_int_equal(count_headers(&exchange.answer, "Retry-After"), 1);
    assert_non_null(http_header(&exchange.answer, "RateLimit").data);
    talk_end(&exchange);
}

static void
a_key_that_asks_too_often_has_to_wait(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    stage_start(&stage, (const char *const[]){ "TALLY_ACCESS_REQUESTS_PER_MINUTE=5", NULL });
    const struct http_request request = { .target = "/api/trails", .key = askers[AUDITOR].key };
    struct talk exchange;
    ask_until_refused(&request, 200, 5, &exchange);
    assert_int_equal(count_headers(&exchange.answer, "Retry-After"), 1);
    struct bytes after = http_header(&exchange.answer, "Retry-After");
    assert_true(after.size > 0 && !bytes_is(after, "0"));
    talk_end(&exchange);
    expect_status(&(struct http_request){ .target = "/api/trails", .key = stage.admin }, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_id_is_kept_if_it_is_one),
        cmocka_unit_test(a_key_is_taken_from_its_header_only),
        cmocka_unit_test(an_address_that_tries_keys_has_to_wait),
        cmocka_unit_test(a_key_that_asks_too_often_has_to_wait),
    };
    return cmocka_run_group_tests(tests, askers_set_up, askers_tear_down);
}
