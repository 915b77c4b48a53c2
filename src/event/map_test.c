#include "map.h"

#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct json_tape tape;

static int
make_tape(void **state)
{
    (void)state;
    return json_tape_init(&tape, 1 << 16, NULL) == TALLY_OK ? 0 : -1;
}

static int
free_tape(void **state)
{
    (void)state;
    json_tape_finish(&tape);
    return 0;
}

static struct map *
parse(const char *text)
{
    struct map *map = NULL;
    struct tally_error error;
    if (map_parse(bytes_text(text), "demo", &map, &error) != TALLY_OK)
        fail_msg("line %u: %s\n%s", (unsigned)error.line, error.text, text);
    return map;
}

/* ---- what a map may say ---- */

static void
refuses_with_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        unsigned column;
        const char *reason; /* a part of it */
    } rows[] = {
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
        { "records", 1, 8, "a member's name" },
        { "records a, b, c, d\nrecords e, f, g, h, i", 2, 21, "more than 8 names behind records" },
        { "require", 1, 8, "a path" },
        { "require a or", 1, 13, "a path" },
        { "action = a \xff", 0, 0, "not UTF-8" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct map *map = NULL;
        struct tally_error error;
        tally_status status = map_parse(bytes_text(rows[i].text), "demo", &map, &error);
        if (status != TALLY_INVALID || map != NULL)
            fail_msg("accepted: %s", rows[i].text);
        if (error.line != rows[i].line || error.column != rows[i].column ||
            strstr(error.text, rows[i].reason) == NULL)
            fail_msg("%s\n%u:%u %s", rows[i].text, (unsigned)error.line, error.column, error.text);
        assert_int_equal(map_parse(bytes_text(rows[i].text), "demo", &map, NULL), TALLY_INVALID);
    }
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

/* ---- what comes of it ---- */

/* Applies rules to a record and compares the event without its id and details. */
static void
expect_event(const char *rules, const char *record, const char *expected, const char *why)
{
    struct map *map = parse(rules);
    struct buffer out = { 0 };
    struct buffer wanted = { 0 };
    struct tally_error error;
    tally_status status = map_apply(map, &tape, bytes_text(record), MAP_ID_SOURCE, &out, &error);
    if (status != TALLY_OK)
        fail_msg("%s: %s", why, error.text);

    static const char id[] = "{\"id\":\"00000000-0000-5000-8000-000000000000\"";
    assert_true(out.size > sizeof id);
    buffer_append(&wanted, out.data, sizeof id - 1);
    buffer_text(&wanted, expected[0] == '\0' ? "" : ",");
    buffer_text(&wanted, expected);
    buffer_text(&wanted, ",\"details\":");
    buffer_text(&wanted, record);
    buffer_text(&wanted, "}");
    if (!bytes_equal(buffer_view(&out), buffer_view(&wanted)))
        fail_msg("%s:\n%.*s\n%.*s", why, BYTES_ARG(buffer_view(&out)),
                 BYTES_ARG(buffer_view(&wanted)));
    buffer_free(&out);
    buffer_free(&wanted);
    map_destroy(map);
}

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
        expect_event(rows[i].rules, rows[i].record, rows[i].expected, rows[i].why);
}

