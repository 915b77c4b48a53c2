#include "map.h"

#include "map_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* With names, and written out without any: both must give the same event. */
static const struct {
    const char *named;
    const char *written_out;
    const char *why;
} pairs[] = {
    { "$x = a\naction = $x", "action = a", "a path" },
    { "$x = a.b | c\naction = $x + \"-\" + $x", "action = (a.b | c) + \"-\" + (a.b | c)",
      "alternatives, joined twice" },
    { "$x = \"t\" if a is 1\naction = $x | c", "action = \"t\" if a is 1 | c", "a condition" },
    { "$x = choose c  y -> \"1\"\naction = lower($x | \"Z\")",
      "action = lower(choose c  y -> \"1\" | \"Z\")", "a table in a call" },
    { "$x = lower(c)\naction = choose $x  y -> $x", "action = choose lower(c)  y -> lower(c)",
      "in a table, before and behind the arrow" },
    { "$x = a.b | c\naction = \"t\" if $x is y | \"u\"",
      "action = choose (a.b | c)  y -> \"t\" | \"u\"", "a comparison" },
    { "$x = a\naction = \"t\" if $x | \"u\"", "action = \"t\" if a | \"u\"",
      "a named path is there where it leads to an object" },
    { "$x = d\nchanges = $x\naction = c", "changes = d\naction = c", "a named path to an object" },
    { "$x = c | t\naction = c\ntimestamp = $x", "action = c\ntimestamp = c | t",
      "alternatives are tried one by one for a field" },
    { "$x = c | t\naction = c\ntimestamp = e | $x", "action = c\ntimestamp = e | c | t",
      "also behind others" },
    { "$x = a | c\n$y = $x + $x\naction = $y", "action = (a | c) + (a | c)", "a name in another" },
    { "$x = c\nrequire $x is y or not $x\naction = $x", "require c is y\naction = c",
      "in what a map requires" },
    { "$x = c\naction = $x\n$X1_ = d.e\nuser_id = $X1_", "action = c\nuser_id = d.e",
      "names of several" },
    { "action = .$x | c + \"$x\"", "action = .\"$x\" | c + \"$x\"",
      "a member with such a name, and a text" },
};

static void
names_stand_for_their_values(void **state)
{
    (void)state;
    static const char *const records[] = {
        "{\"a\":{\"b\":\"y\"},\"c\":\"y\",\"d\":{\"e\":5},\"t\":\"2026-01-02T03:04:05Z\"}",
        "{\"c\":\"n\",\"a\":{\"b\":[]}}",
        "{\"a\":1,\"c\":\"y\",\"e\":\"Y\",\"$x\":7}",
        "{\"c\":\"y\",\"a\":null,\"d\":[],\"t\":\"2026-01-02T03:04:05Z\"}",
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct map *named = map_fixture_parse(pairs[i].named);
        struct map *written_out = map_fixture_parse(pairs[i].written_out);
        for (size_t k = 0; k < sizeof records / sizeof records[0]; k++) {
            struct buffer out = { 0 };
            struct buffer expected = { 0 };
            tally_status status = map_apply(named, &map_fixture_tape, bytes_text(records[k]),
                                            MAP_ID_SOURCE, &out, NULL);
            assert_int_equal(map_apply(written_out, &map_fixture_tape, bytes_text(records[k]),
                                       MAP_ID_SOURCE, &expected, NULL),
                             status);
            if (!bytes_equal(buffer_view(&out), buffer_view(&expected)))
                fail_msg("%s:\n%.*s\n%.*s", pairs[i].why, BYTES_ARG(buffer_view(&out)),
                         BYTES_ARG(buffer_view(&expected)));
            buffer_free(&out);
            buffer_free(&expected);
        }
        map_destroy(named);
        map_destroy(written_out);
    }
}

static void
mistakes_have_a_place_and_a_cure(void **state)
{
    (void)state;
    static const struct map_refusal rows[] = {
        { "action = a | $x", 1, 14,
          "$x is not defined above; write $x = VALUE there, or .$x for a member of that name" },
        { "action = a if $x", 1, 15, "$x is not defined above" },
        { "action = $x\n$x = a", 1, 10, "$x is not defined above" },
        { "$x = a | $x\naction = $x", 1, 10, "$x is not defined above" },
        { "$x = a\naction = $x.b", 2, 10, "$x.b is not defined above" },
        { "$x = a\naction = $x\n\n$x = b", 4, 1,
          "$x is defined already, in line 1; join them with |" },
        { "action = a\n\n$x = b\n$y = $x", 4, 1, "$y is never used; use it or delete it" },
        { "$y = b\n$x = a\naction = a", 1, 1, "$y is never used" },
        { "$ = a\naction = $", 1, 1, "a name is made of letters, digits and _" },
        { "$a.b = a\naction = $a.b", 1, 1, "a name is made of letters, digits and _" },
        { "$x =\naction = $x", 2, 1, "a value is missing at the end" },
        { "$x", 1, 1, "a statement is FIELD = VALUE, $NAME = VALUE" },
        { "$x = a\nwithin $x\naction = $x", 2, 8, "a member named so is written .$x" },
    };
    map_fixture_refuse(rows, sizeof rows / sizeof *rows);
}

/* Names that double what others stand for cannot make a small map a large amount of work. */
static void
a_use_counts_as_what_it_stands_for(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    struct map *map = NULL;
    struct tally_error error;
    unsigned doublings = 0;
    tally_status status;
    buffer_text(&text, "$n0 = a + a\n");
    do {
        char line[64];
        size_t before = text.size;
        (void)snprintf(line, sizeof line, "action = $n%u", doublings);
        buffer_text(&text, line);
        status = map_parse(buffer_view(&text), "demo", &map, &error);
        if (status == TALLY_OK)
            map_destroy(map);
        text.size = before;
        (void)snprintf(line, sizeof line, "$n%u = $n%u + $n%u\n", doublings + 1, doublings,
                       doublings);
        buffer_text(&text, line);
        doublings++;
    } while (status == TALLY_OK && doublings < 64);
    assert_int_equal(status, TALLY_INVALID);
    assert_non_null(strstr(error.text, "parts"));
    assert_in_range(doublings, 5, 13);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_for_their_values),
        cmocka_unit_test(mistakes_have_a_place_and_a_cure),
        cmocka_unit_test(a_use_counts_as_what_it_stands_for),
    };
    return cmocka_run_group_tests(tests, map_fixture_set_up, map_fixture_tear_down);
}
