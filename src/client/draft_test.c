#include "draft.h"

#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

/* 2026-11-21T03:37:50.123456789Z */
#define NOW   INT64_C(1795232270123456789)
#define STAMP "\"id\":\"i\",\"timestamp\":\"2026-01-02T03:04:05Z\""

static struct mask *mask;
static struct draft *draft;
static struct event_reader *reader;
static struct tally_error error;

static int
create(void **state)
{
    (void)state;
    assert_int_equal(mask_create(NULL, NULL, &mask, &error), TALLY_OK);
    assert_int_equal(draft_create(mask, &draft, &error), TALLY_OK);
    assert_int_equal(event_reader_create(catalogue_none(), &reader, &error), TALLY_OK);
    return 0;
}

static int
destroy(void **state)
{
    (void)state;
    draft_destroy(draft);
    draft_destroy(NULL);
    mask_destroy(mask);
    event_reader_destroy(reader);
    return 0;
}

static struct tally_context *
context_of(const char *json)
{
    struct tally_context *context = NULL;
    if (json != NULL &&
        tally_context_create_json(json, strlen(json), NULL, &context, &error) != TALLY_OK)
        fail_msg("%s: %s", error.pointer, error.text);
    return context;
}

/* What every line is: one line, and an event of the id that the draft says. */
static void
read_line(const struct draft *of, struct event *event)
{
    struct bytes line = draft_line(of);
    for (size_t i = 0; i < line.size; i++)
        assert_true(line.data[i] >= 0x20);
    event_reader_reset(reader);
    if (event_read(reader, line, NOW, event, &error) != TALLY_OK)
        fail_msg("%.*s\n%s: %s", BYTES_ARG(line), error.pointer, error.text);
    assert_true(bytes_equal(event->values[FIELD_ID], draft_id(of)));
    assert_true((event->sent & FIELD_BIT(FIELD_TIMESTAMP)) != 0);
}

static void
write_json(struct draft *to, const char *json, const char *context_json, const char *service)
{
    struct event event;
    struct tally_context *context = context_of(context_json);
    if (draft_write_json(to, bytes_text(json), context, service, &error) != TALLY_OK)
        fail_msg("%s\n%s: %s", json, error.pointer, error.text);
    tally_context_release(context);
    read_line(to, &event);
}

