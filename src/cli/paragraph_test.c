#include "paragraph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *words;
    struct paragraph_place place;
    const char *text;
} rows[] = {
    { "", { 0, 0, 10 }, "\n" },
    { "one", { 0, 0, 10 }, "one\n" },
    { "one two to", { 0, 0, 10 }, "one two to\n" }, /* as long as a line may be */
    { "one two too", { 0, 0, 10 }, "one two\ntoo\n" },
    { "one two three", { 0, 4, 9 }, "one two\n    three\n" },
    { "one two", { 5, 2, 10 }, "one\n  two\n" }, /* something stands before it */
    { "one incomparably big", { 0, 1, 5 }, "one\n incomparably\n big\n" }, /* no word is cut */
    { "incomparably", { 8, 1, 5 }, "incomparably\n" },
    { "  one   two  ", { 0, 0, 10 }, "one two\n" },
    { "FILE… ä…ö", { 0, 0, 9 }, "FILE… ä…ö\n" }, /* characters count, not bytes */
    { "FILE… ä…ö", { 0, 0, 8 }, "FILE…\nä…ö\n" },
};

static void
words_are_put_into_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer text = { 0 };
        paragraph_put(bytes_text(rows[i].words), &rows[i].place, &text);
        buffer_byte(&text, '\0');
        assert_false(buffer_failed(&text));
        assert_string_equal((const char *)text.data, rows[i].text);
        buffer_free(&text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(words_are_put_into_lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
