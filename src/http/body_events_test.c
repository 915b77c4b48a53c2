#include "body.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Cuts a body and prints what came of it: "LINE:TEXT" for an event, at the end "." or
 * "!LINE POINTER". */
static const char *
cut(struct bytes text, enum body_type type, struct buffer *out)
{
    struct body_events events;
    struct body_event event;
    struct tally_error error;
    body_events_begin(&events, text, type);
    buffer_clear(out);
    tally_status status;
    for (uint64_t position = 0;; position++) {
        status = body_events_next(&events, &event, &error);
        if (status != TALLY_OK)
            break;
        assert_int_equal(event.position, position);
        buffer_format(out, "%llu:%.*s ", (unsigned long long)event.line, BYTES_ARG(event.text));
    }
    if (status == TALLY_INVALID)
        buffer_format(out, "!%llu %s", (unsigned long long)error.line, error.pointer);
    else
        buffer_text(out, ".");
    buffer_byte(out, 0);
    /* Whatever ended them, nothing follows. */
    assert_int_equal(body_events_next(&events, &event, &error), TALLY_ABSENT);
    return (const char *)out->data;
}

struct row {
    const char *text;
    const char *events;
    const char *why;
};

static void
check_rows(const struct row *rows, size_t count, enum body_type type)
{
    struct buffer out = { 0 };
    for (size_t i = 0; i < count; i++)
        if (strcmp(cut(bytes_text(rows[i].text), type, &out), rows[i].events) != 0)
            fail_msg("%s: %s", rows[i].why, (const char *)out.data);
    buffer_free(&out);
}

static void
arrays_and_objects(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", ".", "an empty body has no events" },
        { " \r\n\t", ".", "nor have blanks" },
        { "{}", "1:{} .", "an object" },
        { "\n {\"a\":\n1}\n", "2:{\"a\":\n1} .", "over lines, with blanks around it" },
        { "[]", ".", "an empty array" },
        { " [ \n ] \n", ".", "with blanks" },
        { "[{}]", "1:{} .", "an array of one" },
        { "[{},{}]", "1:{} 1:{} .", "of two" },
        { "[\n {\"a\":[1,2]} ,\r\n {}\n]\n", "2:{\"a\":[1,2]} 3:{} .", "on lines of their own" },
        { "[{\"a\":\"],{[\"},{}]", "1:{\"a\":\"],{[\"} 1:{} .", "what cuts, in a string" },
        { "[{\"a\":\"\\\"},{\"}]", "1:{\"a\":\"\\\"},{\"} .", "behind an escaped quote" },
        { "[{\"a\n\":\n1}, {}]", "1:{\"a\n\":\n1} 3:{} .", "lines in an event count" },
        { "[1, \"a,]\\\"\" ,true,[{}],null]", "1:1 1:\"a,]\\\"\" 1:true 1:[{}] 1:null .",
          "no objects, but values: batch_add says so" },
        { "[{]}]", "1:{] !1 /1", "kinds of brackets are for batch_add" },
        { "[{} {}]", "1:{} !1 /1", "no comma" },
        { "[{}\n;{}]", "1:{} !2 /1", "another sign" },
        { "[tru e]", "1:tru !1 /1", "no comma" },
        { "[1\"a\"]", "1:1 !1 /1", "no comma" },
        { "[{},]", "1:{} !1 /1", "nothing behind the last comma" },
        { "[{},,{}]", "1:{} !1 /1", "nothing between two" },
        { "[,{}]", "!1 /0", "nothing before the first" },
        { "[}]", "!1 /0", "an end without a beginning" },
        { "[", "!1 /0", "cut behind the bracket" },
        { "[{}\n", "1:{} !2 /1", "cut behind an event" },
        { "[{},", "1:{} !1 /1", "cut behind a comma" },
        { "[{}, {\"a\":[1]", "1:{} 1:{\"a\":[1] .", "cut in an event, which has no end then" },
        { "[{\"a\":\"b},{}] ", "1:{\"a\":\"b},{}] .", "a quote is missing" },
        { "[\"a]", "1:\"a] .", "in a string" },
        { "{\"a\":1", "1:{\"a\":1 .", "an object without an end" },
        { "[{}] x", "1:{} !1 ", "something behind the array" },
        { "[{}]\n]", "1:{} !2 ", "a bracket too many" },
        { "[{}][{}]", "1:{} !1 ", "another array" },
        { "[]{}", "!1 ", "an object behind an array" },
        { "{}\n{}", "!2 ", "lines, sent as JSON" },
        { "{},{}", "!1 ", "an array without its brackets" },
        { "{}}", "!1 ", "a brace too many" },
        { "\"a\"", "!1 ", "a string" },
        { "\n1", "!2 ", "a number" },
        { "}", "!1 ", "an end" },
        { "\xef\xbb\xbf{}", "!1 ", "a byte order mark" },
        { "\xef\xbb\xbf[]", "!1 ", "before an array" },
        { "\xef\xbb", "!1 ", "half of one is no JSON either" },
        { "[\xef\xbb\xbf{}]", "1:\xef\xbb\xbf !1 /1", "inside it is junk" },
    };
    check_rows(rows, sizeof rows / sizeof rows[0], BODY_JSON);
}

