#include "records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The names that are unwrapped, as many as a test sets. */
static const struct record_list envelopes[] = {
    { .name = BYTES("a") },
    { .name = BYTES("items") },
    { .outer = BYTES("b"), .name = BYTES("a") },
};
static size_t envelope_count;

/* What comes of a stream fed in chunks of `chunk` bytes: a line "3 {…}" for a record that begins on
 * line 3, "3! text" for an error. Caller frees. */
static struct buffer
read_all(struct bytes stream, size_t chunk)
{
    struct buffer log = { 0 };
    struct records *records;
    struct tally_error error;
    assert_int_equal(records_create(&records, &error), TALLY_OK);
    records_unwrap(records, envelopes, envelope_count);

    size_t at = 0;
    bool ended = false;
    for (;;) {
        struct record record;
        tally_status status = records_next(records, &record, &error);
        if (status == TALLY_OK) {
            buffer_format(&log, "%u ", (unsigned)record.line);
            buffer_bytes(&log, record.text);
            buffer_byte(&log, '\n');
        } else if (status == TALLY_INVALID) {
            buffer_format(&log, "%u! %s\n", (unsigned)error.line, error.text);
        } else {
            assert_int_equal(status, TALLY_ABSENT);
            if (ended)
                break;
            size_t size = stream.size - at < chunk ? stream.size - at : chunk;
            ended = size == 0;
            if (ended)
                records_end(records);
            else
                assert_int_equal(records_feed(records, bytes_of(stream.data + at, size), &error),
                                 TALLY_OK);
            at += size;
        }
    }
    records_destroy(records);
    assert_false(buffer_failed(&log));
    return log;
}

/* However the stream is cut, the same comes of it. */
static void
expect_log(struct bytes stream, const char *expected, const char *why)
{
    for (size_t chunk = 1; chunk <= stream.size + 1; chunk++) {
        struct buffer log = read_all(stream, chunk);
        if (!bytes_is(buffer_view(&log), expected))
            fail_msg("%s, %zu bytes at a time:\n%.*s", why, chunk, BYTES_ARG(buffer_view(&log)));
        buffer_free(&log);
    }
}

