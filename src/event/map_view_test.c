#include "map_view.h"

#include "map_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
values(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *record;
        const char *expected;
        const char *why;
    } rows[] = {
        { "action = \"x.y\"", "{}", "\"action\":\"x.y\"", "a text" },
        { "action = \"a\\\"b\\\\c\\n\\r\\t\"", "{}", "\"action\":\"a\\\"b\\\\c\\n\\r\\t\"",
          "a text with escapes" },
        { "action = a", "{\"a\":\"x\"}", "\"action\":\"x\"", "a path" },
        { "action = a.b.c", "{\"a\":{\"b\":{\"c\":\"x\"}}}", "\"action\":\"x\"", "a deep path" },
        { "action = a.1.b", "{\"a\":[0,{\"b\":\"x\"}]}", "\"action\":\"x\"", "an index" },
        { "action = a.\"b.c\".d", "{\"a\":{\"b.c\":{\"d\":\"x\"}}}", "\"action\":\"x\"",
          "a name with a point" },
        { "action = .\"a b\"", "{\"a b\":\"x\"}", "\"action\":\"x\"", "a name with a blank" },
        { "action = .\"a\\\"b\"", "{\"a\\\"b\":\"x\"}", "\"action\":\"x\"", "a name with a quote" },
        { "action = .if", "{\"if\":\"x\"}", "\"action\":\"x\"", "a name like a keyword" },
        { "action = .a", "{\"a\":\"x\"}", "\"action\":\"x\"", "a leading point" },
        { "action = @timestamp", "{\"@timestamp\":\"x\"}", "\"action\":\"x\"", "signs in a name" },
        { "action = a", "{\"\\u0061\":\"\\u00e9\\n\"}", "\"action\":\"é\\n\"", "escapes" },
        { "action = a", "{\"a\":1.10}", "\"action\":\"1.10\"", "a number as it stands" },
        { "action = a", "{\"a\":true}", "\"action\":\"true\"", "a literal" },
        { "action = a", "{\"a\":null}", "", "null is nothing" },
        { "action = a", "{\"a\":\"\"}", "", "the empty text is nothing" },
        { "action = a", "{\"a\":{\"b\":1}}", "", "an object is no text" },
        { "action = a", "{\"a\":[\"x\"]}", "", "an array is no text" },
        { "action = a", "{}", "", "nothing there" },
        { "action = a.b", "{\"a\":\"x\"}", "", "no way to go on" },
        { "action = a | b | \"z\"", "{\"b\":\"y\"}", "\"action\":\"y\"",
          "the first that is there" },
        { "action = a | b | \"z\"", "{}", "\"action\":\"z\"", "the last" },
        { "action = a + \".\" + b", "{\"a\":\"x\",\"b\":\"y\"}", "\"action\":\"x.y\"", "joined" },
        { "action = a + \".\" + b | \"z\"", "{\"a\":\"x\"}", "\"action\":\"z\"",
          "joined only if all are there" },
        { "action = (a | b) + \".\" + c", "{\"b\":\"x\",\"c\":\"y\"}", "\"action\":\"x.y\"",
          "brackets" },
        { "action = a\n       | b  # comment\n\n  # another\n  | \"z\"", "{}", "\"action\":\"z\"",
          "a statement over lines" },
        { "action=a+\"-\"+b|\"z\"", "{\"a\":\"1\",\"b\":\"2\"}", "\"action\":\"1-2\"",
          "without blanks" },
        { "action = lower(a)", "{\"a\":\"X\"}", "\"action\":\"x\"", "a call" },
        { "action = before(a | b, \".\") | a", "{\"a\":\"x\"}", "\"action\":\"x\"",
          "a call that gives nothing" },
        { "action = lower(last(before(a, \"?\"), \"/\"))", "{\"a\":\"/p/Q?r\"}", "\"action\":\"q\"",
          "calls in calls" },
        { "action = lower((a if b))", "{\"a\":\"X\",\"b\":1}", "\"action\":\"x\"",
          "a condition in a call, in brackets" },
        { "action = \"x\" if a | \"z\"", "{\"a\":1}", "\"action\":\"x\"", "if there" },
        { "action = \"x\" if a | \"z\"", "{\"a\":{}}", "\"action\":\"x\"", "an object is there" },
        { "action = \"x\" if a | \"z\"", "{\"a\":null}", "\"action\":\"z\"", "null is not" },
        { "action = \"x\" if not a | \"z\"", "{\"a\":\"\"}", "\"action\":\"x\"", "if not there" },
        { "action = \"x\" if a is 1, two | \"z\"", "{\"a\":\"two\"}", "\"action\":\"x\"",
          "one of several" },
        { "action = \"x\" if a is 1, two | \"z\"", "{\"a\":1}", "\"action\":\"x\"", "a number" },
        { "action = \"x\" if a is 1 | \"z\"", "{\"a\":10}", "\"action\":\"z\"", "only whole" },
        { "action = \"x\" if a is not 1 | \"z\"", "{\"a\":2}", "\"action\":\"x\"", "is not" },
        { "action = \"x\" if a is not 1 | \"z\"", "{}", "\"action\":\"x\"", "nothing is not 1" },
        { "action = \"x\" if a is x*z | \"z\"", "{\"a\":\"x--z\"}", "\"action\":\"x\"", "a star" },
        { "action = \"x\" if a is \"x*z\" | \"z\"", "{\"a\":\"x--z\"}", "\"action\":\"z\"",
          "a star in quotes" },
        { "action = \"x\" if a is *a*b* | \"z\"", "{\"a\":\"aab\"}", "\"action\":\"x\"", "stars" },
        { "action = \"x\" if a is *aab | \"z\"", "{\"a\":\"aaab\"}", "\"action\":\"x\"",
          "a star that has to be tried again" },
        { "action = \"x\" if a or b is 2 | \"z\"", "{\"b\":2}", "\"action\":\"x\"", "or" },
        { "action = choose a x, y -> \"1\" z -> b", "{\"a\":\"y\"}", "\"action\":\"1\"",
          "a table" },
        { "action = choose a x -> \"1\" z -> b", "{\"a\":\"z\",\"b\":\"2\"}", "\"action\":\"2\"",
          "a path in a table" },
        { "action = choose a x -> \"1\" | \"9\"", "{\"a\":\"w\"}", "\"action\":\"9\"",
          "not in the table" },
        { "action = choose a x -> b * -> c | \"9\"", "{\"a\":\"x\",\"c\":\"3\"}",
          "\"action\":\"9\"", "the first row that fits decides" },
        { "action = choose a + \"/\" + b  x/y -> \"1\"", "{\"a\":\"x\",\"b\":\"y\"}",
          "\"action\":\"1\"", "a table for joined values" },
        { "none \"-\", \"N/A\"\naction = a | b | \"z\"", "{\"a\":\"-\",\"b\":\"N/A\"}",
          "\"action\":\"z\"", "texts that mean nothing" },
        { "none \"-\"\naction = \"x\" if a | \"z\"", "{\"a\":\"-\"}", "\"action\":\"z\"",
          "they are not there either" },
        { "within p, q.r\naction = a + b + c",
          "{\"a\":1,\"p\":{\"a\":9,\"b\":2},\"q\":{\"r\":{\"c\":3}}}", "\"action\":\"123\"",
          "other places to look" },
        { "within m\naction = a + b", "{\"a\":1,\"m\":\"{\\\"a\\\":9,\\\"b\\\":[true]}\"}", "",
          "a text that holds a record: nothing of it is a text here" },
        { "within m, n.o\naction = a + b + c",
          "{\"m\":\" {\\\"a\\\":\\\"\\\\u00e9\\\"}\\n\",\"n\":{\"o\":\"{\\\"b\\\":2}\"},\"c\":3}",
          "\"action\":\"é23\"", "texts that hold records" },
        { "within m\naction = m | \"z\"", "{\"m\":\"{\\\"a\\\":1\"}", "\"action\":\"{\\\"a\\\":1\"",
          "a text that only begins like one is a text" },
        { "within m\naction = b | \"z\"", "{\"m\":\"{},\\\"b\\\":{\"}", "\"action\":\"z\"",
          "a text cannot reach out of its place" },
        { "within m\naction = b | \"z\"", "{\"m\":\"{\\\"a\\\":1},\\\"b\\\":2\"}",
          "\"action\":\"z\"", "not even where the whole would be JSON" },
        { "pairs name value\naction = a.x.y + a.1.value",
          "{\"a\":[{\"name\":\"x\",\"value\":{\"y\":1}},"
          "{\"name\":2,\"value\":3}]}",
          "\"action\":\"13\"", "an array of names and values" },
        { "pairs name value, \"@N\" \"#t\"\naction = a.x + a.y | \"z\"",
          "{\"a\":[7,{\"@N\":\"x\",\"#t\":\"1\"},{\"name\":\"y\"}]}", "\"action\":\"z\"",
          "no value behind the name" },
        { "pairs name value\nwithin a.b\naction = x",
          "{\"a\":{\"b\":[{\"name\":\"x\",\"value\":5}]}}", "\"action\":\"5\"",
          "pairs in another place to look" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        map_fixture_expect(rows[i].rules, rows[i].record, rows[i].expected, rows[i].why);
}

/* The example of docs/maps.md. */
static void
the_manual_s_example(void **state)
{
    (void)state;
    map_fixture_expect(
        "# Doors of the Acme controller, firmware 4.\n"
        "require Door\n\n"
        "id            = Door + \"/\" + Seq\n"
        "timestamp     = unix(At)\n"
        "action        = \"door.\" + snake(Kind)\n"
        "event_type    = \"access_denied\" if Kind is EntryRefused, AlarmRaised\n"
        "severity      = choose Kind\n"
        "                    AlarmRaised  -> \"critical\"\n"
        "                    *Refused     -> \"medium\"\n"
        "              | \"low\"\n"
        "user_id       = Badge.No\n"
        "user_email    = email(Badge.Owner)\n"
        "resource_type = \"door\"\n"
        "resource_id   = Door\n",
        "{\"Kind\": \"EntryRefused\", \"At\": 1591743060.25, \"Badge\": {\"No\": 4711, "
        "\"Owner\": \"ann@example.com\"}, \"Door\": \"B-2\", \"Seq\": 9}",
        "\"action\":\"door.entry_refused\",\"event_type\":\"access_denied\","
        "\"resource_id\":\"B-2\",\"resource_type\":\"door\",\"severity\":\"medium\","
        "\"timestamp\":\"2020-06-09T22:51:00.25Z\",\"user_email\":\"ann@example.com\","
        "\"user_id\":\"4711\"",
        "the manual's example");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(the_manual_s_example),
    };
    return cmocka_run_group_tests(tests, map_fixture_set_up, map_fixture_tear_down);
}