static void
lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", ".", "an empty body has no events" },
        { "\n\r\n \t\n", ".", "nor have empty lines" },
        { "{}\n", "1:{} .", "a line" },
        { "{}", "1:{} .", "the last line's end may be missing" },
        { "{}\n{}\n", "1:{} 2:{} .", "two" },
        { "{}\r\n{}\r\n", "1:{} 2:{} .", "ending in CRLF" },
        { "\n{}\n\n{}", "2:{} 4:{} .", "empty lines count as lines and not as events" },
        { " {\"a\": 1}\t\n", "1:{\"a\": 1} .", "blanks around it" },
        { "{\"a\":\n1}", "1:{\"a\": 2:1} .", "an object over two lines is none" },
        { "[{}]\n{}{}\nx\n", "1:[{}] 2:{}{} 3:x .", "what a line holds is for batch_add" },
        { "{}\r{}", "1:{}\r{} .", "a CR alone ends no line" },
        { "\xef\xbb\xbf{}\n", "!1 ", "a byte order mark" },
        { "{}\n\xef\xbb\xbf{}\n", "1:{} 2:\xef\xbb\xbf{} .", "on a later line: for batch_add" },
    };
    check_rows(rows, sizeof rows / sizeof rows[0], BODY_NDJSON);
}

static void
zero_bytes_are_bytes(void **state)
{
    (void)state;
    struct buffer out = { 0 };
    assert_string_equal(cut(bytes_of("\0", 1), BODY_JSON, &out), "!1 ");
    assert_string_equal(cut(bytes_of("[]\0", 3), BODY_JSON, &out), "!1 ");
    assert_string_equal(cut(bytes_of("[{}\0]", 5), BODY_JSON, &out), "1:{} !1 /1");
    assert_string_equal(cut(bytes_of("{}\0", 3), BODY_JSON, &out), "!1 ");
    buffer_free(&out);

    /* In a value they are for batch_add, like any other. */
    struct body_events events;
    struct body_event event;
    body_events_begin(&events, bytes_of("[1\0]", 4), BODY_JSON);
    assert_int_equal(body_events_next(&events, &event, NULL), TALLY_OK);
    assert_int_equal(event.text.size, 2);
}

static void
the_mark_is_named(void **state)
{
    (void)state;
    struct body_events events;
    struct body_event event;
    struct tally_error error;
    for (enum body_type type = BODY_JSON; type <= BODY_NDJSON; type++) {
        body_events_begin(&events, bytes_text("\xef\xbb\xbf{}"), type);
        assert_int_equal(body_events_next(&events, &event, &error), TALLY_INVALID);
        assert_non_null(strstr(error.text, "byte order mark"));
    }
}

