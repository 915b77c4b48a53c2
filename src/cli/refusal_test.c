#include "refusal.h"

#include "outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PROBLEM_TYPE "application/problem+json"

static struct refusal
read_refusal(unsigned code, const char *type, const char *body)
{
    struct refusal refusal;
    assert_int_equal(refusal_read(code, bytes_text(type), bytes_text(body), &refusal), TALLY_OK);
    assert_int_equal(refusal.code, code);
    return refusal;
}

/* Every refusal ends a command as the same refusal does on a folder; none is a verdict. */
static void
codes_end_commands(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        int outcome;
    } rows[] = {
        { 400, MISUSED },   { 409, MISUSED }, { 413, MISUSED }, { 414, MISUSED }, { 415, MISUSED },
        { 404, NOT_THERE }, /* of a trail: the caller knows better */
        { 401, UNABLE },    { 403, UNABLE },  { 405, UNABLE },  { 429, UNABLE },  { 500, UNABLE },
        { 502, UNABLE },    { 503, UNABLE },  { 507, UNABLE },  { 302, UNABLE },  { 600, UNABLE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal = read_refusal(rows[i].code, PROBLEM_TYPE, "{\"detail\":\"no\"}");
        assert_int_equal(outcome_of(refusal.error.status), rows[i].outcome);
        assert_string_equal(refusal.error.text, "no");
    }
    for (unsigned code = 0; code < 1000; code++) {
        struct refusal refusal = read_refusal(code, PROBLEM_TYPE, "{}");
        assert_int_not_equal(outcome_of(refusal.error.status), DONE);
        assert_int_not_equal(outcome_of(refusal.error.status), DISPROVED);
    }
}

static void
places_come_through(void **state)
{
    (void)state;
    struct refusal refusal = read_refusal(
        400, PROBLEM_TYPE "; charset=utf-8",
        "{\"detail\":\"2 events are refused\",\"errors\":[{\"line\":3,\"column\":7,\"position\":2,"
        "\"pointer\":\"/a~1b/\\u0022\",\"detail\":\"a number is wanted\"},{\"line\":9}]}");
    assert_int_equal(refusal.error.line, 3);
    assert_int_equal(refusal.error.column, 7);
    assert_int_equal(refusal.position, 2);
    assert_string_equal(refusal.error.pointer, "/a~1b/\"");
    assert_string_equal(refusal.error.text, "a number is wanted");
    assert_true(refusal.index == REFUSAL_UNKNOWN);

    refusal = read_refusal(409, PROBLEM_TYPE,
                           "{\"errors\":[{\"position\":0,\"index\":41,\"pointer\":\"/id\"}]}");
    assert_int_equal(refusal.index, 41);
    assert_int_equal(refusal.position, 0);
    assert_string_equal(refusal.error.text, "refused with status 409");

    refusal = read_refusal(400, PROBLEM_TYPE, "{\"title\":\"Bad Request\",\"errors\":[]}");
    assert_string_equal(refusal.error.text, "Bad Request");
    assert_true(refusal.position == REFUSAL_UNKNOWN);
}

static void
a_missing_role_is_said_with_its_cure(void **state)
{
    (void)state;
    struct refusal refusal = read_refusal(
        403, PROBLEM_TYPE,
        "{\"detail\":\"not with this key\",\"role\":\"writer\",\"command\":\"tally key DIR add\"}");
    assert_string_equal(refusal.error.text,
                        "not with this key; the role writer would do: on the server's machine, "
                        "`tally key DIR add` makes such a key");
}

static void
strangers_are_a_fault(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *body;
    } rows[] = {
        { "text/html", "<h1>Bad Request</h1>" },
        { "application/json", "{\"detail\":\"of another product\"}" },
        { "", "" },
        { PROBLEM_TYPE, "" },
        { PROBLEM_TYPE, "{\"detail\":" },
        { PROBLEM_TYPE, "[]" },
        { PROBLEM_TYPE, "{\"detail\":\"a\",\"detail\":\"b\"}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal = read_refusal(404, rows[i].type, rows[i].body);
        assert_int_equal(refusal.error.status, TALLY_IO);
        assert_int_equal(outcome_of(refusal.error.status), UNABLE);
    }
    /* Members of other kinds are as if they were not there. */
    struct refusal refusal = read_refusal(400, PROBLEM_TYPE,
                                          "{\"detail\":7,\"errors\":[{\"line\":-1,\"position\":1.5,"
                                          "\"pointer\":{},\"column\":\"x\"}]}");
    assert_int_equal(refusal.error.status, TALLY_INVALID);
    assert_int_equal(refusal.error.line, 0);
    assert_true(refusal.position == REFUSAL_UNKNOWN);
    assert_string_equal(refusal.error.text, "refused with status 400");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_end_commands),
        cmocka_unit_test(places_come_through),
        cmocka_unit_test(a_missing_role_is_said_with_its_cure),
        cmocka_unit_test(strangers_are_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