/* The example of docs/maps.md. */
static void
the_manual_s_example(void **state)
{
    (void)state;
    expect_event("# Doors of the Acme controller, firmware 4.\n"
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

/* Every type of field takes what fits it and passes over what does not. */
static void
types(void **state)
{
    (void)state;
    static const struct {
        const char *rules; /* behind action = "x" */
        const char *record;
        const char *expected; /* behind it, or before it: members stand in canonical order */
        const char *why;
    } rows[] = {
        { "status = a | b", "{\"a\":\"maybe\",\"b\":\"FAILURE\"}", ",\"status\":\"failure\"",
          "an enumeration in any case" },
        { "crud = a | b", "{\"a\":\"X\",\"b\":\"r\"}", ",\"crud\":\"R\"", "upper case letters" },
        { "status_code = a | b", "{\"a\":99,\"b\":\"404\"}", ",\"status_code\":404",
          "a number in quotes" },
        { "status_code = a", "{\"a\":404}", ",\"status_code\":404", "a number" },
        { "status_code = a", "{\"a\":1000}", "", "too large" },
        { "status_code = a", "{\"a\":\"0404\"}", "", "a leading zero" },
        { "status_code = a", "{\"a\":4e2}", "", "an exponent" },
        { "status_code = a", "{\"a\":200.0}", "", "a fraction" },
        { "response_time_ms = a", "{\"a\":\"1.50\"}", ",\"response_time_ms\":1.50", "a decimal" },
        { "response_time_ms = a", "{\"a\":0.5}", ",\"response_time_ms\":0.5", "below one" },
        { "response_time_ms = a", "{\"a\":-1}", "", "a sign" },
        { "response_time_ms = a", "{\"a\":\"1.\"}", "", "no digit behind the point" },
        { "response_time_ms = a", "{\"a\":\"01\"}", "", "a leading zero" },
        { "response_time_ms = a", "{\"a\":\"1.2.3\"}", "", "two points" },
        { "timestamp = a", "{\"a\":\"2020-06-09 22:51:00\"}",
          ",\"timestamp\":\"2020-06-09T22:51:00Z\"", "a time without an offset" },
        { "timestamp = a", "{\"a\":\"2020-06-09 22:51:00 -0130\"}",
          ",\"timestamp\":\"2020-06-10T00:21:00Z\"", "an offset without a colon" },
        { "timestamp = a", "{\"a\":\"2020-06-09T22:51:00,25 +01:00\"}",
          ",\"timestamp\":\"2020-06-09T21:51:00.25Z\"", "a comma, and a blank before the offset" },
        { "timestamp = a", "{\"a\":\"2020-06-09 22:51:00.5 UTC\"}",
          ",\"timestamp\":\"2020-06-09T22:51:00.5Z\"", "the zone by its name" },
        { "timestamp = a", "{\"a\":\"2020-06-09 22:51:00 GMT\"}",
          ",\"timestamp\":\"2020-06-09T22:51:00Z\"", "the zone by its older name" },
        { "timestamp = a | unix(b)", "{\"a\":\"then\",\"b\":1591743060}",
          ",\"timestamp\":\"2020-06-09T22:51:00Z\"", "the first that is a time" },
        { "timestamp = a", "{}", "", "no time at all" },
        { "changes = a", "{\"a\":{\"f\":{\"before\":1,\"after\":[2, 3]}}}",
          ",\"changes\":{\"f\":{\"before\":1,\"after\":[2, 3]}}", "an object as it is" },
        { "changes = a | b", "{\"a\":[1],\"b\":{}}", ",\"changes\":{}", "no array" },
        { "changes = \"x\" | a.b", "{\"a\":\"x\"}", "", "no text" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[256];
        char expected[256];
        (void)snprintf(rules, sizeof rules, "action = \"x\"\n%s", rows[i].rules);
        (void)snprintf(expected, sizeof expected, "\"action\":\"x\"%s", rows[i].expected);
        expect_event(rules, rows[i].record, expected, rows[i].why);
    }
}

/* A text of 300 times é: 600 bytes, of which 252 and the mark fit 256 without cutting a character.
 */
static void
long_texts_are_cut(void **state)
{
    (void)state;
    struct buffer record = { 0 };
    struct buffer out = { 0 };
    struct map *map = parse("action = \"x\"\nuser_id = a\nuser_agent = a");
    struct json_tape event = { 0 };
    assert_int_equal(json_tape_init(&event, 100, NULL), TALLY_OK);

    buffer_text(&record, "{\"a\":\"");
    for (unsigned i = 0; i < 300; i++)
        buffer_text(&record, "é");
    buffer_text(&record, "\"}");
    assert_int_equal(map_apply(map, &tape, buffer_view(&record), MAP_ID_SOURCE, &out, NULL),
                     TALLY_OK);
    assert_int_equal(json_scan(&event, buffer_view(&out), NULL), TALLY_OK);

    uint32_t user = json_member(&event, 0, bytes_text("user_id"));
    struct bytes text = json_inside(&event, user);
    assert_int_equal(text.size, 252 + 3);
    assert_memory_equal(text.data + 250, "é…", 5);
    /* The event layer cuts this one. */
    uint32_t agent = json_member(&event, 0, bytes_text("user_agent"));
    assert_int_equal(json_inside(&event, agent).size, 600);

    json_tape_finish(&event);
    map_destroy(map);
    buffer_free(&record);
    buffer_free(&out);
}

static void
expect_id(const char *rules, const char *record, enum map_identity identity, const char *expected)
{
    struct map *map = parse(rules);
    struct buffer out = { 0 };
    assert_int_equal(map_apply(map, &tape, bytes_text(record), identity, &out, NULL), TALLY_OK);
    char member[64];
    (void)snprintf(member, sizeof member, "{\"id\":\"%s\",", expected);
    assert_true(out.size > strlen(member));
    assert_memory_equal(out.data, member, strlen(member));
    map_destroy(map);
    buffer_free(&out);
}

/* Computed with Python's uuid and hashlib. */
static void
ids_follow_from_the_record(void **state)
{
    (void)state;
    static const char record[] = "{\"a\":\"x\",\"id\":\"e-1\"}";
    static const char from_source[] = "a085515b-9db0-5c8a-94c5-ffff68b2edb6";
    static const char from_bytes[] = "63b5a2e9-9ea3-5552-8f13-4462e7f19688";
    expect_id("action = a\nid = .id", record, MAP_ID_SOURCE, from_source);
    expect_id("action = a\nid = .id", record, MAP_ID_CONTENT, from_bytes);
    expect_id("action = a\nid = nothing", record, MAP_ID_SOURCE, from_bytes);
    expect_id("action = a", record, MAP_ID_SOURCE, from_bytes);
    expect_id("action = a", " {\"a\":\"x\",\"id\":\"e-1\"} \n", MAP_ID_SOURCE, from_bytes);
}

static void
copies(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *record;
        const char *expected;
        const char *why;
    } rows[] = {
        { "copy record except v, trail", "{\"v\":1,\"id\":\"k\",\"trail\":\"m\",\"action\":\"a\"}",
          "{\"id\":\"k\",\"action\":\"a\"}", "all but some, the id kept" },
        { "copy record", "{\"id\":\"k\",\"x\":[1,{\"y\":null}], \"z\" : 1.50}",
          "{\"id\":\"k\",\"x\":[1,{\"y\":null}],\"z\":1.50}", "values as they stand" },
        { "copy record except \"t*\"\naction = t | a",
          "{\"id\":\"k\",\"action\":\"old\",\"t\":\"new\"}",
          "{\"action\":\"new\",\"id\":\"k\",\"t\":\"new\"}",
          "a rule goes before the record's member; a quoted star is a star" },
        { "copy record\naction = t", "{\"id\":\"k\",\"action\":\"old\"}",
          "{\"id\":\"k\",\"action\":\"old\"}", "a rule that gives nothing does not" },
        { "copy record", "{\"\\u0069d\":\"k\",\"a\\u0062\":1}",
          "{\"\\u0069d\":\"k\",\"a\\u0062\":1}", "names with escapes" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct map *map = parse(rows[i].rules);
        struct buffer out = { 0 };
        assert_true(map_copies(map));
        for (int identity = MAP_ID_SOURCE; identity <= MAP_ID_CONTENT; identity++) {
            buffer_clear(&out);
            assert_int_equal(map_apply(map, &tape, bytes_text(rows[i].record),
                                       (enum map_identity)identity, &out, NULL),
                             TALLY_OK);
            if (!bytes_is(buffer_view(&out), rows[i].expected))
                fail_msg("%s: %.*s", rows[i].why, BYTES_ARG(buffer_view(&out)));
        }
        map_destroy(map);
        buffer_free(&out);
    }

    /* Without an id of its own it gets the one of its bytes, once. */
    expect_id("copy record except id", "{\"a\":\"x\",\"id\":\"e-1\"}", MAP_ID_SOURCE,
              "63b5a2e9-9ea3-5552-8f13-4462e7f19688");
    expect_id("copy record\nid = .id", "{\"a\":\"x\",\"id\":\"e-1\"}", MAP_ID_SOURCE,
              "a085515b-9db0-5c8a-94c5-ffff68b2edb6");
}

static void
records_are_skipped_or_refused(void **state)
{
    (void)state;
    static const char rules[] = "skip if control\nskip if kind is noise, *-test\n"
                                "require kind is a, b or other\nrequire n\n"
                                "action = \"x\"\ntimestamp = at.t | unix(s)";
    static const struct {
        const char *record;
        tally_status status;
        const char *pointer;
        const char *reason; /* a part of it */
    } rows[] = {
        { "{\"kind\":\"a\",\"n\":1}", TALLY_OK, NULL, NULL },
        { "{\"other\":[],\"n\":1}", TALLY_OK, NULL, NULL },
        { "{\"kind\":\"a\",\"n\":1,\"control\":{}}", TALLY_ABSENT, NULL, NULL },
        { "{\"kind\":\"noise\"}", TALLY_ABSENT, NULL, NULL },
        { "{\"kind\":\"x-test\"}", TALLY_ABSENT, NULL, NULL },
        { "{\"kind\":\"c\",\"n\":1}", TALLY_INVALID, "",
          "that map demo reads, which requires: kind is a, b or other" },
        { "{\"kind\":\"a\"}", TALLY_INVALID, "", "which requires: n" },
        { "{\"kind\":\"a\",\"n\":1,\"at\":{\"t\":\"noon\"}}", TALLY_INVALID, "/at/t",
          "time cannot be read" },
        { "{\"kind\":\"a\",\"n\":1,\"at\":{\"t\":\"noon\"},\"s\":1}", TALLY_OK, NULL, NULL },
        { "{\"kind\":\"a\",\"n\":1,\"s\":-99999999999}", TALLY_OK, NULL, NULL },
        { "[]", TALLY_INVALID, "", "a record is a JSON object" },
        { "{\"a\":1,\"a\":1}", TALLY_INVALID, "/a", "" },
        { "{\"a\":1", TALLY_INVALID, NULL, "" },
        { "{\"a\":\"\xff\"}", TALLY_INVALID, "/a", "" },
        { "", TALLY_INVALID, NULL, "" },
    };
    struct map *map = parse(rules);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = { 0 };
        struct tally_error error;
        buffer_text(&out, "before");
        tally_status status =
            map_apply(map, &tape, bytes_text(rows[i].record), MAP_ID_SOURCE, &out, &error);
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].record, status);
        if (status != TALLY_OK)
            assert_true(bytes_is(buffer_view(&out), "before"));
        if (rows[i].pointer != NULL)
            assert_string_equal(error.pointer, rows[i].pointer);
        if (rows[i].reason != NULL)
            assert_non_null(strstr(error.text, rows[i].reason));
        assert_int_equal(
            map_apply(map, &tape, bytes_text(rows[i].record), MAP_ID_SOURCE, &out, NULL), status);
        buffer_free(&out);
    }
    map_destroy(map);
}

