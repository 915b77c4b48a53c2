/*
 * absent_test.c - what is not there: paths, methods and entries; and what one may not see, of which
 * the answer says no more.
 */
#include "askers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void
unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api",
        "/api/",
        "/api/events/",
        "/api/event",
        "/api/events/1/x",
        "/api//events",
        "/API/events",
        "/api/events/1/proof/",
        "/favicon.ico",
        "/.git/config",
        "/api/keys/1/rotate/x",
        "/trails/main",
        "/trails//checkpoint",
        "/livez/x",
        "/api/events/1/proof/x/y/z",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        for (unsigned asker = 0; asker < ASKERS; asker += ADMIN) {
            expect_status(&(struct http_request){ .target = paths[i], .key = askers[asker].key },
                          404);
            expect_status(&(struct http_request){ .method = "POST",
                                                  .target = paths[i],
                                                  .key = askers[asker].key },
                          404);
        }
}

static bool
pattern_has(const char *pattern, enum method method)
{
    for (size_t i = 0; i < route_count; i++)
        if (strcmp(routes[i].pattern, pattern) == 0 && routes[i].method == method)
            return true;
    return false;
}

static bool
list_has(struct bytes list, const char *word)
{
    char text[128];
    assert_true(list.size + 4 < sizeof text);
    (void)snprintf(text, sizeof text, ", %.*s,", BYTES_ARG(list));
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, ", %s,", word);
    return strstr(text, wanted) != NULL;
}

static void
refuse_method(const struct route *route, const char *method)
{
    char target[256] = "";
    fill_pattern(route->pattern, target, sizeof target);
    const struct http_request request = { .method = method, .target = target };
    struct talk exchange;
    talk_begin(&stage, &request, &exchange);
    check_headers(&exchange.answer, target);
    struct bytes allow = http_header(&exchange.answer, "Allow");
    if (exchange.answer.status != 405 || allow.data == NULL)
        fail_msg("%s %s: status %u", method, target, exchange.answer.status);
    assert_true(list_has(allow, "GET") == pattern_has(route->pattern, METHOD_GET));
    assert_true(list_has(allow, "HEAD") == pattern_has(route->pattern, METHOD_GET));
    assert_true(list_has(allow, "POST") == pattern_has(route->pattern, METHOD_POST));
    assert_true(list_has(allow, "DELETE") == pattern_has(route->pattern, METHOD_DELETE));
    talk_end(&exchange);
}

static void
wrong_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        refuse_method(&routes[i], "PUT");
        refuse_method(&routes[i], "PATCH");
        refuse_method(&routes[i], "OPTIONS");
        refuse_method(&routes[i], "TRACE");
        refuse_method(&routes[i], "get");
        if (!pattern_has(routes[i].pattern, METHOD_POST))
            refuse_method(&routes[i], "POST");
        if (!pattern_has(routes[i].pattern, METHOD_DELETE))
            refuse_method(&routes[i], "DELETE");
        if (!pattern_has(routes[i].pattern, METHOD_GET))
            refuse_method(&routes[i], "GET");
    }
}

/* Asks the same of two trails and expects one answer, byte for byte but for the time. */
static void
expect_alike(const struct http_request *a, const struct http_request *b, unsigned status)
{
    struct talk first, second;
    talk_begin(&stage, a, &first);
    talk_begin(&stage, b, &second);
    if (first.answer.status != status)
        fail_msg("%s: status %u, not %u", a->target, first.answer.status, status);
    assert_int_equal(second.answer.status, status);
    assert_int_equal(first.answer.header_count, second.answer.header_count);
    for (size_t i = 0; i < first.answer.header_count; i++) {
        const struct http_header *x = &first.answer.headers[i], *y = &second.answer.headers[i];
        assert_true(bytes_equal(x->name, y->name));
        if (!bytes_is(x->name, "Date"))
            assert_true(bytes_equal(x->value, y->value));
    }
    assert_true(bytes_equal(first.answer.body, second.answer.body));
    talk_end(&first);
    talk_end(&second);
}