static void
lines(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *json;
        const char *context;
        const char *service;
        const char *line;
    } rows[] = {
        { "nothing to add", "{" STAMP ",\"action\":\"a\"}", NULL, NULL,
          "{" STAMP ",\"action\":\"a\"}" },
        { "blanks outside go, those inside stay, in one line",
          " \n{ " STAMP ",\r\n\t\"action\" : \"a\" ,\n\"details\":{\n\t\"x\": [\n1 ]}} \n", NULL,
          NULL, "{" STAMP ",   \"action\" : \"a\" , \"details\":{  \"x\": [ 1 ]}}" },
        { "tokens and escapes stay",
          "{" STAMP ",\"action\":\"\\u0061\\n\",\"details\":{\"n\":1.10e+5}}", NULL, NULL,
          "{" STAMP ",\"action\":\"\\u0061\\n\",\"details\":{\"n\":1.10e+5}}" },
        { "a service", "{" STAMP ",\"action\":\"a\"}", NULL, "s\"1",
          "{\"service\":\"s\\\"1\"," STAMP ",\"action\":\"a\"}" },
        { "a service that is there", "{" STAMP ",\"action\":\"a\",\"service\":\"own\"}", NULL, "s",
          "{" STAMP ",\"action\":\"a\",\"service\":\"own\"}" },
        { "a service of the context", "{" STAMP ",\"action\":\"a\"}", "{\"service\":\"c\"}", "s",
          "{\"service\":\"c\"," STAMP ",\"action\":\"a\"}" },
        { "a context", "{" STAMP ",\"action\":\"a\"}", "{\"user_id\":\"u\",\"status_code\":200}",
          NULL, "{\"status_code\":200,\"user_id\":\"u\"," STAMP ",\"action\":\"a\"}" },
        { "what is there wins", "{" STAMP ",\"action\":\"a\",\"user_id\":\"\"}",
          "{\"user_id\":\"u\",\"group_id\":\"g\"}", NULL,
          "{\"group_id\":\"g\"," STAMP ",\"action\":\"a\",\"user_id\":\"\"}" },
        { "null is absent", "{" STAMP ",\"user_id\":null,\"action\":\"a\"}", "{\"user_id\":\"u\"}",
          NULL, "{\"user_id\":\"u\"," STAMP ",\"action\":\"a\"}" },
        { "null first", "{\"user_id\":null," STAMP ",\"action\":\"a\"}", NULL, NULL,
          "{" STAMP ",\"action\":\"a\"}" },
        { "null last", "{" STAMP ",\"action\":\"a\", \"user_id\" : null }", NULL, NULL,
          "{" STAMP ",\"action\":\"a\"}" },
        { "nulls only but for the context",
          "{\"action\":null," STAMP ",\"user_id\":null,\"crud\":null}", "{\"action\":\"a\"}", NULL,
          "{\"action\":\"a\"," STAMP "}" },
        { "an unknown null stays", "{" STAMP ",\"action\":\"a\",\"color\":null}", NULL, NULL,
          "{" STAMP ",\"action\":\"a\",\"color\":null}" },
        { "names in escapes", "{" STAMP ",\"\\u0061ction\":\"a\",\"\\u0075ser_id\":null}",
          "{\"user_id\":\"u\"}", NULL, "{\"user_id\":\"u\"," STAMP ",\"\\u0061ction\":\"a\"}" },
        { "the context says what", "{" STAMP "}", "{\"event_type\":\"logout\"}", NULL,
          "{\"event_type\":\"logout\"," STAMP "}" },
        { "an empty action and the context's type", "{" STAMP ",\"action\":\"\"}",
          "{\"action\":\"x\",\"event_type\":\"t\"}", NULL,
          "{\"event_type\":\"t\"," STAMP ",\"action\":\"\"}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_json(draft, rows[i].json, rows[i].context, rows[i].service);
        if (!bytes_is(draft_line(draft), rows[i].line))
            fail_msg("%s:\n%.*s\n%s", rows[i].why, BYTES_ARG(draft_line(draft)), rows[i].line);
        assert_int_equal(draft_masked(draft), 0);
    }
}

/* A UUIDv7 and a time of now, where there is none; the line is otherwise the same. */
static void
stamps(void **state)
{
    (void)state;
    struct event event;
    char last[64] = "";
    static const char *const texts[] = { "{\"action\":\"a\"}", "{\"id\":null,\"action\":\"a\"}",
                                         "{\"timestamp\":null,\"action\":\"a\"}" };
    for (unsigned i = 0; i < 3; i++) {
        write_json(draft, texts[i], NULL, NULL);
        read_line(draft, &event);
        assert_int_equal(draft_id(draft).size, 36);
        assert_int_equal(draft_id(draft).data[14], '7');
        assert_true(memcmp(draft_id(draft).data, last, 36) > 0);
        memcpy(last, draft_id(draft).data, 36);
        assert_int_equal(event.present, FIELD_BIT(FIELD_ACTION) | FIELD_BIT(FIELD_ID) |
                                            FIELD_BIT(FIELD_TIMESTAMP));
        assert_true(event.timestamp > NOW / 2);
    }
    write_json(draft, "{\"action\":\"a\",\"id\":\"\\u0078\"}", NULL, NULL);
    assert_true(bytes_is(draft_id(draft), "x"));
    write_json(draft, "{\"action\":\"a\",\"timestamp\":\"2026-01-02 03:04:05\"}", NULL, NULL);
    read_line(draft, &event);
    assert_true(bytes_is(event.values[FIELD_TIMESTAMP], "2026-01-02T03:04:05Z"));
}

