#include "compose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct json_tape tape;
static struct json_tape scanned;
static struct buffer text;
static struct composing composing = { &tape, &text };
static struct tally_error error;

static int
create(void **state)
{
    (void)state;
    assert_int_equal(json_tape_init(&tape, 4096, NULL), TALLY_OK);
    assert_int_equal(json_tape_init(&scanned, 4096, NULL), TALLY_OK);
    return 0;
}

static int
destroy(void **state)
{
    (void)state;
    json_tape_finish(&tape);
    json_tape_finish(&scanned);
    buffer_free(&text);
    return 0;
}

/* The text is JSON, and its tape is the one that scanning it gives; but a name's `next`. */
static void
check_tape(void)
{
    struct bytes json = buffer_view(&text);
    if (json_scan(&scanned, json, &error) != TALLY_OK)
        fail_msg("%.*s: %s", BYTES_ARG(json), error.text);
    assert_int_equal(tape.count, scanned.count);
    assert_int_equal(tape.depth, scanned.depth);
    assert_true(bytes_equal(tape.text, json));
    for (uint32_t i = 0; i < tape.count; i++) {
        const struct json_node *a = &tape.nodes[i], *b = &scanned.nodes[i];
        assert_int_equal(a->start, b->start);
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->escaped, b->escaped);
        assert_int_equal(a->depth, b->depth);
    }
    for (uint32_t i = 1; i < tape.nodes[0].next; i = tape.nodes[i + 1].next) {
        assert_int_equal(tape.nodes[i + 1].next, scanned.nodes[i + 1].next);
        assert_true(bytes_equal(json_inside(&tape, i), fields[tape.nodes[i].next].name));
    }
    assert_int_equal(tape.nodes[0].next, scanned.nodes[0].next);
}

static void
what_is_composed(void **state)
{
    (void)state;
    compose_begin(&composing);
    assert_int_equal(compose_end(&composing, &error), TALLY_OK);
    assert_true(bytes_is(buffer_view(&text), "{}"));
    check_tape();

    compose_begin(&composing);
    assert_int_equal(compose_string(&composing, FIELD_ACTION, bytes_text(""), &error), TALLY_OK);
    assert_int_equal(
        compose_json(&composing, FIELD_DETAILS, bytes_text(" {\"x\":[1,{\"y\":null}]}\n"), &error),
        TALLY_OK);
    assert_int_equal(compose_number(&composing, FIELD_STATUS_CODE, bytes_text("1.50"), &error),
                     TALLY_OK);
    assert_int_equal(compose_json(&composing, FIELD_CHANGES, bytes_text("true"), &error), TALLY_OK);
    assert_int_equal(
        compose_string(&composing, FIELD_MESSAGE, bytes_text("\xc3\xa9\n\"\\\x01/"), &error),
        TALLY_OK);
    assert_int_equal(compose_end(&composing, &error), TALLY_OK);
    assert_true(bytes_is(
        buffer_view(&text),
        "{\"action\":\"\",\"details\": {\"x\":[1,{\"y\":null}]}\n,"
        "\"status_code\":1.50,\"changes\":true,\"message\":\"\xc3\xa9\\n\\\"\\\\\\u0001/\"}"));
    check_tape();
}

/* One special character at every place of strings of many sizes. */
static void
strings(void **state)
{
    (void)state;
    static const char *const special[] = { "x", "\"", "\\", "\n", "\x1f", "\x7f", "\xe2\x82\xac" };
    for (size_t s = 0; s < sizeof special / sizeof *special; s++) {
        for (int size = 0; size < 40; size++) {
            for (int at = 0; at <= size; at++) {
                char value[96];
                (void)snprintf(value, sizeof value, "%.*s%s%.*s", at,
                               "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop", special[s], size - at,
                               "0123456789012345678901234567890123456789");
                compose_begin(&composing);
                assert_int_equal(
                    compose_string(&composing, FIELD_USER_ID, bytes_text(value), &error), TALLY_OK);
                assert_int_equal(compose_end(&composing, &error), TALLY_OK);
                check_tape();
                assert_true(json_string_is(&tape, 2, bytes_text(value)));
            }
        }
    }
}

static void
refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *pointer;
        const char *text;
        uint32_t column;
    } rows[] = {
        { "", "/user_id", "there is no JSON value", 1 },
        { " {} {}", "/user_id", "something follows", 5 },
        { "{},\"m\":1", "/user_id", "something follows", 3 },
        { "{\"a\":[1,x]}", "/user_id/a/1", "a value is missing", 9 },
        { "{\"a\":1,\"a\":2}", "/user_id/a", "occurs twice", 8 },
        { "\"", "/user_id", "does not end", 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        compose_begin(&composing);
        assert_int_equal(compose_string(&composing, FIELD_ACTION, bytes_text("b"), &error),
                         TALLY_OK);
        assert_int_equal(compose_json(&composing, FIELD_USER_ID, bytes_text(rows[i].json), &error),
                         TALLY_INVALID);
        if (strcmp(error.pointer, rows[i].pointer) != 0 || error.column != rows[i].column ||
            error.line != 1 || strstr(error.text, rows[i].text) == NULL)
            fail_msg("%s: %s column %u: %s", rows[i].json, error.pointer, error.column, error.text);
        compose_begin(&composing);
        assert_int_equal(compose_json(&composing, FIELD_USER_ID, bytes_text(rows[i].json), NULL),
                         TALLY_INVALID);
    }
    compose_begin(&composing);
    assert_int_equal(compose_string(&composing, FIELD_USER_ID, bytes_text("a\xc3"), &error),
                     TALLY_INVALID);
    assert_string_equal(error.pointer, "/user_id");
    assert_string_equal(error.text, "the text is not valid UTF-8");
}

/* As many members as the tape has room for, and one more. */
static void
full(void **state)
{
    (void)state;
    struct json_node nodes[6];
    uint32_t scratch[6];
    struct json_tape small = { .nodes = nodes, .scratch = scratch, .capacity = 6 };
    struct composing few = { &small, &text };
    compose_begin(&few);
    assert_int_equal(compose_number(&few, FIELD_ACTION, bytes_text("1"), &error), TALLY_OK);
    assert_int_equal(compose_number(&few, FIELD_DETAILS, bytes_text("2"), &error), TALLY_OK);
    assert_int_equal(compose_number(&few, FIELD_STATUS_CODE, bytes_text("3"), &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "too many values"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_composed),
        cmocka_unit_test(strings),
        cmocka_unit_test(refused),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
