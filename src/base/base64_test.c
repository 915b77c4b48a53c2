#include "base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
vectors_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        const char *coded;
    } rows[] = {
        /* RFC 4648 section 10 */
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        /* both characters that are neither letter nor digit */
        { "\xfb\xff", "+/8=" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes plain = bytes_text(rows[i].plain);
        char coded[16] = { 0 };
        base64_encode(plain.data, plain.size, coded);
        assert_string_equal(coded, rows[i].coded);
        assert_int_equal(BASE64_SIZE(plain.size), strlen(rows[i].coded));

        uint8_t back[16];
        size_t size;
        assert_true(base64_decode(bytes_text(rows[i].coded), back, sizeof back, &size));
        assert_true(bytes_equal(bytes_of(back, size), plain));
    }
}

static void
refuses_what_is_not_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "Zg", "no padding" },
        { "Zg=", "half the padding" },
        { "Zg===", "too much padding" },
        { "=", "padding alone" },
        { "====", "a group of padding" },
        { "Z===", "six bits are no byte" },
        { "Zh==", "four unused bits are not zero" },
        { "Zm9=", "two unused bits are not zero" },
        { "Zg==Zg==", "padding before the end" },
        { "Z=9v", "padding inside a group" },
        { "Zm9v\n", "a line end" },
        { "Zm 9", "a blank" },
        { "Zm9-", "the URL alphabet" },
        { "Zm9\x80", "a byte that is not ASCII" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[16];
        size_t size = 99;
        if (base64_decode(bytes_text(rows[i].text), out, sizeof out, &size))
            fail_msg("accepted: %s", rows[i].why);
        assert_int_equal(size, 99);
    }
}

static void
decode_keeps_to_its_capacity(void **state)
{
    (void)state;
    uint8_t out[3] = { 0 };
    size_t size;
    assert_false(base64_decode(bytes_text("Zm9v"), out, 2, &size));
    assert_true(base64_decode(bytes_text("Zm9v"), out, 3, &size));
    assert_true(base64_decode(bytes_text("Zm8="), out, 2, &size));
    assert_int_equal(size, 2);
}

/* decode(encode(x)) = x, and every text of four characters that decodes is the one that encodes. */
static void
every_text_of_one_group_has_one_spelling(void **state)
{
    (void)state;
    static const char characters[] = "AQZgw9+/=-";
    size_t n = sizeof characters - 1;
    unsigned accepted = 0;
    for (size_t code = 0; code < n * n * n * n; code++) {
        char text[4] = { characters[code % n], characters[code / n % n],
                         characters[code / n / n % n], characters[code / n / n / n] };
        uint8_t plain[3];
        size_t size;
        if (!base64_decode(bytes_of(text, 4), plain, 3, &size))
            continue;
        char again[4];
        base64_encode(plain, size, again);
        assert_memory_equal(again, text, 4);
        accepted++;
    }
    /* Any of 8 digits four times; three digits with the last of AQgw...; by counting below. */
    assert_true(accepted > 8 * 8 * 8 * 8);
}

static void
all_sizes_come_back(void **state)
{
    (void)state;
    uint8_t plain[100];
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 151 + 7);
    for (size_t size = 0; size <= sizeof plain; size++) {
        char text[BASE64_SIZE(100) + 1];
        uint8_t back[100];
        size_t back_size;
        base64_encode(plain, size, text);
        assert_true(
            base64_decode(bytes_of(text, BASE64_SIZE(size)), back, sizeof back, &back_size));
        assert_true(bytes_equal(bytes_of(back, back_size), bytes_of(plain, size)));
    }
}

/* Characters are spelled eight at a time. */
static void
every_digit_at_every_place(void **state)
{
    (void)state;
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned place = 0; place < 8; place++) {
        for (unsigned digit = 0; digit < 64; digit++) {
            uint64_t bits = (uint64_t)digit << (58 - 6 * place);
            uint8_t plain[9] = { 0 };
            char text[BASE64_SIZE(9)];
            for (unsigned i = 0; i < 8; i++)
                plain[i] = (uint8_t)(bits >> (56 - 8 * i));
            base64_encode(plain, sizeof plain, text);
            for (unsigned i = 0; i < sizeof text; i++)
                assert_int_equal(text[i], i == place ? characters[digit] : 'A');
        }
    }
}

static void
hexadecimal(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        char text[3] = { 0 };
        uint8_t back;
        hex_encode(&one, 1, text);
        assert_int_equal(strtoul(text, NULL, 16), byte);
        assert_true(hex_decode(bytes_of(text, 2), &back, 1));
        assert_int_equal(back, byte);
    }
    /* Every pair of bytes: exactly the 22 digits are taken, in both places. */
    unsigned accepted = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t text[2] = { (uint8_t)(pair >> 8), (uint8_t)pair };
        uint8_t back;
        accepted += hex_decode(bytes_of(text, 2), &back, 1);
    }
    assert_int_equal(accepted, 22 * 22);

    uint8_t out[2];
    assert_true(hex_decode(bytes_text("aBFf"), out, 2));
    assert_memory_equal(out, "\xab\xff", 2);
    assert_false(hex_decode(bytes_text("abf"), out, 1));
    assert_false(hex_decode(bytes_text("abff"), out, 1));
    assert_false(hex_decode(bytes_text("ab"), out, 2));
    assert_true(hex_decode(bytes_text(""), out, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(refuses_what_is_not_strict),
        cmocka_unit_test(decode_keeps_to_its_capacity),
        cmocka_unit_test(every_text_of_one_group_has_one_spelling),
        cmocka_unit_test(all_sizes_come_back),
        cmocka_unit_test(every_digit_at_every_place),
        cmocka_unit_test(hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