static void
every_shape(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *stream;
        const char *expected;
    } rows[] = {
        { "nothing", "", "" },
        { "blanks only", " \r\n\t\n", "" },
        { "one object", "{\"a\":1}", "1 {\"a\":1}\n" },
        { "the empty object", "{}", "1 {}\n" },
        { "one object over lines", "\n{\n \"a\": [\n1, {}\n]}\n", "2 {\n \"a\": [\n1, {}\n]}\n" },
        { "NDJSON", "{\"a\":1}\n{\"a\":2}\n", "1 {\"a\":1}\n2 {\"a\":2}\n" },
        { "NDJSON without the last line end", "{\"a\":1}\n{\"a\":2}",
          "1 {\"a\":1}\n2 {\"a\":2}\n" },
        { "CRLF and empty lines", "{}\r\n\r\n{}\r\n", "1 {}\n3 {}\n" },
        { "concatenated", "{}{} {}\n{}", "1 {}\n1 {}\n1 {}\n2 {}\n" },
        { "an array", "[{\"a\":1},\n {\"a\":2}]", "1 {\"a\":1}\n2 {\"a\":2}\n" },
        { "an empty array", " [ ] ", "" },
        { "arrays joined", "[{}]\n[{},{}]\n{}", "1 {}\n2 {}\n2 {}\n3 {}\n" },
        { "CloudTrail's file", "{\"Records\":[{\"a\":1},{\"a\":2}]}",
          "1 {\"a\":1}\n1 {\"a\":2}\n" },
        { "with blanks", "{ \"Records\" :\n[\n{}\n,\n{}\n]\n}\n", "3 {}\n5 {}\n" },
        { "with members behind", "{\"Records\":[{}],\"x\":{\"y\":[\"}\"]}}{\"b\":1}",
          "1 {}\n1 {\"b\":1}\n" },
        { "an empty one", "{\"Records\":[]}", "" },
        { "two of them joined", "{\"Records\":[{}]}\n{\"Records\":[{}]}", "1 {}\n2 {}\n" },
        { "Records that is no array", "{\"Records\":1}\n{\"Records\":{}}\n",
          "1 {\"Records\":1}\n2 {\"Records\":{}}\n" },
        { "Records in another place", "{\"a\":1,\"Records\":[{}]}",
          "1 {\"a\":1,\"Records\":[{}]}\n" },
        { "a name that begins like it", "{\"Recordses\":[{}]}", "1 {\"Recordses\":[{}]}\n" },
        { "a byte order mark", "\xef\xbb\xbf{}\n\xef\xbb\xbf[{}]", "1 {}\n2 {}\n" },
        { "brackets and escapes in strings", "{\"\\\"}{\":\"[\\\\\"}{}",
          "1 {\"\\\"}{\":\"[\\\\\"}\n1 {}\n" },
        { "literals and numbers", "{\"a\":[true,null,-1.5e+3,false]}",
          "1 {\"a\":[true,null,-1.5e+3,false]}\n" },
        { "what only json_scan refuses", "{\"a\":tru,\"b\":01,\"c\":\"\\q\xff\"}",
          "1 {\"a\":tru,\"b\":01,\"c\":\"\\q\xff\"}\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_log(bytes_text(rows[i].stream), rows[i].expected, rows[i].why);
}

#define NO_OBJECT "! a record is a JSON object and begins with {\n"
#define DAMAGED   "! the record is damaged: "

static void
damage_is_local(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *stream;
        const char *expected;
    } rows[] = {
        { "a string without its end", "{\"a\":\"x}\n{\"b\":1}\n",
          "1" DAMAGED "the line ends inside a string\n2 {\"b\":1}\n" },
        { "a string that ends in a backslash", "{\"a\":\"x\\\n{\"b\":1}\n",
          "1" DAMAGED "the line ends inside a string\n2 {\"b\":1}\n" },
        { "a bracket missing", "{\"a\":{\"x\":1}\n{\"b\":1}\n",
          "1" DAMAGED "a bracket opens where none may\n2 {\"b\":1}\n" },
        { "a bracket too many", "{\"a\":1}}\n{\"b\":1}\n",
          "1 {\"a\":1}\n1" NO_OBJECT "2 {\"b\":1}\n" },
        { "cut behind a comma", "{\"a\":1,\n{\"b\":1}\n",
          "1" DAMAGED "a bracket opens where none may\n2 {\"b\":1}\n" },
        { "cut behind a colon: the next lines seem to go on", "{\"a\":\n{\"b\":1}\n{\"c\":1}\n",
          "1" DAMAGED "a bracket opens where none may\n2 {\"b\":1}\n3 {\"c\":1}\n" },
        { "cut behind a colon, at the end", "{\"a\":\n{\"b\":1}\n",
          "1" DAMAGED "the input ends before it does\n2 {\"b\":1}\n" },
        { "the other bracket", "{\"a\":[1}\n{}",
          "1" DAMAGED "a bracket closes where none may\n2 {}\n" },
        { "a comma before the end", "{\"a\":1,}\n{}",
          "1" DAMAGED "a bracket closes where none may\n2 {}\n" },
        { "two commas", "{\"a\":[1,,2]}\n{}", "1" DAMAGED "a comma stands where none may\n2 {}\n" },
        { "no colon", "{\"a\" 1}\n{}",
          "1" DAMAGED "a comma, a colon or a quote is missing\n2 {}\n" },
        { "a colon in an array", "{\"a\":[1:2]}\n{}",
          "1" DAMAGED "a colon stands where none may\n2 {}\n" },
        { "no comma", "{\"a\":1 \"b\":2}\n{}",
          "1" DAMAGED "a comma, a colon or a quote is missing\n2 {}\n" },
        { "a name without quotes", "{a:1}\n{}",
          "1" DAMAGED "a comma, a colon or a quote is missing\n2 {}\n" },
        { "lines that are something else", "{}\nabc\n123\n\"x\"\n{}\n",
          "1 {}\n2" NO_OBJECT "3" NO_OBJECT "4" NO_OBJECT "5 {}\n" },
        { "something else behind a record", "{} abc\n{}\n", "1 {}\n1" NO_OBJECT "2 {}\n" },
        { "the lines of a damaged record are no records of their own",
          "{\n  \"a\": {\n    \"b\" 1\n  },\n\n  \"c\": [\n    {\n    }\n  ]\n}\n{\"d\":1}\n",
          "1" DAMAGED "a comma, a colon or a quote is missing\n11 {\"d\":1}\n" },
        { "nor is a bracket that closes it", "{\"a\" [\n 1\n]}\n{}\n",
          "1" DAMAGED "a bracket opens where none may\n4 {}\n" },
        { "an element that is no object", "[1,{\"a\":1},[{}],\"x\",{}]",
          "1! the array's element is no JSON object\n1 {\"a\":1}\n"
          "1! the array's element is no JSON object\n1! the array's element is no JSON object\n"
          "1 {}\n" },
        { "a comma behind the last element", "[{},\n]{}",
          "1 {}\n2! the array's last comma has nothing behind it\n2 {}\n" },
        { "a damaged element on its line", "[\n{\"a\":1},\n{\"b\" 1},\n{\"c\":1}\n]\n{}\n",
          "2 {\"a\":1}\n3" DAMAGED "a comma, a colon or a quote is missing\n4 {\"c\":1}\n6 {}\n" },
        { "a comma missing between elements", "[{\"a\":1}\n{\"b\":1},\n{\"c\":1}]\n",
          "1 {\"a\":1}\n2! between an array's elements a comma is missing\n3 {\"c\":1}\n" },
        { "an array that is not closed", "[{}, {}\n",
          "1 {}\n1 {}\n2! the input ends before its array of records does\n" },
        { "an array cut in an element",
          "[{},\n{\"a\":", "1 {}\n2" DAMAGED "the input ends before it does\n" },
        { "Records not closed", "{\"Records\":[{}]",
          "1 {}\n1! the input ends before its array of "
          "records does\n" },
        { "Records with damage behind", "{\"Records\":[{}] x}\n{}\n",
          "1 {}\n1! the object around the records is damaged: a comma, a colon or a quote is "
          "missing\n2 {}\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_log(bytes_text(rows[i].stream), rows[i].expected, rows[i].why);
}

static void
envelopes_are_unwrapped(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *stream;
        const char *expected;
    } rows[] = {
        { "the last member", "{\"kind\":\"L\",\"items\":[{\"x\":1},\n{\"x\":2}]}\n{}",
          "1 {\"x\":1}\n2 {\"x\":2}\n3 {}\n" },
        { "the first one", "{\"items\":[{}],\"a\":[{}],\"b\":{\"items\":[1]}}", "1 {}\n" },
        { "with blanks", "{ \"k\" : [1] , \n\"items\" :\t[ {} ] }", "2 {}\n" },
        { "an empty one", "{\"k\":1,\"items\":[]}{}", "1 {}\n" },
        { "deeper it is a member as any other", "{\"b\":{\"items\":[{}]}}",
          "1 {\"b\":{\"items\":[{}]}}\n" },
        { "so is what is no array", "{\"items\":{\"a\":[]}}", "1 {\"items\":{\"a\":[]}}\n" },
        { "a name that ends like it", "{\"myitems\":[{}],\"x\\\"items\":[{}]}",
          "1 {\"myitems\":[{}],\"x\\\"items\":[{}]}\n" },
        { "a name that begins like it", "{\"itemses\":[{}],\"item\":[{}]}",
          "1 {\"itemses\":[{}],\"item\":[{}]}\n" },
        { "elements of an array",
          "[{\"items\":[{\"x\":1}],\"k\":[2]},\n{},{\"k\":1,\"a\":[{}]}]\n{}",
          "1 {\"x\":1}\n2 {}\n2 {}\n3 {}\n" },
        { "but no element of an envelope", "{\"items\":[{\"items\":[{}]}]}",
          "1 {\"items\":[{}]}\n" },
        { "one deeper, where it is named so",
          "{\"k\":{\"a\":[3]},\"b\":{\"c\":[{}],\n\"a\":[{\"x\":1},{\"a\":[{}]}],\"d\":{}},\"e\":[{"
          "}]}\n{}",
          "2 {\"x\":1}\n2 {\"a\":[{}]}\n3 {}\n" },
        { "with blanks", "{ \"b\" :\n{ \"a\" : [ {} ] } }", "2 {}\n" },
        { "the inner object's place is the last one's", "{\"b\":{},\"k\":{\"a\":[{}]}}",
          "1 {\"b\":{},\"k\":{\"a\":[{}]}}\n" },
        { "not in a list of objects", "{\"b\":[{\"a\":[{}]}]}", "1 {\"b\":[{\"a\":[{}]}]}\n" },
        { "nor two deeper", "{\"k\":{\"b\":{\"a\":[{}]}}}", "1 {\"k\":{\"b\":{\"a\":[{}]}}}\n" },
        { "messages in an array",
          "[{\"b\":{\"a\":[{\"x\":1}]}},\n{\"b\":{\"a\":[]}},{\"b\":{\"a\":[{}]}}]",
          "1 {\"x\":1}\n2 {}\n" },
        { "damage behind one of them", "[{\"b\":{\"a\":[{}] x}},\n{\"x\":1}]\n{}",
          "1 {}\n1! the object around the records is damaged: a comma, a colon or a quote is "
          "missing\n2 {\"x\":1}\n3 {}\n" },
        { "cut in the inner array", "{\"b\":{\"a\":[{}]",
          "1 {}\n1! the input ends before its array of records does\n" },
        { "a damaged element", "{\"k\":1,\"items\":[\n{\"x\" 1},\n{\"x\":2}\n]}\n{}",
          "2" DAMAGED "a comma, a colon or a quote is missing\n3 {\"x\":2}\n5 {}\n" },
        { "damage before the array", "{\"k\" 1,\"items\":[{}]}\n{}",
          "1" DAMAGED "a comma, a colon or a quote is missing\n2 {}\n" },
        { "cut in the array", "{\"k\":1,\"items\":[{}",
          "1 {}\n1! the input ends before its array of records does\n" },
    };
    envelope_count = 3;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_log(bytes_text(rows[i].stream), rows[i].expected, rows[i].why);
    envelope_count = 0;
}

static void
utf16_is_named_once(void **state)
{
    (void)state;
    static const char text[] = "\xff\xfe{\0}\0\n\0{\0}\0";
    expect_log(bytes_of(text, sizeof text - 1),
               "1! the text is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8\n", "UTF-16");
    static const char bare[] = "[\0{\0}\0\n\0]\0";
    expect_log(bytes_of(bare, sizeof bare - 1),
               "1! the text is UTF-16; convert it first: iconv -f UTF-16LE -t UTF-8\n",
               "UTF-16 without a byte order mark");
}

/* A record of `size` bytes, a line end behind it. */
static void
append_record(struct buffer *stream, size_t size)
{
    buffer_text(stream, "{\"a\":\"");
    size_t room = size - strlen("{\"a\":\"\"}");
    uint8_t *at = buffer_reserve(stream, room);
    assert_non_null(at);
    memset(at, 'x', room);
    stream->size += room;
    buffer_text(stream, "\"}\n");
}

static void
records_have_a_limit(void **state)
{
    (void)state;
    struct buffer stream = { 0 };
    buffer_text(&stream, "{\"n\":1}\n");
    append_record(&stream, RECORD_SIZE_MAX);
    append_record(&stream, RECORD_SIZE_MAX + 1);
    append_record(&stream, 5 * RECORD_SIZE_MAX);
    buffer_text(&stream, "[{\"n\":2},");
    append_record(&stream, 5 * RECORD_SIZE_MAX);
    buffer_text(&stream, ",{\"n\":3}]");

    static const size_t chunks[] = { 1000, 65536, 262144, SIZE_MAX };
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        struct buffer log = read_all(buffer_view(&stream), chunks[i]);
        struct bytes view = buffer_view(&log);
        /* All but the one record that just fits, which is long. */
        static const char tail[] = "3! the record is larger than 2 MiB\n"
                                   "4! the record is larger than 2 MiB\n5 {\"n\":2}\n"
                                   "5! the record is larger than 2 MiB\n6 {\"n\":3}\n";
        assert_true(view.size > RECORD_SIZE_MAX + sizeof tail);
        assert_memory_equal(view.data, "1 {\"n\":1}\n2 {\"a\":\"xx", 19);
        assert_memory_equal(view.data + view.size - (sizeof tail - 1), tail, sizeof tail - 1);
        buffer_free(&log);
    }
    buffer_free(&stream);
}