/* What the trail's reader refuses is refused here in its words, at the same place. */
static void
refused_as_by_the_reader(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "{",
        "null",
        "[]",
        "{\"action\":\"a\"} x",
        "{}",
        "{\"action\":\"\"}",
        "{\"action\":null}",
        "{\"user_id\":\"u\"}",
        "{\"action\":1}",
        "{\"action\":\"a\",\"action\":\"b\"}",
        "{\"action\":\"a\",\n \"v\":1}",
        "{\"action\":\"a\",\"index\":null}",
        "{\"action\":\"a\",\"control\":{}}",
        "{\"action\":\"a\",\"received\":\"x\"}",
        "{\"action\":\"a\",\"id\":\"\"}",
        "{\"action\":\"a\",\"id\":\"a b\"}",
        "{\"action\":\"a\",\"timestamp\":\"yesterday\"}",
        "{\"action\":\"a\",\"status\":\"maybe\"}",
        "{\"action\":\"a\",\"crud\":\"\"}",
        "{\"action\":\"a\",\"status_code\":\"200\"}",
        "{\"action\":\"a\",\"status_code\":200.0}",
        "{\"action\":\"a\",\"response_time_ms\":-1}",
        "{\"action\":\"a\",\"response_time_ms\":1e3}",
        "{\"action\":\"a\",\"details\":[]}",
        "{\"action\":\"a\",\"changes\":\"x\"}",
        "{\"action\":\"a\",\"details\":{\"x\":1},\"x\":2}",
        "{\"x\":2,\"action\":\"a\",\"details\":{\"y\":1,\"\\u0078\":1}}",
        "{\"action\":\"a\",\"details\":{\"x\":\"\\ud800\"}}",
        "{\"action\":\"\xff\"}",
        "{\"action\":\"a\",\"details\":{\"x\":tru}}",
    };
    struct buffer before = { 0 };
    write_json(draft, "{" STAMP ",\"action\":\"a\"}", NULL, NULL);
    buffer_bytes(&before, draft_line(draft));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event event;
        struct tally_error wanted;
        struct bytes text = bytes_text(rows[i]);
        assert_int_equal(event_read(reader, text, NOW, &event, &wanted), TALLY_INVALID);
        assert_int_equal(draft_write_json(draft, text, NULL, "s", &error), TALLY_INVALID);
        assert_int_equal(draft_write_json(draft, text, NULL, "s", NULL), TALLY_INVALID);
        if (strcmp(error.text, wanted.text) != 0 || strcmp(error.pointer, wanted.pointer) != 0)
            fail_msg("%s\n%s: %s\n%s: %s", rows[i], error.pointer, error.text, wanted.pointer,
                     wanted.text);
        assert_int_equal(error.line, wanted.line);
        assert_int_equal(error.column, wanted.column);
        assert_true(bytes_equal(draft_line(draft), buffer_view(&before)));
        assert_true(bytes_is(draft_id(draft), "i"));
    }
    buffer_free(&before);
}

/* 64 levels around the event fit; an unknown member has one less. */
static void
nesting(void **state)
{
    (void)state;
    for (unsigned depth = 60; depth < 66; depth++) {
        struct buffer json = { 0 };
        struct event event;
        buffer_text(&json, "{" STAMP ",\"action\":\"a\",\"x\":");
        for (unsigned i = 0; i < depth; i++)
            buffer_byte(&json, '[');
        for (unsigned i = 0; i < depth; i++)
            buffer_byte(&json, ']');
        buffer_byte(&json, '}');
        tally_status wanted = event_read(reader, buffer_view(&json), NOW, &event, NULL);
        assert_int_equal(wanted, depth <= 62 ? TALLY_OK : TALLY_INVALID);
        assert_int_equal(draft_write_json(draft, buffer_view(&json), NULL, NULL, &error), wanted);
        buffer_free(&json);
    }
}

/* Values of the same event, from the text and from the line. */
static void
check_same(struct bytes line, const char *json)
{
    struct event one, other;
    event_reader_reset(reader);
    if (event_read(reader, bytes_text(json), NOW, &one, &error) != TALLY_OK)
        fail_msg("%s: %s: %s", json, error.pointer, error.text);
    assert_int_equal(event_read(reader, line, NOW, &other, &error), TALLY_OK);
    one.sent &= ~FIELD_BIT(FIELD_TIMESTAMP);
    if (!event_equal(&one, other.values, 0))
        fail_msg("%s\n%.*s", json, BYTES_ARG(line));
}

