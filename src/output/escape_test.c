#include "escape.h"

#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
assert_view(const struct buffer *buffer, struct bytes expected, const char *why)
{
    assert_false(buffer_failed(buffer));
    if (!bytes_equal(buffer_view(buffer), expected))
        fail_msg("%s: got \"%.*s\"", why, (int)buffer->size, (const char *)buffer->data);
}

static void
texts_for_a_terminal(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *shown;
        const char *why;
    } rows[] = {
        { BYTES(""), "", "nothing" },
        { BYTES("plain text"), "plain text", "printable ASCII stays" },
        { BYTES("Grüße, 世界 🦊"), "Grüße, 世界 🦊", "letters of all scripts stay" },
        { BYTES("a\tb\r\nc"), "a\\tb\\r\\nc", "the usual controls by their names" },
        { BYTES("\x1b[2J"), "\\u001b[2J", "a terminal's command" },
        { BYTES("a\0b"), "a\\u0000b", "NUL" },
        { BYTES("\x7f"), "\\u007f", "DEL" },
        { BYTES("\xc2\x9b"), "\\u009b", "C1: the one-byte command introducer" },
        { BYTES("\xe2\x80\xae"), "\\u202e", "right-to-left override" },
        { BYTES("\xe2\x81\xa6x\xe2\x81\xa9"), "\\u2066x\\u2069", "isolates" },
        { BYTES("\xd8\x9c"), "\\u061c", "Arabic letter mark" },
        { BYTES("\xe2\x80\xa8"), "\\u2028", "line separator" },
        { BYTES("\xe2\x80\x8b"), "\\u200b", "zero-width space" },
        { BYTES("\xef\xbb\xbfx"), "\\ufeffx", "byte order mark" },
        { BYTES("\xf3\xa0\x81\xa1"), "\\U000e0061", "a tag, beyond the basic plane" },
        { BYTES("\xe2\x80\x8d"), "\xe2\x80\x8d", "joiner: emoji are spelled with it" },
        { BYTES("C:\\temp\\new"), "C:\\temp\\new", "a backslash stays, so that paths can be read" },
        { BYTES("\xff\xc3"), "\\xff\\xc3", "bytes that are no UTF-8" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = { 0 };
        escape_text(rows[i].text, &out);
        assert_view(&out, bytes_text(rows[i].shown), rows[i].why);
        buffer_free(&out);
    }
}

static void
strings_of_json(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *json;
        const char *why;
    } rows[] = {
        { BYTES(""), "\"\"", "nothing" },
        { BYTES("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"", "what JSON escapes anyway" },
        { BYTES("\xc3\xbc"), "\"\xc3\xbc\"", "letters stay" },
        { BYTES("\x7f"), "\"\\u007f\"", "DEL, which JSON would allow" },
        { BYTES("\xc2\x85\xe2\x80\xae\xc3\xbc"), "\"\\u0085\\u202e\xc3\xbc\"", "C1 and override" },
        { BYTES("\xf3\xa0\x80\x81"), "\"\\udb40\\udc01\"", "a tag, as a pair of surrogates" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = { 0 };
        escape_json_string(rows[i].text, &out);
        assert_view(&out, bytes_text(rows[i].json), rows[i].why);
        buffer_free(&out);
    }
}

static void
json_values_keep_everything_else(void **state)
{
    (void)state;
    struct buffer out = { 0 };
    escape_json((struct bytes)BYTES("{\"a\xe2\x80\xae\":[1.10,\"\xe2\x80\xa9\",\"\\u202e\"]}"),
                &out);
    assert_view(&out, (struct bytes)BYTES("{\"a\\u202e\":[1.10,\"\\u2029\",\"\\u202e\"]}"),
                "object");
    buffer_free(&out);
}

/* Over all of Unicode: what needs it comes out as ASCII, everything else comes out as it was. */
static void
every_code_point(void **state)
{
    (void)state;
    unsigned escapes = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        uint8_t text[16];
        size_t size = utf8_encode(c, text);
        struct buffer out = { 0 };
        escape_text(bytes_of(text, size), &out);
        if (escape_needed(c)) {
            escapes++;
            for (size_t i = 0; i < out.size; i++)
                assert_in_range(out.data[i], 0x20, 0x7e);
        } else {
            assert_true(bytes_equal(buffer_view(&out), bytes_of(text, size)));
        }
        buffer_free(&out);
    }
    /* The sizes of the ranges in the header's list. */
    assert_int_equal(escapes, 32 + 33 + 1 + 1 + 2 + 7 + 16 + 1 + 3 + 128);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_for_a_terminal),
        cmocka_unit_test(strings_of_json),
        cmocka_unit_test(json_values_keep_everything_else),
        cmocka_unit_test(every_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
