#include "json.h"
#include "json_order.h"
#include "json_text.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct json_tape tape;

static int
create(void **state)
{
    (void)state;
    return json_tape_init(&tape, 65536, NULL) != TALLY_OK;
}

static int
destroy(void **state)
{
    (void)state;
    json_tape_finish(&tape);
    return 0;
}

static uint32_t seed = 1;

static uint32_t
draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static void
canonical(struct bytes text, struct buffer *out)
{
    buffer_clear(out);
    if (json_scan(&tape, text, NULL) != TALLY_OK)
        fail_msg("refused: %.*s", BYTES_ARG(text));
    json_canonical(&tape, 0, out);
    assert_false(buffer_failed(out));
}

static void
canonical_forms(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        const char *canonical;
    } rows[] = {
        { "blanks go", " { \"a\" : [ 1 , true ] }\n", "{\"a\":[1,true]}" },
        { "members are sorted, elements are not", "{\"b\":[2,1],\"a\":null}",
          "{\"a\":null,\"b\":[2,1]}" },
        { "at every depth", "{\"x\":{\"b\":{},\"a\":[{\"d\":1,\"c\":2}]}}",
          "{\"x\":{\"a\":[{\"c\":2,\"d\":1}],\"b\":{}}}" },
        { "numbers keep their token", "[1.10,1e-7,12345678901234567890,-0,1E+2]",
          "[1.10,1e-7,12345678901234567890,-0,1E+2]" },
        { "escapes are spelled the short way",
          "\"\\u0008\\u0009\\u000a\\u000c\\u000D\\u0022\\u005c\"", "\"\\b\\t\\n\\f\\r\\\"\\\\\"" },
        { "what needs no escape has none", "\"\\/\\u002f\\u007f\\u00e9\\u20ac\\ud83d\\ude00\"",
          "\"//\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
        { "other controls in lower case", "\"\\u0000\\u000B\\u001F\"",
          "\"\\u0000\\u000b\\u001f\"" },
        { "names are written like strings", "{\"\\u0062\\n\":1,\"\\u0061\":2}",
          "{\"a\":2,\"b\\n\":1}" },
        { "a prefix first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}" },
        { "by UTF-16: U+1F600 (d83d) before U+FB33", "{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2}",
          "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}" },
        { "also where it is escaped", "{\"\\ufb33\":1,\"\\ud83d\\ude00\":2}",
          "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}" },
    };
    struct buffer out = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        canonical(bytes_text(rows[i].text), &out);
        if (!bytes_is(buffer_view(&out), rows[i].canonical))
            fail_msg("%s: %.*s", rows[i].why, BYTES_ARG(buffer_view(&out)));
    }
    buffer_free(&out);
}