/* Pieces of the language in random order: whatever is accepted can be applied. */
/* An error in a text that was unfolded says its pointer there, and no line: it has its own. */
static void
unfolded_texts_have_no_lines(void **state)
{
    (void)state;
    struct map *map = parse("within m\naction = \"x\"\ntimestamp = at\nrequire at");
    struct buffer out = { 0 };
    struct tally_error error;
    assert_int_equal(map_apply(map, &tape,
                               bytes_text("{\"m\":\"{\\n\\n\\\"at\\\":\\\"noon\\\"}\"}"),
                               MAP_ID_SOURCE, &out, &error),
                     TALLY_INVALID);
    assert_string_equal(error.pointer, "/m/at");
    assert_int_equal(error.line, 0);
    assert_int_equal(error.column, 0);

    /* A record is itself again where ids are made of its bytes. */
    struct buffer again = { 0 };
    static const char *const records[] = { "{\"m\":\"{\\\"at\\\":\\\"2026-01-02T03:04:05Z\\\"}\"}",
                                           "{\"m\":{\"at\":\"2026-01-02T03:04:05Z\"}}" };
    assert_int_equal(map_apply(map, &tape, bytes_text(records[0]), MAP_ID_SOURCE, &out, &error),
                     TALLY_OK);
    assert_int_equal(map_apply(map, &tape, bytes_text(records[1]), MAP_ID_SOURCE, &again, &error),
                     TALLY_OK);
    assert_memory_not_equal(out.data, again.data, 45);
    map_destroy(map);
    buffer_free(&out);
    buffer_free(&again);
}