static void
of_structs(void **state)
{
    (void)state;
    static const double durations[] = { 0,    0.5,  1,    12.25, 0.000001,  1234567.891,
                                        1e11, 5e12, 1e15, 1e20,  0.0000004, 999999.9999999 };
    static const char *const tokens[] = { "0",
                                          "0.5",
                                          "1",
                                          "12.25",
                                          "0.000001",
                                          "1234567.891",
                                          "100000000000",
                                          "5000000000000",
                                          "1000000000000000",
                                          "100000000000000000000",
                                          "0",
                                          "1000000" };
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        char json[2048];
        (void)snprintf(
            json, sizeof json,
            "{" STAMP ",\"event_type\":\"login_success\",\"action\":\"user.login\",\"crud\":\"R\","
            "\"severity\":\"LOW\",\"resource_type\":\"t\",\"resource_id\":\"\",\"endpoint\":\"/e\","
            "\"method\":\"GET\",\"user_id\":\"u\\u00e9\\\"\\\\\\n\\u0001/\",\"user_email\":\"m\","
            "\"group_id\":\"g\",\"actor_type\":\"user\",\"on_behalf_of\":\"o\","
            "\"session_id\":\"s\",\"ip_address\":\"::1\",\"user_agent\":\"a\","
            "\"status\":\"success\",\"status_code\":204,\"response_time_ms\":%s,"
            "\"error_message\":\"e\",\"request_id\":\"r\",\"correlation_id\":\"c\","
            "\"trace_id\":\"t\",\"service\":\"sv\",\"message\":\"\\ud83d\\ude00\","
            "\"details\":{\"b\":[1,{\"a\":null}],\"a\":1.0},"
            "\"changes\":{\"f\":{\"before\":1,\"after\":2}}}",
            tokens[i]);
        const struct tally_event event = {
            sizeof event,
            "login_success",
            "user.login",
            "R",
            "LOW",
            "t",
            "",
            "/e",
            "GET",
            "u\xc3\xa9\"\\\n\001/",
            "m",
            "g",
            "user",
            "o",
            "s",
            "::1",
            "a",
            "success",
            204,
            &durations[i],
            "e",
            "i",
            "2026-01-02T03:04:05Z",
            "r",
            "c",
            "t",
            "sv",
            "\xf0\x9f\x98\x80",
            " {\"b\":[1,{\"a\":null}],\n\t\"a\":1.0} \n",
            "{\"f\":{\"before\":1,\"after\":2}}",
        };
        struct event read;
        if (draft_write(draft, &event, NULL, "other", &error) != TALLY_OK)
            fail_msg("%s: %s", error.pointer, error.text);
        read_line(draft, &read);
        assert_int_equal(read.sent, FIELDS_ALL & ~FIELDS_SERVER_SET);
        check_same(draft_line(draft), json);
    }
}

/* One member at a time, with texts of many sizes and characters, against its JSON. */
static void
each_text_member(void **state)
{
    (void)state;
    static const char characters[] = "abcdefghijklmnopq\"\\\n\x01\x7f/ zyxwv";
    for (unsigned size = 0; size < 60; size++) {
        char text[64];
        struct buffer json = { 0 };
        for (unsigned i = 0; i < size; i++)
            text[i] = characters[i * 7 % (sizeof characters - 1)];
        text[size] = '\0';
        buffer_text(&json, "{\"action\":\"a\",\"message\":");
        json_write_string(bytes_of(text, size), &json);
        buffer_append(&json, "}", 2);
        assert_int_equal(
            draft_write(draft, TALLY_EVENT(.action = "a", .message = text), NULL, NULL, &error),
            TALLY_OK);
        struct event one, other;
        event_reader_reset(reader);
        assert_int_equal(event_read(reader, bytes_text((const char *)json.data), NOW, &one, NULL),
                         TALLY_OK);
        assert_int_equal(event_read(reader, draft_line(draft), NOW, &other, NULL), TALLY_OK);
        assert_true(bytes_equal(one.values[FIELD_MESSAGE], other.values[FIELD_MESSAGE]));
        buffer_free(&json);
    }
}

