#include "map.h"

#include "map_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
refuses_with_a_place(void **state)
{
    (void)state;
    static const struct map_refusal rows[] = {
        { "", 1, 1, "a rule for action or event_type is missing" },
        { "# only a comment\n", 2, 1, "a rule for action or event_type is missing" },
        { "user_id = a\n", 2, 1, "a rule for action or event_type is missing" },
        { "action = a\nuser = b\n", 2, 1, "an event has no such field" },
        { "action = a\n\naction = b", 3, 1, "action has a rule already" },
        { "action = a\ndetails = b", 2, 1, "details always holds the whole record" },
        { "action = a\nreceived = b", 2, 1, "received is set by Tallystick itself" },
        { "action = a\nindex = b", 2, 1, "index is set by Tallystick itself" },
        { "action", 1, 1, "a statement is FIELD = VALUE" },
        { "= a", 1, 1, "a statement is FIELD = VALUE" },
        { "\"action\" = a", 1, 1, "a statement is FIELD = VALUE" },
        { "action =", 1, 9, "a value is missing at the end" },
        { "action =\nuser_id = a", 2, 1, "a value is missing at the end" },
        { "action = a b", 1, 12, "| or + or the end of the statement is missing before b" },
        { "action = a |", 1, 13, "a value is missing" },
        { "action = a + | b", 1, 14, "a value is missing before |" },
        { "action = (a", 1, 12, ") is missing" },
        { "action = a)", 1, 11, "is missing before )" },
        { "action = if", 1, 10, "a value is missing before if" },
        { "action = a if", 1, 14, "a path" },
        { "action = a if b is", 1, 19, "a text to compare with" },
        { "action = a if b is x,", 1, 22, "a text to compare with" },
        { "action = a if not is x", 1, 19, "a path" },
        { "action = a if not b is x", 1, 21, "| or + or the end of the statement is missing" },
        { "action = upper(a)", 1, 10, "there is no such function; there are after, before" },
        { "action = lower(a, b)", 1, 20, "it takes 1 values: lower(value)" },
        { "action = before(a)", 1, 18, "it takes 2 values: before(value, text)" },
        { "action = lower()", 1, 16, "a value is missing" },
        { "action = lower(a if b)", 1, 18, ") is missing before if" },
        { "action = choose a", 1, 18, "a text to compare with" },
        { "action = choose a x", 1, 20, "-> is missing" },
        { "action = choose a x ->", 1, 23, "a value is missing" },
        { "action = a.*", 1, 10, "a path has no wildcards" },
        { "action = a..b", 1, 10, "a name is missing in the path" },
        { "action = a.", 1, 10, "a name is missing in the path" },
        { "action = .", 1, 10, "a name is missing in the path" },
        { "action = a.\"b\"c", 1, 10, "a point is missing behind a quoted name" },
        { "action = a.\"b", 1, 10, "a quoted name has no end" },
        { "action = \"a", 1, 10, "a text in quotes has no end" },
        { "action = \"a\n\"", 1, 10, "a text in quotes has no end" },
        { "action = \"a\\x\"", 1, 10, "a text in quotes has no end" },
        { "action = a ; b", 1, 12, "this character has no meaning" },
        { "skip control", 1, 6, "\"if\" is missing before control" },
        { "copy all", 1, 6, "\"record\" is missing" },
        { "copy record except", 1, 19, "a text to compare with" },
        { "none", 1, 5, "a text to compare with" },
        { "within", 1, 7, "a path" },
        { "pairs", 1, 6, "a member's name" },
        { "pairs name", 1, 11, "a member's name" },
        { "pairs name value,", 1, 18, "a member's name" },
        { "records", 1, 8, "a path" },
        { "records a, b, c, d\nrecords e, f, g, h, i", 2, 21, "more than 8 paths behind records" },
        { "records a.b, a.b.c", 1, 19, "two names at most" },
        { "require", 1, 8, "a path" },
        { "require a or", 1, 13, "a path" },
        { "action = a \xff", 0, 0, "not UTF-8" },
    };
    map_fixture_refuse(rows, sizeof rows / sizeof *rows);
}