/* What stands before an envelope's array has it, too, and that is said; what stands behind has none. */
static void
envelopes_have_a_limit(void **state)
{
    (void)state;
    struct buffer stream = { 0 };
    envelope_count = 3;
    buffer_text(&stream, "{\"x\":");
    append_record(&stream, RECORD_SIZE_MAX);
    buffer_text(&stream, ",\"items\":[{\"n\":1}]}\n{\"items\":[{\"n\":2}],\"x\":");
    append_record(&stream, RECORD_SIZE_MAX);
    buffer_text(&stream, "}\n{\"n\":3}");
    static const char wanted[] =
        "1! the record is larger than 2 MiB; what stands before the array of "
        "records in an envelope may not be larger either\n"
        "3 {\"n\":2}\n5 {\"n\":3}\n";
    static const size_t chunks[] = { 1000, 262144, SIZE_MAX };
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        struct buffer log = read_all(buffer_view(&stream), chunks[i]);
        if (!bytes_is(buffer_view(&log), wanted))
            fail_msg("%.*s", BYTES_ARG(buffer_view(&log)));
        buffer_free(&log);
    }
    buffer_free(&stream);
    envelope_count = 0;
}

/* Of 300 open brackets no more than OUTLINE_DEPTH_MAX are followed. */
static void
depth_has_a_limit(void **state)
{
    (void)state;
    struct buffer stream = { 0 };
    buffer_text(&stream, "{\"a\":");
    for (unsigned i = 0; i < 300; i++)
        buffer_byte(&stream, '[');
    for (unsigned i = 0; i < 300; i++)
        buffer_byte(&stream, ']');
    buffer_text(&stream, "}\n{}\n");
    struct buffer log = read_all(buffer_view(&stream), 100);
    assert_true(bytes_is(buffer_view(&log), "1" DAMAGED "it is nested too deep\n2 {}\n"));
    buffer_free(&log);
    buffer_free(&stream);
}

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Random texts of the bytes that matter: whatever comes of them does not depend on the cuts, and
 * records are given out in the order, with the lines and the bytes of the stream; with and without
 * envelopes. */