static void
refused_structs(void **state)
{
    (void)state;
    static const double negative = -1, infinite = INFINITY, huge = DBL_MAX, none = NAN;
    static char long_text[300];
    memset(long_text, 'x', sizeof long_text - 1);
    const struct {
        struct tally_event event;
        const char *pointer;
        const char *text;
    } rows[] = {
        { TALLY_EVENT_INIT, "", "what happened?" },
        { { 0 }, "", "TALLY_EVENT_INIT" },
        { *TALLY_EVENT(.user_id = "u"), "", "what happened?" },
        { *TALLY_EVENT(.action = ""), "", "what happened?" },
        { *TALLY_EVENT(.action = "a", .user_id = long_text), "/user_id", "299 bytes, at most 256" },
        { *TALLY_EVENT(.action = "a", .user_id = "a\xc3"), "/user_id", "not valid UTF-8" },
        { *TALLY_EVENT(.action = "a", .status = "no"), "/status", "one of success" },
        { *TALLY_EVENT(.action = "a", .id = "a b"), "/id", "1 to 64 characters" },
        { *TALLY_EVENT(.action = "a", .timestamp = "now"), "/timestamp", "RFC 3339" },
        { *TALLY_EVENT(.action = "a", .status_code = 99), "/status_code", "from 100 to 999" },
        { *TALLY_EVENT(.action = "a", .status_code = -200), "/status_code", "from 100 to 999" },
        { *TALLY_EVENT(.action = "a", .response_time_ms = &negative), "/response_time_ms",
          "no sign" },
        { *TALLY_EVENT(.action = "a", .response_time_ms = &infinite), "/response_time_ms",
          "finite" },
        { *TALLY_EVENT(.action = "a", .response_time_ms = &none), "/response_time_ms", "finite" },
        { *TALLY_EVENT(.action = "a", .response_time_ms = &huge), "/response_time_ms",
          "at most 32 characters" },
        { *TALLY_EVENT(.action = "a", .details = "[]"), "/details", "an object, not an array" },
        { *TALLY_EVENT(.action = "a", .details = ""), "/details", "there is no JSON value" },
        { *TALLY_EVENT(.action = "a", .details = "{}{}"), "/details", "something follows" },
        { *TALLY_EVENT(.action = "a", .details = "{},\"user_id\":\"x\""), "/details",
          "something follows" },
        { *TALLY_EVENT(.action = "a", .details = "{\"a\":\"", .changes = "\"}"), "/details/a",
          "does not end" },
        { *TALLY_EVENT(.action = "a", .details = "{\"a\":{\"b\":x}}"), "/details/a/b",
          "a value is missing" },
        { *TALLY_EVENT(.action = "a", .changes = "{\"a\":1,\"a\":1}"), "/changes/a",
          "occurs twice" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tally_status status = draft_write(draft, &rows[i].event, NULL, NULL, &error);
        if (status != TALLY_INVALID || strcmp(error.pointer, rows[i].pointer) != 0 ||
            strstr(error.text, rows[i].text) == NULL)
            fail_msg("%zu: %d %s: %s", i, status, error.pointer, error.text);
    }
    assert_int_equal(draft_write(draft, NULL, NULL, NULL, &error), TALLY_INVALID);

    const struct tally_event *wrong =
        TALLY_EVENT(.action = "a", .message = "long", .details = " {\n\"a\" 1}");
    assert_int_equal(draft_write(draft, wrong, NULL, NULL, &error), TALLY_INVALID);
    assert_true(error.line == 2 && error.column == 5);
    wrong = TALLY_EVENT(.action = "a", .message = "long", .details = "{\"a\" 1}");
    assert_int_equal(draft_write(draft, wrong, NULL, NULL, &error), TALLY_INVALID);
    assert_true(error.line == 1 && error.column == 6);
}

/* Programs that were compiled with an older and with a newer header. */
static void
other_sizes(void **state)
{
    (void)state;
    struct {
        struct tally_event event;
        const char *newer;
    } later = { TALLY_EVENT_INIT, NULL };
    struct tally_event older = TALLY_EVENT_INIT;
    struct event event;
    older.action = "a";
    older.user_id = "behind what the program knows";
    older.size = offsetof(struct tally_event, user_id);
    assert_int_equal(draft_write(draft, &older, NULL, NULL, &error), TALLY_OK);
    read_line(draft, &event);
    assert_null(event.values[FIELD_USER_ID].data);

    later.event.action = "a";
    later.event.size = sizeof later;
    assert_int_equal(draft_write(draft, &later.event, NULL, NULL, &error), TALLY_OK);
    later.newer = "x";
    assert_int_equal(draft_write(draft, &later.event, NULL, NULL, &error), TALLY_UNSUPPORTED);
}

static void
services(void **state)
{
    (void)state;
    char text[300];
    struct bytes json = BYTES("{\"action\":\"a\"}");
    memset(text, 's', sizeof text);
    text[256] = '\0';
    assert_int_equal(draft_write_json(draft, json, NULL, text, &error), TALLY_OK);
    text[256] = 's';
    text[257] = '\0';
    assert_int_equal(draft_write_json(draft, json, NULL, text, &error), TALLY_INVALID);
    assert_int_equal(draft_write_json(draft, json, NULL, "\xff", &error), TALLY_INVALID);
}

struct masking_row {
    const char *why;
    const char *json; /* behind the stamp */
    const char *line;
    unsigned count;
};

static void
check_masking(struct draft *with, const struct masking_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char json[1024], line[1024];
        (void)snprintf(json, sizeof json, "{" STAMP ",%s}", rows[i].json);
        (void)snprintf(line, sizeof line, "{" STAMP ",%s}", rows[i].line);
        write_json(with, json, NULL, NULL);
        if (!bytes_is(draft_line(with), line))
            fail_msg("%s:\n%.*s\n%s", rows[i].why, BYTES_ARG(draft_line(with)), line);
        assert_int_equal(draft_masked(with), rows[i].count);
    }
}

