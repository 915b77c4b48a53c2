#include "difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static struct tally_error error;

static struct bytes
state_of(const char *json)
{
    return json == NULL ? (struct bytes){ 0 } : bytes_text(json);
}

static void
check(const char *before, const char *after, const char *wanted)
{
    struct buffer out = { 0 };
    buffer_byte(&out, '=');
    if (difference_write(state_of(before), state_of(after), &out, &error) != TALLY_OK)
        fail_msg("%s %s: %s", before, after, error.text);
    struct bytes changes = bytes_of(out.data + 1, out.size - 1);
    if (!bytes_is(changes, wanted))
        fail_msg("%.*s instead of %s", BYTES_ARG(changes), wanted);
    buffer_free(&out);
}

static void
what_differs(void **state)
{
    (void)state;
    check("{}", "{}", "{}");
    check(NULL, NULL, "{}");
    check("{\"a\":1,\"b\":2}", "{\"b\":3,\"a\":1}", "{\"b\":{\"before\":2,\"after\":3}}");
    check(NULL, "{\"b\":\"x\",\"a\":[1]}", "{\"a\":{\"after\":[1]},\"b\":{\"after\":\"x\"}}");
    check("{\"a\":true}", NULL, "{\"a\":{\"before\":true}}");
    check("{\"a\":1,\"c\":1}", "{\"b\":2,\"c\":1}", "{\"a\":{\"before\":1},\"b\":{\"after\":2}}");
    check("{\"a\":null}", "{}", "{\"a\":{\"before\":null}}");
    check("{}", "{\"a\":null}", "{\"a\":{\"after\":null}}");
    check("{\"a\":null}", "{\"a\":0}", "{\"a\":{\"before\":null,\"after\":0}}");
    /* Equal, however they are spelt. */
    check("{\"a\":{\"x\":1,\"y\":[\"\\u00e9\"]}}",
          " { \"\\u0061\" : {\"y\":[\"\xc3\xa9\"], \"x\":1} }", "{}");
    check("{\"a\":\"\\/\"}", "{\"a\":\"/\"}", "{}");
    /* Digits are what is on record. */
    check("{\"a\":1.0}", "{\"a\":1}", "{\"a\":{\"before\":1.0,\"after\":1}}");
    /* Inside, a value differs as a whole. */
    check("{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":1,\"y\":3}}",
          "{\"a\":{\"before\":{\"x\":1,\"y\":2},\"after\":{\"x\":1,\"y\":3}}}");
    /* Names with escapes, and in an order that is not that of bytes. */
    check("{\"q\\\"\":1,\"\xef\xbf\xbd\":1,\"\xf0\x9f\x98\x80\":1,\"\":1}",
          "{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":1,\"\":1,\"q\\u0022\":2}",
          "{\"q\\\"\":{\"before\":1,\"after\":2}}");
}

static void
refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "[]", "1", "", "{", "{\"a\":1,\"a\":2}", "{} {}" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer out = { 0 };
        struct bytes text = bytes_text(wrong[i]);
        struct bytes good = BYTES("{\"a\":1}");
        buffer_byte(&out, '=');
        assert_int_equal(difference_write(text, good, &out, &error), TALLY_INVALID);
        assert_int_equal(strncmp(error.text, "before: ", 8), 0);
        assert_int_equal(difference_write(good, text, &out, &error), TALLY_INVALID);
        assert_int_equal(strncmp(error.text, "after: ", 7), 0);
        assert_int_equal(difference_check(text, &error), TALLY_INVALID);
        assert_true(bytes_is(buffer_view(&out), "="));
        buffer_free(&out);
    }
    struct bytes good = BYTES(" {\"a\":[]}\n");
    assert_int_equal(difference_check(good, &error), TALLY_OK);
}

/* A random object of a few names. */
static json_t *
some_object(unsigned *seed)
{
    static const char *const names[] = { "a", "b", "\"", "\xc3\xa9", "" };
    json_t *object = json_object();
    for (unsigned i = 0; i < 5; i++) {
        *seed = *seed * 1103515245u + 12345u;
        switch (*seed >> 16 & 7) {
        case 0:
            (void)json_object_set_new(object, names[i], json_null());
            break;
        case 1:
        case 2:
            (void)json_object_set_new(object, names[i], json_integer(*seed >> 20 & 1));
            break;
        case 3:
            (void)json_object_set_new(object, names[i], json_pack("{s:[s]}", "x", "y"));
            break;
        default:
            break;
        }
    }
    return object;
}

/* By definition, name by name. */
static json_t *
difference(const json_t *before, const json_t *after)
{
    json_t *changes = json_object();
    const json_t *both[2] = { before, after };
    for (unsigned i = 0; i < 2; i++) {
        const char *name;
        json_t *value;
        json_object_foreach ((json_t *)(uintptr_t)both[i], name, value) {
            const json_t *sides[2] = { json_object_get(before, name),
                                       json_object_get(after, name) };
            if (sides[0] != NULL && sides[1] != NULL && json_equal(sides[0], sides[1]))
                continue;
            json_t *change = json_object();
            for (unsigned side = 0; side < 2; side++) {
                if (sides[side] != NULL)
                    (void)json_object_set_new(change, side == 0 ? "before" : "after",
                                              json_deep_copy(sides[side]));
            }
            (void)json_object_set_new(changes, name, change);
        }
    }
    return changes;
}

static void
random_objects(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (unsigned i = 0; i < 5000; i++) {
        json_t *before = some_object(&seed), *after = some_object(&seed);
        char *before_text = json_dumps(before, 0), *after_text = json_dumps(after, JSON_SORT_KEYS);
        json_t *wanted = difference(before, after);
        struct buffer out = { 0 };
        assert_int_equal(
            difference_write(bytes_text(before_text), bytes_text(after_text), &out, &error),
            TALLY_OK);
        json_t *changes = json_loadb((const char *)out.data, out.size, 0, NULL);
        if (!json_equal(changes, wanted))
            fail_msg("%s %s: %.*s", before_text, after_text, BYTES_ARG(buffer_view(&out)));
        json_decref(before);
        json_decref(after);
        json_decref(wanted);
        json_decref(changes);
        free(before_text);
        free(after_text);
        buffer_free(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs),
        cmocka_unit_test(refused),
        cmocka_unit_test(random_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
