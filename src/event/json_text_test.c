#include "json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char text[] =
    "{\"\":0,\"a\":{\"b\":[10,{\"c\":\"x}\\\"]\"},[]]},\"a.b\":true,\"n\\n\":-1.5e9}";

static void
paths_lead_to_values(void **state)
{
    static const struct {
        const char *path[4];
        const char *token;
    } rows[] = {
        { { NULL }, text },
        { { "" }, "0" },
        { { "a", "b", "0" }, "10" },
        { { "a", "b", "1", "c" }, "\"x}\\\"]\"" },
        { { "a", "b", "2" }, "[]" },
        { { "a.b" }, "true" },
        { { "n\n" }, "-1.5e9" },
        { { "n\\n" }, NULL }, /* names are given decoded */
        { { "a", "b", "3" }, NULL },
        { { "a", "b", "00" }, NULL }, /* RFC 6901: no leading zeros */
        { { "a", "b", "x" }, NULL },
        { { "a", "b", "0", "x" }, NULL }, /* below a number there is nothing */
        { { "b" }, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes names[4];
        size_t count = 0;
        for (; count < 4 && rows[i].path[count] != NULL; count++)
            names[count] = bytes_text(rows[i].path[count]);
        struct bytes value = { 0 };
        bool found = json_path_find(bytes_text(text), names, count, &value);
        assert_int_equal(found, rows[i].token != NULL);
        if (found)
            assert_true(bytes_is(value, rows[i].token));
    }
}

/* Walks everything below a value; returns how many values there were. */
static unsigned
walk(struct bytes value)
{
    unsigned count = 1;
    size_t at = 0;
    struct bytes name, inner;
    while (json_text_next(value, &at, &name, &inner))
        count += walk(inner);
    return count;
}

/* Cut or flipped anywhere, the walk ends and stays inside (a sanitizer watches the copy). */
static void
damage_is_survived(void **state)
{
    (void)state;
    size_t size = sizeof text - 1;
    assert_int_equal(walk(bytes_of(text, size)), 10);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, text, cut);
        (void)walk(bytes_of(copy, cut));
        free(copy);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, text, size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)walk(bytes_of(copy, size));
        free(copy);
    }
}

static void
strings_are_decoded(void **state)
{
    static const struct {
        const char *inside;
        const char *value; /* NULL: not valid */
    } rows[] = {
        { "", "" },
        { "plain", "plain" },
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "a\\u00e9b\\ud83d\\ude00c", "a\xc3\xa9"
                                      "b\xf0\x9f\x98\x80"
                                      "c" },
        { "\\", NULL },
        { "\\x", NULL },
        { "\\u12", NULL },
        { "\\ud800", NULL },
        { "\\ud800\\ud800", NULL },
        { "\\udc00", NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[64];
        size_t size = json_text_decode(bytes_text(rows[i].inside), out);
        assert_int_equal(size == SIZE_MAX, rows[i].value == NULL);
        if (size != SIZE_MAX)
            assert_true(bytes_is(bytes_of(out, size), rows[i].value));
    }
    uint8_t nul[6];
    assert_int_equal(json_text_decode(bytes_text("\\u0000"), nul), 1);
    assert_int_equal(nul[0], 0);
}

static void
where_strings_and_values_end(void **state)
{
    static const struct {
        const char *text;
        size_t string;
        size_t value;
    } rows[] = {
        { "\"a\"b", 3, 3 },      { "\"\\\"\",", 4, 4 }, { "\"a", 0, 0 },   { "\"\xff\"", 0, 0 },
        { "\"\n\"", 0, 0 },      { "12,", 0, 2 },       { "true}", 0, 4 }, { "{\"}\":1}}", 0, 7 },
        { "[[],\"]\"]]", 0, 8 }, { "[", 0, 0 },         { "", 0, 0 },      { "]", 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool escaped;
        assert_int_equal(json_text_string(bytes_text(rows[i].text), &escaped), rows[i].string);
        assert_int_equal(json_text_value(bytes_text(rows[i].text)), rows[i].value);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(where_strings_and_values_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