static void
maps_have_limits(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    struct map *map;
    struct tally_error error;

    buffer_text(&text, "action = ");
    for (unsigned i = 0; i < MAP_DEPTH_MAX; i++)
        buffer_byte(&text, '(');
    buffer_text(&text, "a");
    for (unsigned i = 0; i < MAP_DEPTH_MAX; i++)
        buffer_byte(&text, ')');
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "nested deeper"));

    buffer_clear(&text);
    buffer_text(&text, "action = a");
    for (unsigned i = 0; i < MAP_PARTS_MAX; i++)
        buffer_text(&text, "|a");
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "parts"));

    buffer_clear(&text);
    buffer_text(&text, "action = a\nwithin b");
    for (unsigned i = 2; i < MAP_PLACES_MAX; i++)
        buffer_text(&text, ", b");
    buffer_text(&text, "\nwithin b");
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_OK);
    map_destroy(map);
    buffer_text(&text, ", b");
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "behind within"));

    buffer_clear(&text);
    buffer_text(&text, "action = a\n");
    while (text.size < MAP_SIZE_MAX)
        buffer_byte(&text, '\n');
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_OK);
    map_destroy(map);
    buffer_byte(&text, '\n');
    assert_int_equal(map_parse(buffer_view(&text), "demo", &map, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "bytes"));
    buffer_free(&text);
    map_destroy(NULL);
}

#define SIXTY "a123456789a123456789a123456789a123456789a123456789a123456789"

static void
names_of_maps(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "-a", "A", "a b", "a.b", "a/b", "é", SIXTY "1234" };
    static const char *const good[] = { "a", "0", "a-b", SIXTY "123" };
    struct map *map;
    struct tally_error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(map_parse(bytes_text("action = a"), bad[i], &map, &error), TALLY_INVALID);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(map_parse(bytes_text("action = a"), good[i], &map, &error), TALLY_OK);
        assert_false(map_copies(map));
        map_destroy(map);
    }
}

static void
lists_of_records(void **state)
{
    (void)state;
    struct map *map =
        map_fixture_parse("records items, \"two words\"\nrecords b.c, .\"d.e\"\naction = a");
    size_t count;
    const struct record_list *lists = map_lists(map, &count);
    assert_int_equal(count, 4);
    assert_true(bytes_is(lists[0].name, "items") && lists[0].outer.size == 0);
    assert_true(bytes_is(lists[1].name, "two words") && lists[1].outer.size == 0);
    assert_true(bytes_is(lists[2].name, "c") && bytes_is(lists[2].outer, "b"));
    assert_true(bytes_is(lists[3].name, "d.e") && lists[3].outer.size == 0);
    map_destroy(map);
}

/* Pieces of the language in random order: whatever is accepted can be applied. */
static void
random_maps(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "action = ",    "user_id = ",  "a",        "b.c",      "\"t\"",    " | ",
        " + ",          "(",           ")",        " if ",     " is ",     " not ",
        " or ",         "lower(",      "before(",  ", ",       " choose ", " -> ",
        "x*",           "\n",          "\n  ",     "require ", "skip if ", "none ",
        "within ",      "copy record", " except ", "#",        ".",        "\"",
        "timestamp = ", "unix(",       "pairs ",   "records ", "$x = ",    "$x",
    };
    struct buffer text = { 0 };
    struct buffer out = { 0 };
    uint32_t seed = 7;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 200000; round++) {
        buffer_clear(&text);
        buffer_text(&text, round % 2 == 0 ? "action = a" : "");
        for (unsigned i = 0; i <= round % 12; i++) {
            seed = seed * 1664525 + 1013904223;
            buffer_text(&text, pieces[(seed >> 8) % (sizeof pieces / sizeof pieces[0])]);
        }
        struct map *map;
        if (map_parse(buffer_view(&text), "demo", &map, NULL) != TALLY_OK)
            continue;
        accepted++;
        buffer_clear(&out);
        tally_status status = map_apply(map, &map_fixture_tape,
                                        bytes_text("{\"a\":\"x-y\",\"b\":{\"c\":[1]},\"x\":5}"),
                                        MAP_ID_SOURCE, &out, NULL);
        assert_true(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_INVALID);
        if (status == TALLY_OK)
            assert_int_equal(json_scan(&map_fixture_tape, buffer_view(&out), NULL), TALLY_OK);
        map_destroy(map);
    }
    assert_true(accepted > 1000);
    buffer_free(&text);
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_a_place), cmocka_unit_test(maps_have_limits),
        cmocka_unit_test(names_of_maps),        cmocka_unit_test(lists_of_records),
        cmocka_unit_test(random_maps),
    };
    return cmocka_run_group_tests(tests, map_fixture_set_up, map_fixture_tear_down);
}