/* UTF-16 code units, the slow way. */
static size_t
units(struct bytes text, uint16_t *out)
{
    size_t count = 0;
    uint32_t c;
    for (size_t at = 0, size; at < text.size; at += size) {
        size = utf8_decode(bytes_of(text.data + at, text.size - at), &c);
        assert_true(size > 0);
        if (c >= 0x10000) {
            out[count++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        out[count++] = (uint16_t)c;
    }
    return count;
}

static int
order_by_definition(struct bytes a, struct bytes b)
{
    uint16_t x[64], y[64];
    size_t m = units(a, x);
    size_t n = units(b, y);
    for (size_t i = 0; i < m && i < n; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return m < n ? -1 : m > n;
}

/* Code points around every border of UTF-8 and UTF-16. */
static const uint32_t borders[] = { 0x20,   0x41,   0x7f,   0x80,   0x7ff,   0x800,   0xd7ff,
                                    0xe000, 0xefff, 0xf000, 0xffff, 0x10000, 0x3ffff, 0x10ffff };
#define BORDERS (sizeof borders / sizeof *borders)

static size_t
draw_text(uint8_t *text, uint32_t count_max)
{
    size_t size = 0;
    for (uint32_t n = draw(count_max + 1); n > 0; n--)
        size += utf8_encode(borders[draw(BORDERS)], text + size);
    return size;
}

static void
the_order_is_that_of_utf16(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        uint8_t a[64], b[64];
        struct bytes x = bytes_of(a, draw_text(a, 4));
        struct bytes y = bytes_of(b, draw_text(b, 4));
        assert_int_equal(json_name_order(x, y), order_by_definition(x, y));
        assert_int_equal(json_name_order(x, x), 0);
    }
}

/* Random JSON with blanks, escapes and members in any order. */
static void
draw_string(struct buffer *out)
{
    uint8_t text[64];
    struct bytes value = bytes_of(text, draw_text(text, 6));
    uint32_t c;
    buffer_byte(out, '"');
    for (size_t at = 0, size; at < value.size; at += size) {
        size = utf8_decode(bytes_of(value.data + at, value.size - at), &c);
        if (draw(3) > 0)
            buffer_append(out, value.data + at, size);
        else if (c < 0x10000)
            buffer_format(out, "\\u%04X", c);
        else
            buffer_format(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                          0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    if (draw(4) == 0)
        buffer_text(out, "\\n\\/\\\\\\u0001");
    buffer_byte(out, '"');
}

static void
draw_value(struct buffer *out, unsigned depth)
{
    static const char *const scalars[] = { "0", "-1.50", "1e9", "true", "false", "null" };
    uint32_t what = draw(depth == 0 ? 2 : 4);
    if (draw(4) == 0)
        buffer_text(out, " \t");
    if (what == 0) {
        buffer_text(out, scalars[draw(6)]);
    } else if (what == 1) {
        draw_string(out);
    } else {
        buffer_text(out, what == 2 ? "[" : "{");
        uint32_t count = draw(draw(20) == 0 ? 60 : 5);
        for (uint32_t i = 0; i < count; i++) {
            buffer_text(out, i == 0 ? "" : " ,");
            if (what == 3)
                buffer_format(out, "\"%s%u-%u\":", draw(2) == 0 ? "\\u0061" : "b", draw(100), i);
            draw_value(out, depth - 1);
        }
        buffer_text(out, what == 2 ? "]" : "}");
    }
}

/* Members of every object ascend: checked on a canonical text by comparing neighbours. */
static void
check_order(uint32_t object)
{
    const struct json_node *nodes = tape.nodes;
    uint32_t before = 0;
    for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next) {
        struct buffer a = { 0 };
        struct buffer b = { 0 };
        if (before != 0) {
            json_string_decode(&tape, before, &a);
            json_string_decode(&tape, i, &b);
            assert_true(order_by_definition(buffer_view(&a), buffer_view(&b)) < 0);
        }
        before = i;
        buffer_free(&a);
        buffer_free(&b);
    }
}

/* Each value found by its path on the tape is found in the text, without a tape. */
static void
check_paths(struct bytes text)
{
    for (uint32_t i = 1; i < tape.count && tape.nodes[0].kind == JSON_KIND_OBJECT; i++) {
        if (tape.nodes[i].depth != 1)
            continue;
        struct buffer name = { 0 };
        json_string_decode(&tape, i, &name);
        struct bytes names[] = { buffer_view(&name) };
        struct bytes value;
        assert_true(json_path_find(text, names, 1, &value));
        assert_true(bytes_equal(value, json_token(&tape, json_find(&tape, 0, names, 1))));
        buffer_free(&name);
        i = tape.nodes[i + 1].next - 1;
    }
}

static void
canonical_is_canonical(void **state)
{
    struct buffer text = { 0 };
    struct buffer once = { 0 };
    struct buffer twice = { 0 };
    (void)state;
    for (unsigned round = 0; round < 5000; round++) {
        buffer_clear(&text);
        draw_value(&text, 4);
        canonical(buffer_view(&text), &once);
        assert_true(once.size <= text.size);
        canonical(buffer_view(&once), &twice);
        assert_true(bytes_equal(buffer_view(&once), buffer_view(&twice)));
        for (uint32_t i = 0; i < tape.count; i++) {
            if (tape.nodes[i].kind == JSON_KIND_OBJECT)
                check_order(i);
        }
        check_paths(buffer_view(&once));
    }
    buffer_free(&text);
    buffer_free(&once);
    buffer_free(&twice);
}

static void
members_are_picked_into_one_object(void **state)
{
    static const char text[] = "{\"z\":1,\"a\":{\"y\":{\"c\":1,\"b\":2},\"m\":[]},\"\\u0062\":3}";
    struct buffer out = { 0 };
    uint32_t twice = 7;
    (void)state;
    assert_int_equal(json_scan(&tape, bytes_text(text), NULL), TALLY_OK);
    static const struct bytes a = BYTES("a");
    uint32_t object = json_member(&tape, 0, a);

    json_pick(&tape, 1); /* z */
    json_pick_members(&tape, object);
    json_pick(&tape, tape.count - 2); /* b */
    json_canonical_picked(&tape, &out, &twice);
    assert_int_equal(twice, 0);
    assert_true(bytes_is(buffer_view(&out), "{\"b\":3,\"m\":[],\"y\":{\"b\":2,\"c\":1},\"z\":1}"));

    buffer_clear(&out);
    json_canonical_picked(&tape, &out, &twice);
    assert_true(bytes_is(buffer_view(&out), "{}"));

    buffer_clear(&out);
    json_pick(&tape, 1);
    json_pick_members(&tape, 0);
    json_canonical_picked(&tape, &out, &twice);
    assert_int_equal(twice, 1);
    assert_int_equal(out.size, 0);
    buffer_free(&out);
}

/* Strings of every size to 40 with one special byte at every place, against writing byte by byte.
 */
static void
strings_are_escaped(void **state)
{
    static const uint8_t specials[] = { 0, 1, 8, 9, 10, 12, 13, 31, 32, '"', '\\', '/', 127, 0xc3 };
    struct buffer out = { 0 };
    struct buffer wanted = { 0 };
    (void)state;
    json_write_string((struct bytes){ NULL, 0 }, &out);
    assert_true(bytes_is(buffer_view(&out), "\"\""));
    for (size_t size = 0; size <= 40; size++) {
        for (size_t at = 0; at <= size; at++) {
            for (size_t s = 0; s < sizeof specials; s++) {
                uint8_t text[40];
                memset(text, 'x', sizeof text);
                if (at < size)
                    text[at] = specials[s];
                buffer_clear(&out);
                buffer_clear(&wanted);
                json_write_string(bytes_of(text, size), &out);
                buffer_byte(&wanted, '"');
                for (size_t i = 0; i < size; i++) {
                    static const char *const letters[14] = {
                        [8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r"
                    };
                    if (text[i] < 14 && letters[text[i]] != NULL)
                        buffer_text(&wanted, letters[text[i]]);
                    else if (text[i] < 32)
                        buffer_format(&wanted, "\\u%04x", text[i]);
                    else if (text[i] == '"' || text[i] == '\\')
                        buffer_format(&wanted, "\\%c", text[i]);
                    else
                        buffer_byte(&wanted, text[i]);
                }
                buffer_byte(&wanted, '"');
                assert_true(bytes_equal(buffer_view(&out), buffer_view(&wanted)));
            }
        }
    }
    buffer_free(&out);
    buffer_free(&wanted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms),
        cmocka_unit_test(the_order_is_that_of_utf16),
        cmocka_unit_test(canonical_is_canonical),
        cmocka_unit_test(members_are_picked_into_one_object),
        cmocka_unit_test(strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