static void
lists_of_records(void **state)
{
    (void)state;
    struct map *map = parse("records items, \"two words\"\nrecords c\naction = a");
    size_t count;
    const struct bytes *lists = map_lists(map, &count);
    assert_int_equal(count, 3);
    assert_true(bytes_is(lists[0], "items"));
    assert_true(bytes_is(lists[1], "two words"));
    assert_true(bytes_is(lists[2], "c"));
    map_destroy(map);
}

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
        "timestamp = ", "unix(",       "pairs ",   "records ",
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
        tally_status status =
            map_apply(map, &tape, bytes_text("{\"a\":\"x-y\",\"b\":{\"c\":[1]},\"x\":5}"),
                      MAP_ID_SOURCE, &out, NULL);
        assert_true(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_INVALID);
        if (status == TALLY_OK)
            assert_int_equal(json_scan(&tape, buffer_view(&out), NULL), TALLY_OK);
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
        cmocka_unit_test(refuses_with_a_place),
        cmocka_unit_test(unfolded_texts_have_no_lines),
        cmocka_unit_test(lists_of_records),
        cmocka_unit_test(maps_have_limits),
        cmocka_unit_test(names_of_maps),
        cmocka_unit_test(values),
        cmocka_unit_test(the_manual_s_example),
        cmocka_unit_test(types),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(ids_follow_from_the_record),
        cmocka_unit_test(copies),
        cmocka_unit_test(records_are_skipped_or_refused),
        cmocka_unit_test(random_maps),
    };
    return cmocka_run_group_tests(tests, make_tape, free_tape);
}
