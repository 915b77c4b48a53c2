#include "problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

/* Writes it and reads it back strictly. */
static json_t *
written(const struct problem *problem)
{
    struct buffer out = { 0 };
    problem_write(problem, &out);
    assert_false(buffer_failed(&out));
    json_error_t error;
    json_t *root = json_loadb((const char *)out.data, out.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("%s: %.*s", error.text, BYTES_ARG(buffer_view(&out)));
    buffer_free(&out);
    return root;
}

static void
assert_text(const json_t *object, const char *name, const char *text)
{
    const json_t *value = json_object_get(object, name);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), text);
}

static void
the_whole_document(void **state)
{
    (void)state;
    struct problem_error errors[] = {
        { .position = 1, .line = 3, .column = 5, .pointer = "/1/status", .detail = "no status" },
        { .position = PROBLEM_NO_POSITION, .detail = "somewhere" },
    };
    struct problem problem = {
        .status = 400,
        .detail = "nothing was stored",
        .request_id = "r-1",
        .error_count = 2,
        .errors = errors,
    };
    json_t *expected = json_pack("{s:s, s:s, s:i, s:s, s:s, s:[{s:i, s:i, s:i, s:s, s:s}, {s:s}]}",
                                 "type", "about:blank", "title", "Bad Request", "status", 400,
                                 "detail", "nothing was stored", "request_id", "r-1", "errors",
                                 "position", 1, "line", 3, "column", 5, "pointer", "/1/status",
                                 "detail", "no status", "detail", "somewhere");
    json_t *root = written(&problem);
    assert_true(json_equal(root, expected));
    json_decref(root);
    json_decref(expected);
}

/* Each of an error's places is there exactly when it is known. */
static void
only_what_is_known(void **state)
{
    (void)state;
    for (unsigned known = 0; known < 16; known++) {
        struct problem_error error = {
            .position = known & 1 ? 0 : PROBLEM_NO_POSITION,
            .line = known & 2 ? INT64_MAX : 0,
            .column = known & 4 ? UINT32_MAX : 0,
            .pointer = known & 8        ? "/"
                       : known % 2 == 0 ? ""
                                        : NULL,
            .detail = "d",
        };
        struct problem problem = {
            .status = 400,
            .detail = "d",
            .error_count = 1,
            .errors = &error,
        };
        json_t *root = written(&problem);
        const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
        assert_int_equal(json_object_get(first, "position") != NULL, (known & 1) != 0);
        assert_int_equal(json_object_get(first, "line") != NULL, (known & 2) != 0);
        assert_int_equal(json_object_get(first, "column") != NULL, (known & 4) != 0);
        assert_int_equal(json_object_get(first, "pointer") != NULL, (known & 8) != 0);
        assert_int_equal(json_object_size(first), 1 + (unsigned)__builtin_popcount(known));
        assert_null(json_object_get(root, "request_id"));
        json_decref(root);
    }
}

static void
a_missing_role_says_how_to_get_it(void **state)
{
    (void)state;
    struct problem problem = {
        .status = 403,
        .detail = "d",
        .role = "writer",
        .command = "tally key DIR add",
    };
    json_t *root = written(&problem);
    assert_text(root, "role", "writer");
    assert_text(root, "command", "tally key DIR add");
    assert_text(root, "title", "Forbidden");
    json_decref(root);

    problem.role = problem.command = NULL;
    root = written(&problem);
    assert_null(json_object_get(root, "role"));
    assert_null(json_object_get(root, "command"));
    assert_null(json_object_get(root, "errors"));
    json_decref(root);
}

/* Every byte, alone and within a text, in every place where texts of others can stand. */
static void
any_bytes_give_strict_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *back;
        const char *why;
    } rows[] = {
        { "a \"b\" \\ /", "a \"b\" \\ /", "quotes and backslashes" },
        { "a\nb\tc\x01\x7f", "a\nb\tc\x01\x7f", "control characters" },
        { "\xc3\xa4\xf0\x9f\x92\xa9", "\xc3\xa4\xf0\x9f\x92\xa9", "UTF-8" },
        { "a\xc3", "a\xef\xbf\xbd", "cut within a character" },
        { "\xffz\xfe", "\xef\xbf\xbdz\xef\xbf\xbd", "no UTF-8 at either end" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "a surrogate" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problem_error error = { .pointer = rows[i].text, .detail = rows[i].text };
        struct problem problem = {
            .status = 409,
            .detail = rows[i].text,
            .request_id = rows[i].text,
            .error_count = 1,
            .errors = &error,
        };
        json_t *root = written(&problem);
        const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
        assert_text(root, "detail", rows[i].back);
        assert_text(root, "request_id", rows[i].back);
        assert_text(first, "pointer", rows[i].back);
        assert_text(first, "detail", rows[i].back);
        json_decref(root);
    }
    for (unsigned byte = 1; byte < 256; byte++) {
        char text[4] = { 'a', (char)byte, 'b', 0 };
        struct problem problem = { .status = 500, .detail = text, .request_id = text };
        json_decref(written(&problem));
    }
}

static void
titles(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *title;
        const char *why;
    } rows[] = {
        { 400, "Bad Request", "the first" },
        { 413, "Content Too Large", "its name since RFC 9110" },
        { 429, "Too Many Requests", "of RFC 6585" },
        { 507, "Insufficient Storage", "of RFC 4918" },
        { 418, "Unknown", "none of ours" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problem problem = { .status = rows[i].status, .detail = "d" };
        json_t *root = written(&problem);
        if (strcmp(json_string_value(json_object_get(root, "title")), rows[i].title) != 0)
            fail_msg("%s", rows[i].why);
        assert_int_equal(json_integer_value(json_object_get(root, "status")), rows[i].status);
        json_decref(root);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_document),
        cmocka_unit_test(only_what_is_known),
        cmocka_unit_test(a_missing_role_says_how_to_get_it),
        cmocka_unit_test(any_bytes_give_strict_json),
        cmocka_unit_test(titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
