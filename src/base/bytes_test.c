/* Tests of bytes.h. */
#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One by one, the first byte lowest. */
static void
some_bytes_are_read_with_zeros_behind(void **state)
{
    (void)state;
    const uint8_t text[16] = { 0xf1, 0x82, 0x73, 0x64, 0x95, 0xa6, 0x17, 0x28, 0x39, 0x4a };
    for (size_t end = 8; end <= 10; end++) {
        for (size_t size = 0; size <= 8; size++) {
            uint64_t expected = 0;
            for (size_t i = 0; i < size; i++)
                expected |= (uint64_t)text[end - size + i] << 8 * i;
            assert_true(get_some(text + end, size) == expected);
        }
    }
}

/* Equal is what is equal in every byte, whatever stands around. */
static void
equal_in_every_byte(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        uint8_t a[48], b[48];
        memset(a, 'a', sizeof a);
        memset(b, 'b', sizeof b);
        for (size_t i = 0; i < size; i++)
            a[i] = b[i + 1] = (uint8_t)(i * 7 + 1);
        assert_true(bytes_equal(bytes_of(a, size), bytes_of(b + 1, size)));
        assert_false(bytes_equal(bytes_of(a, size), bytes_of(b + 1, size + 1)));
        for (size_t i = 0; i < 8 * size; i++) {
            a[i / 8] ^= (uint8_t)(1u << i % 8);
            assert_false(bytes_equal(bytes_of(a, size), bytes_of(b + 1, size)));
            a[i / 8] ^= (uint8_t)(1u << i % 8);
        }
    }
    assert_true(bytes_equal((struct bytes){ 0 }, bytes_of("x", 0)));
}

static bool
is_dot(uint8_t byte)
{
    return byte == '.';
}

static void
blanks_go_from_both_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text, *trimmed;
    } rows[] = {
        { "", "" },    { "a", "a" },   { ".", "" },        { "...", "" },
        { "a.", "a" }, { "..a", "a" }, { ".a.b.", "a.b" }, { " a ", " a " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(bytes_is(bytes_trim(bytes_text(rows[i].text), is_dot), rows[i].trimmed));
    assert_int_equal(bytes_trim((struct bytes){ 0 }, is_dot).size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_bytes_are_read_with_zeros_behind),
        cmocka_unit_test(equal_in_every_byte),
        cmocka_unit_test(blanks_go_from_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