static void
masked_by_name(void **state)
{
    (void)state;
    static const struct masking_row rows[] = {
        { "in details", "\"action\":\"a\",\"details\":{\"password\":\"x\",\"user\":\"u\"}",
          "\"action\":\"a\",\"details\":{\"password\":\"[masked]\",\"user\":\"u\"}", 1 },
        { "whatever its type",
          "\"action\":\"a\",\"details\":{\"pin\":1,\"cvc\":true,\"token\":[1,{\"a\":2}],"
          "\"secret\":{\"a\":\"b\"}, \"pwd\" : \"\" }",
          "\"action\":\"a\",\"details\":{\"pin\":\"[masked]\",\"cvc\":\"[masked]\","
          "\"token\":\"[masked]\",\"secret\":\"[masked]\", \"pwd\" : \"[masked]\" }",
          5 },
        { "null says that there is none", "\"action\":\"a\",\"details\":{\"password\":null}",
          "\"action\":\"a\",\"details\":{\"password\":null}", 0 },
        { "at any depth", "\"action\":\"a\",\"details\":{\"a\":[{\"b\":{\"db_password\":\"x\"}}]}",
          "\"action\":\"a\",\"details\":{\"a\":[{\"b\":{\"db_password\":\"[masked]\"}}]}", 1 },
        { "names in escapes", "\"action\":\"a\",\"details\":{\"\\u0070in\":\"x\"}",
          "\"action\":\"a\",\"details\":{\"\\u0070in\":\"[masked]\"}", 1 },
        { "changes keep their shape",
          "\"action\":\"a\",\"changes\":{\"password\":{\"before\":\"x\",\"after\":{\"a\":1}},"
          "\"name\":{\"before\":\"x\",\"after\":{\"pin\":1}},\"token\":7}",
          "\"action\":\"a\",\"changes\":{\"password\":{\"before\":\"[masked]\","
          "\"after\":\"[masked]\"},\"name\":{\"before\":\"x\",\"after\":{\"pin\":\"[masked]\"}},"
          "\"token\":\"[masked]\"}",
          4 },
        { "members that are no field", "\"token\":\"x\",\"action\":\"a\",\"extra\":{\"ssn\":1}",
          "\"token\":\"[masked]\",\"action\":\"a\",\"extra\":{\"ssn\":\"[masked]\"}", 2 },
        { "fields are never secrets by name", "\"action\":\"token\",\"user_id\":\"password\"",
          "\"action\":\"token\",\"user_id\":\"password\"", 0 },
        { "what stands beside it stays", "\"action\":\"a\",\"details\":{\"a\":1,\"pin\":2,\"b\":3}",
          "\"action\":\"a\",\"details\":{\"a\":1,\"pin\":\"[masked]\",\"b\":3}", 1 },
        { "of several, what is no count",
          "\"action\":\"a\",\"details\":{\"tokens\":512,\"cookies\":{\"a\":1},\"pins\":[1],"
          "\"secrets\":true}",
          "\"action\":\"a\",\"details\":{\"tokens\":512,\"cookies\":\"[masked]\","
          "\"pins\":\"[masked]\",\"secrets\":true}",
          2 },
        { "pairs in an array",
          "\"action\":\"a\",\"details\":{\"h\":[[\"Authorization\",\"x\"],[\"Host\",\"h\"],"
          "[\"pin\"],[\"pin\",\"a\",\"b\"],[]],\"f\":[\"password\",\"email\"]}",
          "\"action\":\"a\",\"details\":{\"h\":[[\"Authorization\",\"[masked]\"],[\"Host\",\"h\"],"
          "[\"pin\"],[\"pin\",\"a\",\"b\"],[]],\"f\":[\"password\",\"email\"]}",
          1 },
        { "members called name and value",
          "\"action\":\"a\",\"details\":{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"x\"},"
          "{\"name\":\"A\",\"value\":\"y\"},{\"new_value\":2,\"old_value\":1,\"field\":\"pin\"},"
          "{\"ParameterKey\":\"Token\",\"ParameterValue\":{}},{\"value\":\"z\",\"name\":1}]}",
          "\"action\":\"a\",\"details\":{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"[masked]\"}"
          ","
          "{\"name\":\"A\",\"value\":\"y\"},{\"new_value\":\"[masked]\","
          "\"old_value\":\"[masked]\",\"field\":\"pin\"},"
          "{\"ParameterKey\":\"Token\",\"ParameterValue\":\"[masked]\"},"
          "{\"value\":\"z\",\"name\":1}]}",
          4 },
        { "in texts",
          "\"action\":\"a\",\"endpoint\":\"/r?token=x\",\"message\":\"{\\\"pin\\\":1}\","
          "\"error_message\":\"https://u:p@h\",\"details\":{\"q\":[\"cvv=1\"]},"
          "\"user_id\":\"pin=1\"",
          "\"action\":\"a\",\"endpoint\":\"/r?token=[masked]\","
          "\"message\":\"{\\\"pin\\\":[masked]}\","
          "\"error_message\":\"https://u:[masked]@h\",\"details\":{\"q\":[\"cvv=[masked]\"]},"
          "\"user_id\":\"pin=1\"",
          4 },
        { "beside a null that goes", "\"crud\":null,\"token\":1,\"action\":\"a\"",
          "\"token\":\"[masked]\",\"action\":\"a\"", 1 },
    };
    check_masking(draft, rows, sizeof rows / sizeof *rows);
}

