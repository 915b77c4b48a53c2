/*
 * draft_event_test.c - events that are structs.
 */
#include "draft_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

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

/* The event that has all members, and as JSON, but for the token of its duration. */
#define FULL_JSON                                                                            \
    "{" STAMP ",\"event_type\":\"login_success\",\"action\":\"user.login\",\"crud\":\"R\","  \
    "\"severity\":\"LOW\",\"resource_type\":\"t\",\"resource_id\":\"\",\"endpoint\":\"/e\"," \
    "\"method\":\"GET\",\"user_id\":\"u\\u00e9\\\"\\\\\\n\\u0001/\",\"user_email\":\"m\","   \
    "\"group_id\":\"g\",\"actor_type\":\"user\",\"on_behalf_of\":\"o\","                     \
    "\"session_id\":\"s\",\"ip_address\":\"::1\",\"user_agent\":\"a\","                      \
    "\"status\":\"success\",\"status_code\":204,\"response_time_ms\":%s,"                    \
    "\"error_message\":\"e\",\"request_id\":\"r\",\"correlation_id\":\"c\","                 \
    "\"trace_id\":\"t\",\"service\":\"sv\",\"message\":\"\\ud83d\\ude00\","                  \
    "\"details\":{\"b\":[1,{\"a\":null}],\"a\":1.0},"                                        \
    "\"changes\":{\"f\":{\"before\":1,\"after\":2}}}"

static struct tally_event
full_event(const double *duration)
{
    return (struct tally_event){
        sizeof(struct tally_event),
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
        duration,
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
        (void)snprintf(json, sizeof json, FULL_JSON, tokens[i]);
        const struct tally_event event = full_event(&durations[i]);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_structs),
        cmocka_unit_test(each_text_member),
        cmocka_unit_test(refused_structs),
        cmocka_unit_test(other_sizes),
    };
    return cmocka_run_group_tests(tests, draft_set_up, draft_tear_down);
}
