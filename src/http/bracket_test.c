#include "bracket.h"

#include "bracket_block.h"
#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
finds_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *why;
    } rows[] = {
        { "{}", 2, "an object" },
        { "[]x", 2, "an array, and something behind it" },
        { "{\"a\":[{}]},", 10, "brackets in brackets" },
        { "{\"}\":1}", 7, "a bracket in a string" },
        { "{\"\\\"}\":1}", 9, "behind an escaped quote" },
        { "{\"\\\\\"}", 6, "an escaped backslash does not escape a quote" },
        { "{\"\\\\\\\"}\"}", 9, "three backslashes do" },
        { "{\"a\":y_Y\x7f}", 10, "bytes that differ from brackets in the bits left out" },
        { "{]", 2, "kinds are not told apart" },
        { "{", 0, "no end" },
        { "{\"}", 0, "the end is in a string that has none" },
        { "{\"\\\"}", 0, "its quote is escaped" },
        { "[[]", 0, "one bracket too few" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (bracket_size(bytes_text(rows[i].text)) != rows[i].size)
            fail_msg("%s", rows[i].why);
}

/* The same, a byte at a time. */
static size_t
size_by_bytes(struct bytes text)
{
    size_t depth = 0;
    bool string = false, escaped = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' && !escaped)
            string = !string;
        else if (!string && (byte == '{' || byte == '['))
            depth++;
        else if (!string && (byte == '}' || byte == ']') && --depth == 0)
            return i + 1;
        escaped = byte == '\\' && !escaped;
    }
    return 0;
}

/* Texts of the bytes that matter, and of those that differ from them in one bit, over several
 * blocks. */
static void
equals_the_slow_reading(void **state)
{
    (void)state;
    static const char bytes[] = "\"\"\\{}[]aaaaaaaaaaaaaaaaaaaaaa y\xff\xa2\xdc\xfb\xdd";
    uint64_t seed = 1;
    unsigned ended = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t text[300] = { '{' };
        unsigned kinds = 8 + round % (unsigned)(sizeof bytes - 9);
        for (size_t i = 1; i < sizeof text; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[i] = (uint8_t)bytes[(seed >> 33) % kinds];
        }
        size_t size = sizeof text - round % 70;
        size_t end = size_by_bytes(bytes_of(text, size));
        assert_int_equal(bracket_size(bytes_of(text, size)), end);
        ended += end > 130;
    }
    assert_true(ended > 100);
}

/* An escape, a string and the end at every place in and across blocks. */
static void
every_place_in_a_block(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    for (size_t before = 0; before < 140; before++) {
        for (size_t slashes = 0; slashes < 140; slashes++) {
            buffer_clear(&text);
            buffer_text(&text, "{\"");
            for (size_t i = 0; i < before; i++)
                buffer_byte(&text, 'a');
            for (size_t i = 0; i < slashes; i++)
                buffer_byte(&text, '\\');
            buffer_text(&text, "\"}\"}");
            struct bytes view = buffer_view(&text);
            size_t end = slashes % 2 == 0 ? view.size - 2 : view.size;
            assert_int_equal(bracket_size(view), end);
            assert_int_equal(bracket_size(bytes_of(view.data, end - 1)), 0);
        }
    }
    buffer_free(&text);
}

/* Every byte in every place of a block, by both ways: the bits are set that should be. */
static void
both_ways_give_the_same_masks(void **state)
{
    (void)state;
    for (unsigned at = 0; at < BRACKET_BLOCK_SIZE; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t block[BRACKET_BLOCK_SIZE];
            memset(block, 'a', sizeof block);
            block[at] = (uint8_t)byte;
            struct bracket_masks plain = bracket_block_plain(block);
            struct bracket_masks other = bracket_block(block);
            assert_memory_equal(&plain, &other, sizeof plain);
            assert_int_equal(plain.quotes, (uint64_t)(byte == '"') << at);
            assert_int_equal(plain.backslashes, (uint64_t)(byte == '\\') << at);
            bool taken = byte != 0 && strchr("{}[]yY_\x7f", (int)byte) != NULL;
            assert_int_equal(plain.brackets, (uint64_t)taken << at);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_end),
        cmocka_unit_test(equals_the_slow_reading),
        cmocka_unit_test(every_place_in_a_block),
        cmocka_unit_test(both_ways_give_the_same_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
