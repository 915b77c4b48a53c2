#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *
paint_bad(struct bytes cell)
{
    return bytes_is(cell, "bad") ? "31" : NULL;
}

static const struct listing_column columns[] = {
    { .name = "n", .kind = CELL_NUMBER },
    { .name = "name" },
    { .name = "never" },
    { .name = "state", .cut = CELL_WHOLE, .paint = paint_bad },
};
#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

static struct table *
make_table(unsigned width, bool colour)
{
    struct listing_style style = { .width = width, .colour = colour };
    struct table *table;
    struct tally_error error;
    assert_int_equal(table_create(&style, columns, COLUMN_COUNT, &table, &error), TALLY_OK);
    return table;
}

static void
add_row(struct table *table, const char *n, const char *name, const char *state)
{
    const char *texts[COLUMN_COUNT] = { n, name, NULL, state };
    struct bytes cells[COLUMN_COUNT] = { 0 };
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        if (texts[i] != NULL)
            cells[i] = bytes_text(texts[i]);
    (void)table_row(table, cells);
}

static void
assert_flush(struct table *table, const char *expected)
{
    struct buffer out = { 0 };
    table_flush(table, &out);
    buffer_byte(&out, '\0');
    assert_string_equal((const char *)out.data, expected);
    buffer_free(&out);
}

static void
columns_stand_under_their_names(void **state)
{
    (void)state;
    struct table *table = make_table(0, false);
    add_row(table, "7", "Ann", "good");
    add_row(table, "1234", NULL, "bad");
    add_row(table, "12", "", NULL);
    assert_flush(table, "   n  name  state\n"
                        "   7  Ann   good\n"
                        "1234        bad\n"
                        "  12\n");
    /* What fits goes on without a header; what does not gets a new one. */
    add_row(table, "8", "Bob", "good");
    assert_flush(table, "   8  Bob   good\n");
    add_row(table, "9", "Charles", "good");
    assert_flush(table, "   n  name     state\n"
                        "   9  Charles  good\n");
    assert_flush(table, "");
    table_destroy(table);
}

static void
width_is_measured_as_a_terminal_does(void **state)
{
    (void)state;
    struct table *table = make_table(0, false);
    add_row(table, "1", "世界", "wide");
    add_row(table, "2", "e\xcc\x81t\xc3\xa9", "combining");
    add_row(table, "3", "a\x1b[m", "escaped");
    assert_flush(table, "n  name       state\n"
                        "1  世界       wide\n"
                        "2  e\xcc\x81t\xc3\xa9        combining\n"
                        "3  a\\u001b[m  escaped\n");
    table_destroy(table);
}

static void
narrow_terminals_cut_texts(void **state)
{
    (void)state;
    struct table *table = make_table(24, false);
    add_row(table, "1", "a name that is too long", "whole state");
    add_row(table, "2", "short", "x");
    assert_flush(table, "n  name      state\n"
                        "1  a name \xe2\x80\xa6  whole state\n" /* 1+2+8+2+11 = 24 */
                        "2  short     x\n");
    table_destroy(table);
}

static void
wide_characters_are_not_cut_in_halves(void **state)
{
    (void)state;
    /* Of 6 places the ellipsis takes one; two wide characters take four, a third does not fit. */
    struct table *table = make_table(1 + 2 + 6 + 2 + 11, false);
    add_row(table, "1", "世界世界世界世界", "whole state");
    assert_flush(table, "n  name    state\n"
                        "1  世界\xe2\x80\xa6   whole state\n");
    table_destroy(table);
}

static void
nothing_is_cut_below_use(void **state)
{
    (void)state;
    struct table *table = make_table(5, false);
    add_row(table, "1", "a name that is too long", "whole state");
    assert_flush(table, "n  name    state\n"
                        "1  a nam\xe2\x80\xa6  whole state\n");
    table_destroy(table);
}

/* With all four columns a narrow table would have them all cut to six places. */
static void
extra_columns_go_first(void **state)
{
    (void)state;
    static const struct listing_column four[] = {
        { .name = "a" },
        { .name = "b" },
        { .name = "c", .cut = CELL_EXTRA },
        { .name = "d", .cut = CELL_EXTRA },
    };
    static const struct {
        unsigned width;
        const char *table;
    } rows[] = {
        { 0, "a                     b                     c                     d\n"
             "abcdefghijklmnopqrst  abcdefghijklmnopqrst  abcdefghijklmnopqrst  "
             "abcdefghijklmnopqrst\n" },
        { 46, "a               b               c\n"
              "abcdefghijklm\xe2\x80\xa6  abcdefghijklm\xe2\x80\xa6  abcdefghijklm\xe2\x80\xa6\n" },
        { 45, "a                     b\n"
              "abcdefghijklmnopqrst  abcdefghijklmnopqrst\n" },
        { 20, "a          b\n"
              "abcdefgh\xe2\x80\xa6  abcdefgh\xe2\x80\xa6\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct listing_style style = { .width = rows[i].width };
        struct table *table;
        assert_int_equal(table_create(&style, four, 4, &table, NULL), TALLY_OK);
        struct bytes cell = bytes_text("abcdefghijklmnopqrst");
        (void)table_row(table, (const struct bytes[]){ cell, cell, cell, cell });
        assert_flush(table, rows[i].table);
        table_destroy(table);
    }
}

static void
colour_does_not_count(void **state)
{
    (void)state;
    struct table *table = make_table(0, true);
    add_row(table, "1", "x", "bad");
    add_row(table, "2", "y", "good");
    assert_flush(table, "\x1b[1mn\x1b[0m  \x1b[1mname\x1b[0m  \x1b[1mstate\x1b[0m\n"
                        "1  x     \x1b[31mbad\x1b[0m\n"
                        "2  y     good\n");
    table_destroy(table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_under_their_names),
        cmocka_unit_test(width_is_measured_as_a_terminal_does),
        cmocka_unit_test(narrow_terminals_cut_texts),
        cmocka_unit_test(wide_characters_are_not_cut_in_halves),
        cmocka_unit_test(nothing_is_cut_below_use),
        cmocka_unit_test(extra_columns_go_first),
        cmocka_unit_test(colour_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