#define SAME_ID "X-Request-Id: r-1\r\n"

static void
a_trail_one_may_not_use_is_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *hidden, *absent;
    } targets[] = {
        { "/api/events?trail=main", "/api/events?trail=none" },
        { "/api/events", "/api/events?trail=none" },
        { "/api/events?trail=tally", "/api/events?trail=none" },
        { "/api/events?trail=main&q=(", "/api/events?trail=none&q=(" },
        { "/api/events?trail=main&limit=0", "/api/events?trail=none&limit=0" },
        { "/api/events?trail=main&cursor=x", "/api/events?trail=none&cursor=x" },
        { "/api/events/1?trail=main", "/api/events/1?trail=none" },
        { "/api/events/999?trail=main", "/api/events/1?trail=none" },
        { "/api/events/1/proof?trail=main", "/api/events/1/proof?trail=none" },
        { "/api/events/1/around?trail=main", "/api/events/1/around?trail=none" },
        { "/api/stats?trail=main", "/api/stats?trail=none" },
        { "/api/export?trail=main", "/api/export?trail=none" },
        { "/api/verify?trail=main", "/api/verify?trail=none" },
        { "/api/trails/main", "/api/trails/none" },
        { "/trails/main/checkpoint", "/trails/none/checkpoint" },
        { "/api/logs?trail=main", "/api/logs?trail=none" },
        { "/audit-logs?trail=main", "/audit-logs?trail=none" },
        { "/audit-logs/user/u1?trail=main", "/audit-logs/user/u1?trail=none" },
        { "/api/trails/main", "/api/trails/no%2Fname" },
        { "/api/trails/main", "/api/trails/UPPER" },
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const char *key = askers[AUDITOR_OF_OTHER].key;
        bool filtered = strstr(targets[i].hidden, "limit=0") != NULL;
        expect_alike(
            &(struct http_request){ .target = targets[i].hidden, .key = key, .headers = SAME_ID },
            &(struct http_request){ .target = targets[i].absent, .key = key, .headers = SAME_ID },
            filtered ? 400 : 404);
    }
    static const char *const writes[] = { "main", "tally", "open" };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/api/events?trail=%s", writes[i]);
        struct http_request hidden = {
            .method = "POST",
            .target = target,
            .key = askers[WRITER_OF_OTHER].key,
            .headers = SAME_ID "Content-Type: application/json\r\n",
            .body = bytes_text(EVENT),
        };
        struct http_request absent = hidden;
        absent.target = "/api/events?trail=none";
        expect_alike(&hidden, &absent, 404);
        hidden.body = absent.body = bytes_text("[{]");
        expect_alike(&hidden, &absent, 404);
    }
    /* The key's own trail is there. */
    expect_status(&(struct http_request){ .target = "/api/events?trail=other",
                                          .key = askers[AUDITOR_OF_OTHER].key },
                  200);
    expect_status(&(struct http_request){ .method = "POST",
                                          .target = "/api/events?trail=other",
                                          .key = askers[WRITER_OF_OTHER].key,
                                          .headers = "Content-Type: application/json\r\n",
                                          .body = bytes_text(EVENT) },
                  201);
}

static void
an_entry_that_is_not_there(void **state)
{
    (void)state;
    static const char *const ends[] = { "", "/proof", "/around" };
    static const char *const numbers[] = { "999999", "18446744073709551615",   "x", "-1",
                                           "1x",     "99999999999999999999999" };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (size_t j = 0; j < sizeof numbers / sizeof numbers[0]; j++) {
            char target[128];
            (void)snprintf(target, sizeof target, "/api/events/%s%s", numbers[j], ends[i]);
            expect_status(&(struct http_request){ .target = target, .key = askers[AUDITOR].key },
                          404);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_paths),
        cmocka_unit_test(wrong_methods),
        cmocka_unit_test(a_trail_one_may_not_use_is_not_there),
        cmocka_unit_test(an_entry_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, askers_set_up, askers_tear_down);
}
