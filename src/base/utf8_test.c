#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool
is_scalar(uint32_t code_point)
{
    return code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);
}

/* The slow way: take the bits out by the length that the first byte says, then ask whether the code
 * point may stand there and needs that many bytes. */
static size_t
decode_by_definition(struct bytes text, uint32_t *code_point_out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (text.size == 0)
        return 0;
    uint8_t first = text.data[0];
    unsigned size = first < 0x80             ? 1
                    : (first & 0xe0) == 0xc0 ? 2
                    : (first & 0xf0) == 0xe0 ? 3
                    : (first & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (size == 0 || size > text.size)
        return 0;
    uint32_t value = size == 1 ? first : first & (0xffu >> (size + 1));
    for (unsigned i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3f);
    }
    if (value < least[size] || !is_scalar(value))
        return 0;
    *code_point_out = value;
    return size;
}

static void
every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
        if (!is_scalar(code_point))
            continue;
        uint8_t raw[4];
        uint32_t back = 0;
        size_t size = utf8_encode(code_point, raw);
        assert_int_equal(utf8_decode(bytes_of(raw, size), &back), size);
        assert_int_equal(back, code_point);
        assert_int_equal(utf8_valid_size(bytes_of(raw, size)), size);
        assert_int_equal(utf8_decode(bytes_of(raw, size - 1), &back), 0);
    }
}

/* All sequences of up to three bytes, and of four with the third and fourth from the edges. */
static void
agrees_with_the_definition(void **state)
{
    (void)state;
    static const uint8_t edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
    for (uint32_t high = 0; high < 65536; high++) {
        for (size_t i = 0; i < 100; i++) {
            uint8_t raw[4] = { (uint8_t)(high >> 8), (uint8_t)high, edges[i / 10], edges[i % 10] };
            for (size_t size = 0; size <= 4; size++) {
                uint32_t got = 0;
                uint32_t expected = 0;
                size_t got_size = utf8_decode(bytes_of(raw, size), &got);
                size_t expected_size = decode_by_definition(bytes_of(raw, size), &expected);
                if (got_size != expected_size || got != expected)
                    fail_msg("%02x %02x %02x %02x of %zu bytes", raw[0], raw[1], raw[2], raw[3],
                             size);
            }
        }
    }
}

static size_t
valid_size_by_definition(struct bytes text)
{
    size_t at = 0;
    uint32_t code_point;
    while (at < text.size) {
        size_t size = decode_by_definition(bytes_of(text.data + at, text.size - at), &code_point);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

/* One odd thing at every place of texts of every length, at every alignment. */
static void
valid_size_finds_the_place(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80", /* valid */
        "\xff",
        "\x80",
        "\xc0\xaf", /* never, a stray tail, overlong */
        "\xc3",
        "\xe2\x82",
        "\xed\xa0\x80", /* cut short twice, a surrogate */
        "\xf0\x9f\x98",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
    };
    uint8_t room[140];
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        for (size_t size = 4; size < 120; size++) {
            for (size_t place = 0; place + strlen(odd[i]) <= size; place++) {
                /* An own end for the sanitizer to guard. */
                uint8_t *text = room + sizeof room - size - (place & 7);
                memset(text, 'a', size);
                memcpy(text + place, odd[i], strlen(odd[i]));
                struct bytes view = bytes_of(text, size);
                assert_int_equal(utf8_valid_size(view), valid_size_by_definition(view));
            }
        }
    }
    assert_int_equal(utf8_valid_size(bytes_of(NULL, 0)), 0);
}

static void
valid_size_of_random_texts(void **state)
{
    (void)state;
    uint32_t x = 7;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[64];
        size_t size = 0;
        while (size + 4 <= sizeof text) {
            x = x * 1664525 + 1013904223;
            uint32_t code_point = (x >> 8) % (x >> 30 == 0 ? 0x110000 : 0x80);
            if (is_scalar(code_point))
                size += utf8_encode(code_point, text + size);
        }
        if (x >> 29 == 1)
            text[(x >> 8) % size] = (uint8_t)(x >> 16);
        struct bytes view = bytes_of(text, size);
        assert_int_equal(utf8_valid_size(view), valid_size_by_definition(view));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(valid_size_finds_the_place),
        cmocka_unit_test(valid_size_of_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