static void
cuts_do_not_matter(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"",
                                          "\\",
                                          "\n",
                                          " ",
                                          "a",
                                          "1",
                                          "{}",
                                          "[]",
                                          "\"a\":",
                                          "\r",
                                          "\xef",
                                          "{\"a\":1}\n",
                                          "{\"Records\":[",
                                          "\"b\"",
                                          "\xef\xbb\xbf",
                                          "{\"a\":[1,{\"b\":null}]}",
                                          "{\"b\":{\"a\":[" };
    uint32_t seed = 20260101;
    for (unsigned round = 0; round < 4000; round++) {
        struct buffer stream = { 0 };
        unsigned count = 1 + next_random(&seed) % 24;
        for (unsigned i = 0; i < count; i++)
            buffer_text(&stream, pieces[next_random(&seed) % (sizeof pieces / sizeof pieces[0])]);

        envelope_count = round % 2 * 3;
        struct buffer whole = read_all(buffer_view(&stream), SIZE_MAX);
        for (size_t chunk = 1; chunk < 8; chunk++) {
            struct buffer log = read_all(buffer_view(&stream), chunk);
            if (!bytes_equal(buffer_view(&log), buffer_view(&whole)))
                fail_msg("%.*s\n%.*s\n%.*s", BYTES_ARG(buffer_view(&stream)),
                         BYTES_ARG(buffer_view(&whole)), BYTES_ARG(buffer_view(&log)));
            buffer_free(&log);
        }
        buffer_free(&whole);
        buffer_free(&stream);
    }
    envelope_count = 0;
}