static void
masked_card_numbers(void **state)
{
    (void)state;
    static const struct masking_row rows[] = {
        { "in free text", "\"action\":\"a\",\"message\":\"card 4111111111111111, \\\"ok\\\"\"",
          "\"action\":\"a\",\"message\":\"card [masked], \\\"ok\\\"\"", 1 },
        { "in an error", "\"action\":\"a\",\"error_message\":\"4111 1111 1111 1111\"",
          "\"action\":\"a\",\"error_message\":\"[masked]\"", 1 },
        { "in details, as text and as number",
          "\"action\":\"a\",\"details\":{\"n\":4111111111111111,\"t\":[\"4111111111111111\"],"
          "\"m\":4111111111111112}",
          "\"action\":\"a\",\"details\":{\"n\":\"[masked]\",\"t\":[\"[masked]\"],"
          "\"m\":4111111111111112}",
          2 },
        { "in changes and what is no field",
          "\"action\":\"a\",\"changes\":{\"x\":{\"after\":\"4111111111111111\"}},"
          "\"y\":\"4111111111111111\"",
          "\"action\":\"a\",\"changes\":{\"x\":{\"after\":\"[masked]\"}},\"y\":\"[masked]\"", 2 },
        { "with digits in escapes", "\"action\":\"a\",\"message\":\"\\u0034111111111111111\\n\"",
          "\"action\":\"a\",\"message\":\"[masked]\\n\"", 1 },
        { "two in one text are one value",
          "\"action\":\"a\",\"message\":\"4111111111111111 5500005555555559\"",
          "\"action\":\"a\",\"message\":\"[masked] [masked]\"", 1 },
        { "not in other fields", "\"action\":\"4111111111111111\",\"user_id\":\"4111111111111111\"",
          "\"action\":\"4111111111111111\",\"user_id\":\"4111111111111111\"", 0 },
    };
    check_masking(draft, rows, sizeof rows / sizeof *rows);
}