static void
places(void **state)
{
    (void)state;
    static const struct {
        struct body_event event;
        uint64_t line;
        const char *pointer;
        uint64_t line_out;
        const char *pointer_out;
        const char *why;
    } rows[] = {
        { { .line = 5, .position = 2 }, 1, "/a", 5, "/a", "on the event's first line" },
        { { .line = 5, .position = 2 }, 3, "", 7, "", "two lines below it" },
        { { .line = 5, .position = 2 }, 0, "", 5, "", "somewhere in it" },
        { { .line = 5, .position = 2, .in_array = true }, 1, "/a", 5, "/2/a", "in an array" },
        { { .line = 5, .position = 0, .in_array = true }, 1, "", 5, "/0", "the event as a whole" },
        { { .line = 1, .position = UINT64_MAX, .in_array = true },
          1,
          "/a",
          1,
          "/18446744073709551615/a",
          "the largest position" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_error error = { .line = rows[i].line, .column = 7 };
        (void)snprintf(error.pointer, sizeof error.pointer, "%s", rows[i].pointer);
        body_event_place(&rows[i].event, &error);
        if (error.line != rows[i].line_out || strcmp(error.pointer, rows[i].pointer_out) != 0)
            fail_msg("%s: line %llu, %s", rows[i].why, (unsigned long long)error.line,
                     error.pointer);
        assert_int_equal(error.column, 0);
    }
    body_event_place(&rows[0].event, NULL);
}

/* A pointer that becomes too long ends in an ellipsis, wherever its characters end. */
static void
long_pointers_are_cut_between_characters(void **state)
{
    (void)state;
    struct body_event event = { .line = 1, .position = 12, .in_array = true };
    for (size_t ascii = 0; ascii < 4; ascii++) {
        struct tally_error error = { 0 };
        size_t size = 0;
        error.pointer[size++] = '/';
        for (size_t i = 0; i < ascii; i++)
            error.pointer[size++] = 'a';
        while (size + 3 < sizeof error.pointer) {
            memcpy(error.pointer + size, "\xe2\x82\xac", 3);
            size += 3;
        }
        body_event_place(&event, &error);
        size = strlen(error.pointer);
        assert_true(size < sizeof error.pointer && size > sizeof error.pointer - 5);
        assert_memory_equal(error.pointer, "/12/", 4);
        assert_string_equal(error.pointer + size - 3, "\xe2\x80\xa6");
        assert_int_equal((size - 3 - 4 - ascii) % 3, 0);
    }
}

/* ---- laws ---- */

static uint64_t
random_next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* An object of strict JSON, on one line or on several. */
static void
make_event(uint64_t *seed, bool lines_allowed, struct buffer *out)
{
    static const char *const values[] = {
        "1",
        "\"\"",
        "\"],[}{\"",
        "\"\\\"\"",
        "\"\\\\\"",
        "[]",
        "[{},[\"]\"]]",
        "{\"x\":{\"y\":[]}}",
        "\"\\\\\\\"}\"",
        "-1.5e3",
        "\"a, b\"",
        "\"\xc3\xa4\"",
        "null",
        "\"\\u007d\"",
        "true",
    };
    buffer_byte(out, '{');
    unsigned count = (unsigned)(random_next(seed) % 8);
    for (unsigned i = 0; i < count; i++) {
        const char *value = values[random_next(seed) % (sizeof values / sizeof values[0])];
        const char *blank = random_next(seed) % 2 == 0 ? "" : lines_allowed ? "\n " : " ";
        buffer_format(out, "%s%s\"m%u\":%s%s", i > 0 ? "," : "", blank, i, blank, value);
    }
    buffer_byte(out, '}');
}

/* cut(join(events)) = events, for both types, whatever blanks stand between them. */
static void
what_was_joined_comes_apart(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct buffer body = { 0 }, expected = { 0 }, event = { 0 }, out = { 0 };
    for (unsigned round = 0; round < 4000; round++) {
        enum body_type type = round % 2 == 0 ? BODY_JSON : BODY_NDJSON;
        static const char *const blanks[] = { "", " ", "\t ", "\n", "\r\n", "\n\n" };
        unsigned kinds = type == BODY_JSON ? 6 : 3;
        unsigned count = (unsigned)(random_next(&seed) % 20);
        unsigned line = 1;
        buffer_clear(&body);
        buffer_clear(&expected);
        buffer_text(&body, type == BODY_JSON ? "[" : "");
        for (unsigned i = 0; i < count; i++) {
            const char *before = blanks[random_next(&seed) % kinds];
            const char *after = blanks[random_next(&seed) % kinds];
            buffer_clear(&event);
            make_event(&seed, type == BODY_JSON, &event);
            buffer_format(&body, "%s%s%.*s%s", i > 0 && type == BODY_JSON ? "," : "", before,
                          BYTES_ARG(buffer_view(&event)), after);
            for (const char *c = before; *c != '\0'; c++)
                line += *c == '\n';
            buffer_format(&expected, "%u:%.*s ", line, BYTES_ARG(buffer_view(&event)));
            for (size_t k = 0; k < event.size; k++)
                line += event.data[k] == '\n';
            for (const char *c = after; *c != '\0'; c++)
                line += *c == '\n';
            if (type == BODY_NDJSON) {
                buffer_text(&body, random_next(&seed) % 2 == 0 ? "\n" : "\r\n");
                line++;
            }
        }
        buffer_text(&body, type == BODY_JSON ? "]" : "");
        buffer_bytes(&expected, bytes_of(".", 2));
        assert_string_equal(cut(buffer_view(&body), type, &out), (const char *)expected.data);
    }
    buffer_free(&body);
    buffer_free(&expected);
    buffer_free(&event);
    buffer_free(&out);
}

/* Whether every event is an object of strict JSON and nothing is broken between them. */
static bool
all_good(struct bytes text, struct json_tape *tape)
{
    struct body_events events;
    struct body_event event;
    body_events_begin(&events, text, BODY_JSON);
    for (;;) {
        tally_status status = body_events_next(&events, &event, NULL);
        if (status != TALLY_OK)
            return status == TALLY_ABSENT;
        if (json_scan(tape, event.text, NULL) != TALLY_OK ||
            tape->nodes[0].kind != JSON_KIND_OBJECT)
            return false;
    }
}

/* Whether the whole is an object, or an array of objects, of strict JSON, or blank. */
static bool
good_as_a_whole(struct bytes text, struct json_tape *tape)
{
    size_t size;
    if (json_scan_first(tape, text, &size, NULL) == TALLY_ABSENT)
        return true;
    if (json_scan(tape, text, NULL) != TALLY_OK)
        return false;
    if (tape->nodes[0].kind == JSON_KIND_OBJECT)
        return true;
    if (tape->nodes[0].kind != JSON_KIND_ARRAY)
        return false;
    for (uint32_t i = 1; i < tape->nodes[0].next; i = tape->nodes[i].next)
        if (tape->nodes[i].kind != JSON_KIND_OBJECT)
            return false;
    return true;
}

/* Every text of up to six tokens, of those that matter: good in pieces is good as a whole. */
static void
good_in_pieces_is_good_as_a_whole(void **state)
{
    (void)state;
    static const char *const tokens[] = { "{", "}", "[", "]", ",", "\"", "\\", "{\"a\":1}", "\n" };
    enum {
        TOKENS = sizeof tokens / sizeof tokens[0],
        LENGTH = 6
    };
    struct json_tape tape;
    assert_int_equal(json_tape_init(&tape, 256, NULL), TALLY_OK);
    unsigned count = 1, good = 0;
    for (unsigned length = 0; length <= LENGTH; length++, count *= TOKENS) {
        for (unsigned code = 0; code < count; code++) {
            char text[LENGTH * 8] = "";
            char *at = text;
            for (unsigned i = 0, left = code; i < length; i++, left /= TOKENS)
                at = stpcpy(at, tokens[left % TOKENS]);
            struct bytes view = bytes_of(text, (size_t)(at - text));
            bool whole = good_as_a_whole(view, &tape);
            if (all_good(view, &tape) != whole)
                fail_msg("%s", text);
            good += whole;
        }
    }
    assert_true(good > 150);
    json_tape_finish(&tape);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_and_objects),
        cmocka_unit_test(lines),
        cmocka_unit_test(zero_bytes_are_bytes),
        cmocka_unit_test(the_mark_is_named),
        cmocka_unit_test(places),
        cmocka_unit_test(long_pointers_are_cut_between_characters),
        cmocka_unit_test(what_was_joined_comes_apart),
        cmocka_unit_test(good_in_pieces_is_good_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
