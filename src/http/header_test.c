#include "header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
trims(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *trimmed;
        const char *why;
    } rows[] = {
        { "a", "a", "nothing to trim" },
        { " \ta b\t ", "a b", "blanks and tabs, at both ends only" },
        { "", "", "nothing" },
        { " \t ", "", "nothing else" },
        { "\na\r", "\na\r", "line ends are no blanks here" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!bytes_is(header_trim(bytes_text(rows[i].value)), rows[i].trimmed))
            fail_msg("%s", rows[i].why);
    assert_int_equal(header_trim((struct bytes){ 0 }).size, 0);
}

static void
words(void **state)
{
    (void)state;
    assert_true(header_is_word(bytes_text("ChunKed"), "chunked"));
    assert_false(header_is_word(bytes_text("chunke"), "chunked"));
    assert_false(header_is_word(bytes_text("chunkedx"), "chunked"));
    assert_false(header_is_word(bytes_of("chunke\0", 7), "chunked"));
    assert_false(header_is_word(bytes_text("@"), "`")); /* apart in the bit that case is */
}

static void
cuts(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *pieces[4];
        const char *why;
    } rows[] = {
        { "a; b ;c", { "a", "b", "c" }, "three" },
        { "a", { "a" }, "no separator" },
        { ";", { "", "" }, "nothing before and behind one" },
        { "a;", { "a", "" }, "nothing behind" },
        { "", { "" }, "nothing at all is one piece" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes rest = bytes_text(rows[i].value), piece;
        for (size_t k = 0; rows[i].pieces[k] != NULL; k++)
            if (!header_cut(&rest, ';', &piece) || !bytes_is(piece, rows[i].pieces[k]))
                fail_msg("%s: piece %zu", rows[i].why, k);
        if (header_cut(&rest, ';', &piece))
            fail_msg("%s: one more", rows[i].why);
    }
    struct bytes none = { 0 }, piece;
    assert_false(header_cut(&none, ';', &piece));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trims),
        cmocka_unit_test(words),
        cmocka_unit_test(cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
