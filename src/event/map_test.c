#include "map.h"

#include "map_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

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
        map_fixture_expect(rules, rows[i].record, expected, rows[i].why);
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
    struct map *map = map_fixture_parse("action = \"x\"\nuser_id = a\nuser_agent = a");
    struct json_tape event = { 0 };
    assert_int_equal(json_tape_init(&event, 100, NULL), TALLY_OK);

    buffer_text(&record, "{\"a\":\"");
    for (unsigned i = 0; i < 300; i++)
        buffer_text(&record, "é");
    buffer_text(&record, "\"}");
    assert_int_equal(
        map_apply(map, &map_fixture_tape, buffer_view(&record), MAP_ID_SOURCE, &out, NULL),
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
    struct map *map = map_fixture_parse(rules);
    struct buffer out = { 0 };
    assert_int_equal(map_apply(map, &map_fixture_tape, bytes_text(record), identity, &out, NULL),
                     TALLY_OK);
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
        struct map *map = map_fixture_parse(rows[i].rules);
        struct buffer out = { 0 };
        assert_true(map_copies(map));
        for (int identity = MAP_ID_SOURCE; identity <= MAP_ID_CONTENT; identity++) {
            buffer_clear(&out);
            assert_int_equal(map_apply(map, &map_fixture_tape, bytes_text(rows[i].record),
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
        { "{\"kind\":\"a\",\"n\":1,\"s\":-99999999999}", TALLY_INVALID, "/s",
          "of the years 1678 to 2261" },
        { "{\"kind\":\"a\",\"n\":1,\"s\":253402300799}", TALLY_INVALID, "/s",
          "of the years 1678 to 2261" },
        { "{\"kind\":\"a\",\"n\":1,\"s\":9214646400}", TALLY_INVALID, "/s", "time cannot be read" },
        { "{\"kind\":\"a\",\"n\":1,\"s\":\"soon\"}", TALLY_INVALID, "/s", "time cannot be read" },
        { "{\"kind\":\"a\",\"n\":1,\"s\":\"\"}", TALLY_OK, NULL, NULL },
        { "[]", TALLY_INVALID, "", "a record is a JSON object" },
        { "{\"a\":1,\"a\":1}", TALLY_INVALID, "/a", "" },
        { "{\"a\":1", TALLY_INVALID, NULL, "" },
        { "{\"a\":\"\xff\"}", TALLY_INVALID, "/a", "" },
        { "", TALLY_INVALID, NULL, "" },
    };
    struct map *map = map_fixture_parse(rules);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = { 0 };
        struct tally_error error;
        buffer_text(&out, "before");
        tally_status status = map_apply(map, &map_fixture_tape, bytes_text(rows[i].record),
                                        MAP_ID_SOURCE, &out, &error);
        if (status != rows[i].status)
            fail_msg("%s: %d", rows[i].record, status);
        if (status != TALLY_OK)
            assert_true(bytes_is(buffer_view(&out), "before"));
        if (rows[i].pointer != NULL)
            assert_string_equal(error.pointer, rows[i].pointer);
        if (rows[i].reason != NULL)
            assert_non_null(strstr(error.text, rows[i].reason));
        assert_int_equal(map_apply(map, &map_fixture_tape, bytes_text(rows[i].record),
                                   MAP_ID_SOURCE, &out, NULL),
                         status);
        buffer_free(&out);
    }
    map_destroy(map);
}

/* An error in a text that was unfolded says its pointer there, and no line: it has its own. */
static void
unfolded_texts_have_no_lines(void **state)
{
    (void)state;
    struct map *map = map_fixture_parse("within m\naction = \"x\"\ntimestamp = at\nrequire at");
    struct buffer out = { 0 };
    struct tally_error error;
    assert_int_equal(map_apply(map, &map_fixture_tape,
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
    assert_int_equal(
        map_apply(map, &map_fixture_tape, bytes_text(records[0]), MAP_ID_SOURCE, &out, &error),
        TALLY_OK);
    assert_int_equal(
        map_apply(map, &map_fixture_tape, bytes_text(records[1]), MAP_ID_SOURCE, &again, &error),
        TALLY_OK);
    assert_memory_not_equal(out.data, again.data, 45);
    map_destroy(map);
    buffer_free(&out);
    buffer_free(&again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(ids_follow_from_the_record),
        cmocka_unit_test(copies),
        cmocka_unit_test(records_are_skipped_or_refused),
        cmocka_unit_test(unfolded_texts_have_no_lines),
    };
    return cmocka_run_group_tests(tests, map_fixture_set_up, map_fixture_tear_down);
}
