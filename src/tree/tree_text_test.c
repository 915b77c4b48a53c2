#include "tree_text.h"

#include "base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* text_is_base64() looks at 64 characters at a time; decoding all at once is the plain way. */
static void
assert_same_verdict(const char *text, size_t size)
{
    uint8_t decoded[256];
    size_t decoded_size;
    bool expected =
        size > 0 && base64_decode(bytes_of(text, size), decoded, sizeof decoded, &decoded_size);
    assert_int_equal(text_is_base64(bytes_of(text, size)), expected);
}

static void
long_base64_is_judged_as_if_decoded(void **state)
{
    (void)state;
    static const uint8_t zeros[200];
    char text[BASE64_SIZE(sizeof zeros)];
    for (size_t count = 0; count <= sizeof zeros; count++) {
        base64_encode(zeros, count, text);
        size_t size = BASE64_SIZE(count);
        assert_same_verdict(text, size);
        assert_int_equal(text_is_base64(bytes_of(text, size)), count > 0);
        /* Anything that is no digit, anywhere; cuts too. */
        for (size_t i = 0; i < size; i++) {
            static const char others[] = "=B-\n";
            assert_same_verdict(text, i);
            char digit = text[i];
            for (size_t j = 0; j < sizeof others; j++) {
                text[i] = others[j];
                assert_same_verdict(text, size);
            }
            text[i] = digit;
        }
    }
    /* Padding at the end of a piece, with more behind it. */
    memset(text, 'A', sizeof text);
    text[63] = '=';
    assert_same_verdict(text, 68);
    text[62] = '=';
    assert_same_verdict(text, 128);
}

static void
decimals_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        uint64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "7", true, 7 },
        { "10", true, 10 },
        { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "9999999999999999999", false, 0 },
        { "10000000000000000000", false, 0 },
        { "", false, 0 },
        { "00", false, 0 },
        { "01", false, 0 },
        { "-1", false, 0 },
        { " 1", false, 0 },
        { "1a", false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 99;
        assert_int_equal(text_decimal(bytes_text(rows[i].text), &value), rows[i].valid);
        assert_int_equal(value, rows[i].valid ? rows[i].value : 99);
        if (!rows[i].valid)
            continue;
        char again[20];
        struct text_out out = { .data = again, .capacity = sizeof again };
        text_put_decimal(&out, value);
        assert_true(bytes_is(bytes_of(again, out.size), rows[i].text));
    }
}

static void
what_does_not_fit_is_remembered(void **state)
{
    (void)state;
    char data[8];
    struct text_out out = { .data = data, .capacity = 6 };
    memset(data, '#', sizeof data);
    text_put(&out, bytes_text("abcd"));
    text_put_base64(&out, bytes_text("x"));
    assert_true(out.overflow);
    text_put(&out, bytes_text("e"));
    assert_int_equal(out.size, 4);
    assert_memory_equal(data, "abcd####", 8);
}

static void
lines_come_off_the_front(void **state)
{
    (void)state;
    struct bytes rest = bytes_text("one\n\nend"), line;
    assert_true(text_take_line(&rest, &line));
    assert_true(bytes_is(line, "one"));
    assert_true(text_take_line(&rest, &line));
    assert_true(bytes_is(line, ""));
    assert_false(text_take_line(&rest, &line));
    assert_false(text_take_prefix(&rest, bytes_text("ends")));
    assert_true(text_take_prefix(&rest, bytes_text("en")));
    assert_true(bytes_is(rest, "d"));
    rest = bytes_of(NULL, 0);
    assert_false(text_take_line(&rest, &line));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_base64_is_judged_as_if_decoded),
        cmocka_unit_test(decimals_have_one_spelling),
        cmocka_unit_test(what_does_not_fit_is_remembered),
        cmocka_unit_test(lines_come_off_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
