#include "body_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const names[] = { "name", "size" };

static struct tally_error why;

static tally_status
open_text(const char *text, struct body_object *object)
{
    why = (struct tally_error){ 0 };
    return body_object_open(CODING_NONE, bytes_text(text), object, &why);
}

static void
members_are_found_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool name, size;
    } rows[] = {
        { "", false, false }, /* no body is an object without members */
        { " {} ", false, false },
        { "{\"size\":1}", false, true },
        { "{\"size\":null,\"name\":\"x\"}", true, false }, /* null is as if it were not sent */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct body_object object;
        uint32_t nodes[2];
        assert_int_equal(open_text(rows[i].text, &object), TALLY_OK);
        assert_int_equal(body_object_find(&object, names, 2, nodes, &why), TALLY_OK);
        assert_int_equal(nodes[0] != 0, rows[i].name);
        assert_int_equal(nodes[1] != 0, rows[i].size);
        body_object_close(&object);
    }
}

static void
what_is_no_such_object_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
    } rows[] = {
        { "[]", "" },
        { "7", "" },
        { "{\"name\":1,\"name\":2}", "/name" },
        { "{\"nome\":1}", "/nome" },
        { "{\"Name\":1}", "/Name" },
        { "{\"size\":1} {}", "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct body_object object;
        uint32_t nodes[2];
        tally_status status = open_text(rows[i].text, &object);
        if (status == TALLY_OK) {
            status = body_object_find(&object, names, 2, nodes, &why);
            body_object_close(&object);
        }
        assert_int_equal(status, TALLY_INVALID);
        assert_string_equal(why.pointer, rows[i].pointer);
    }
}

static tally_status
read_text(const char *value, char text[9])
{
    char json[128];
    (void)snprintf(json, sizeof json, "{\"name\":%s}", value);
    struct body_object object;
    uint32_t nodes[2];
    assert_int_equal(open_text(json, &object), TALLY_OK);
    assert_int_equal(body_object_find(&object, names, 2, nodes, &why), TALLY_OK);
    tally_status status = body_object_text(&object, nodes[0], 8, text, &why);
    body_object_close(&object);
    return status;
}

static void
texts_have_bounds(void **state)
{
    (void)state;
    char text[9] = "before";
    static const char *const refused[] = { "\"\"", "\"123456789\"", "\"a\\u0000b\"", "1", "[]" };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(read_text(refused[i], text), TALLY_INVALID);
        assert_string_equal(why.pointer, "/name");
        assert_string_equal(text, "before");
    }
    assert_int_equal(read_text("\"1234567\\u0038\"", text), TALLY_OK);
    assert_string_equal(text, "12345678");
}

static void
counts_are_plain_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool taken;
    } rows[] = {
        { "0", true },      { "100", true },
        { "101", false },   { "-0", false },
        { "1.0", false },   { "1e1", false },
        { "\"1\"", false }, { "99999999999999999999", false }, /* beyond 64 bits */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[64];
        (void)snprintf(json, sizeof json, "{\"size\":%s}", rows[i].text);
        struct body_object object;
        uint32_t nodes[2];
        uint64_t count = 7;
        assert_int_equal(open_text(json, &object), TALLY_OK);
        assert_int_equal(body_object_find(&object, names, 2, nodes, &why), TALLY_OK);
        tally_status status = body_object_count(&object, nodes[1], 100, &count, &why);
        assert_int_equal(status, rows[i].taken ? TALLY_OK : TALLY_INVALID);
        assert_int_equal(count, rows[i].taken ? strtoull(rows[i].text, NULL, 10) : 7);
        body_object_close(&object);
    }
}

static void
bodies_have_limits(void **state)
{
    (void)state;
    struct body_object object;
    struct buffer text = { 0 };
    buffer_byte(&text, '{');
    while (text.size < BODY_OBJECT_SIZE_MAX)
        buffer_byte(&text, ' ');
    buffer_byte(&text, '}');
    assert_int_equal(body_object_open(CODING_NONE, buffer_view(&text), &object, &why), TALLY_FULL);
    text.data[text.size - 2] = '}';
    text.size--;
    assert_int_equal(body_object_open(CODING_NONE, buffer_view(&text), &object, &why), TALLY_OK);
    body_object_close(&object);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_name),
        cmocka_unit_test(what_is_no_such_object_is_refused_with_its_place),
        cmocka_unit_test(texts_have_bounds),
        cmocka_unit_test(counts_are_plain_numbers),
        cmocka_unit_test(bodies_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