static void
masked_by_expression(void **state)
{
    (void)state;
    static const char *const patterns[] = { "sk_[a-z0-9]+", "x", NULL };
    static const struct masking_row rows[] = {
        { "in any text", "\"action\":\"sk_1\",\"user_id\":\"a sk_2 b\",\"message\":\"sk_3\"",
          "\"action\":\"[masked]\",\"user_id\":\"a [masked] b\",\"message\":\"[masked]\"", 3 },
        { "in details, values only", "\"action\":\"a\",\"details\":{\"sk_1\":\"sk_1\"}",
          "\"action\":\"a\",\"details\":{\"sk_1\":\"[masked]\"}", 1 },
        { "not what is one of a few words",
          "\"action\":\"a\",\"severity\":\"low\",\"status\":\"success\"",
          "\"action\":\"a\",\"severity\":\"low\",\"status\":\"success\"", 0 },
        { "what becomes too long is masked whole",
          "\"action\":\"xaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxaxa\"",
          "\"action\":\"[masked]\"", 1 },
    };
    struct mask *with;
    struct draft *masking;
    assert_int_equal(mask_create(NULL, patterns, &with, &error), TALLY_OK);
    assert_int_equal(draft_create(with, &masking, &error), TALLY_OK);
    check_masking(masking, rows, sizeof rows / sizeof *rows);

    write_json(masking, "{\"id\":\"sk_1\",\"timestamp\":\"2026-01-02T03:04:05Z\"}",
               "{\"action\":\"sk_1\",\"status\":\"success\",\"user_id\":\"u\","
               "\"user_agent\":\"a sk_2\",\"status_code\":200}",
               "sk_3");
    if (!bytes_is(draft_line(masking),
                  "{\"action\":\"[masked]\",\"status\":\"success\",\"status_code\":200,"
                  "\"user_agent\":\"a [masked]\",\"user_id\":\"u\",\"service\":\"[masked]\","
                  "\"id\":\"sk_1\",\"timestamp\":\"2026-01-02T03:04:05Z\"}"))
        fail_msg("%.*s", BYTES_ARG(draft_line(masking)));
    assert_int_equal(draft_masked(masking), 3);
    draft_destroy(masking);
    mask_destroy(with);
}

/* A context's message is looked through for card numbers without expressions too. */
static void
masked_in_contexts(void **state)
{
    (void)state;
    write_json(draft, "{" STAMP ",\"action\":\"a\"}",
               "{\"message\":\"4111111111111111\",\"user_id\":\"u\"}", NULL);
    if (!bytes_is(draft_line(draft),
                  "{\"message\":\"[masked]\",\"user_id\":\"u\"," STAMP ",\"action\":\"a\"}"))
        fail_msg("%.*s", BYTES_ARG(draft_line(draft)));
    assert_int_equal(draft_masked(draft), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(stamps),
        cmocka_unit_test(refused_as_by_the_reader),
        cmocka_unit_test(nesting),
        cmocka_unit_test(of_structs),
        cmocka_unit_test(each_text_member),
        cmocka_unit_test(refused_structs),
        cmocka_unit_test(other_sizes),
        cmocka_unit_test(services),
        cmocka_unit_test(masked_by_name),
        cmocka_unit_test(masked_card_numbers),
        cmocka_unit_test(masked_by_expression),
        cmocka_unit_test(masked_in_contexts),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