/* Good NDJSON with one line of many damaged: all the others come through. */
static void
one_damaged_line_costs_one_record(void **state)
{
    (void)state;
    static const char good[] = "{\"a\":{\"b\":[1,\"x\",{\"c\":null}]},\"d\":\"}{\"}\n";
    for (size_t place = 0; place < sizeof good - 2; place++) {
        for (size_t cut = 1; place + cut < sizeof good - 1; cut++) {
            struct buffer stream = { 0 };
            buffer_text(&stream, good);
            buffer_append(&stream, good, place);
            buffer_append(&stream, good + place + cut, sizeof good - 1 - place - cut);
            buffer_text(&stream, "{\"last\":1}\n");
            struct buffer log = read_all(buffer_view(&stream), SIZE_MAX);
            struct bytes view = buffer_view(&log);
            static const char tail[] = "{\"last\":1}\n";
            assert_true(view.size > sizeof tail);
            if (memcmp(view.data + view.size - (sizeof tail - 1), tail, sizeof tail - 1) != 0)
                fail_msg("%.*s\n%.*s", BYTES_ARG(buffer_view(&stream)), BYTES_ARG(view));
            buffer_free(&log);
            buffer_free(&stream);
        }
    }
}

static void
places_lines(void **state)
{
    (void)state;
    struct record record = { .line = 10 };
    struct tally_error error = { .line = 3 };
    record_place(&record, &error);
    assert_int_equal(error.line, 12);
    error.line = 0;
    record_place(&record, &error);
    assert_int_equal(error.line, 10);
    record_place(&record, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape),
        cmocka_unit_test(damage_is_local),
        cmocka_unit_test(envelopes_are_unwrapped),
        cmocka_unit_test(utf16_is_named_once),
        cmocka_unit_test(records_have_a_limit),
        cmocka_unit_test(envelopes_have_a_limit),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(one_damaged_line_costs_one_record),
        cmocka_unit_test(places_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
