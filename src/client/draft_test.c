/*
 * draft_test.c - events as JSON, and what a draft makes of them. Those that are structs are
 * draft_event_test.c's, secrets draft_masking_test.c's.
 */
#include "draft_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(stamps),
        cmocka_unit_test(refused_as_by_the_reader),
        cmocka_unit_test(nesting),
        cmocka_unit_test(services),
    };
    return cmocka_run_group_tests(tests, draft_set_up, draft_tear_down);
}
