#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void
appends_in_order(void **state)
{
    (void)state;
    struct buffer buffer = { 0 };
    buffer_text(&buffer, "ab");
    buffer_byte(&buffer, 'c');
    buffer_append(&buffer, "de", 2);
    buffer_bytes(&buffer, bytes_text("f"));
    buffer_append(&buffer, NULL, 0);
    buffer_u16(&buffer, 0x0201);
    buffer_u32(&buffer, 0x06050403);
    buffer_u64(&buffer, UINT64_C(0x0e0d0c0b0a090807));
    buffer_zeros(&buffer, 2);
    buffer_format(&buffer, "%s-%03d", "x", 7);
    static const char expected[] = "abcdef\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\0\0x-007";
    assert_true(bytes_equal(buffer_view(&buffer), bytes_of(expected, sizeof expected - 1)));
    assert_false(buffer_failed(&buffer));
    buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
}

static void
decimals(void **state)
{
    (void)state;
    struct buffer buffer = { 0 };
    uint64_t value = 1;
    for (unsigned i = 0; i < 64; i++, value *= 2) {
        for (uint64_t near = value - 1; near != value + 2; near++) {
            char expected[24];
            (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)near);
            buffer_clear(&buffer);
            buffer_decimal(&buffer, near);
            assert_true(bytes_is(buffer_view(&buffer), expected));
        }
    }
    buffer_clear(&buffer);
    buffer_decimal(&buffer, UINT64_MAX);
    assert_true(bytes_is(buffer_view(&buffer), "18446744073709551615"));
    buffer_free(&buffer);
}

static void
grows_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct buffer buffer = { 0 };
    for (unsigned i = 0; i < 100000; i++)
        buffer_u32(&buffer, i);
    assert_int_equal(buffer.size, 400000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(get_u32(buffer.data + 4 * i), i);

    uint8_t *before = buffer.data;
    buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    buffer_zeros(&buffer, 400000);
    assert_ptr_equal(buffer.data, before);
    buffer_free(&buffer);
}

static void
reserve_lends_room(void **state)
{
    (void)state;
    struct buffer buffer = { 0 };
    assert_non_null(buffer_reserve(&buffer, 0));
    for (size_t size = 1; size < 3000; size = size * 2 + 1) {
        uint8_t *room = buffer_reserve(&buffer, size);
        assert_non_null(room);
        assert_ptr_equal(room, buffer.data + buffer.size);
        memset(room, (int)(size & 255), size);
        buffer.size += size;
    }
    buffer_free(&buffer);
}

static void
stays_failed_until_cleared(void **state)
{
    (void)state;
    struct buffer buffer = { 0 };
    buffer_text(&buffer, "kept");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer_failed(&buffer));
    buffer_text(&buffer, "dropped");
    buffer_format(&buffer, "dropped %d", 1);
    buffer_zeros(&buffer, 1);
    assert_null(buffer_reserve(&buffer, 1));
    assert_true(bytes_is(buffer_view(&buffer), "kept"));

    buffer_clear(&buffer);
    assert_false(buffer_failed(&buffer));
    buffer_text(&buffer, "again");
    assert_true(bytes_is(buffer_view(&buffer), "again"));
    buffer_free(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_in_order),
        cmocka_unit_test(decimals),
        cmocka_unit_test(grows_and_keeps_what_it_has),
        cmocka_unit_test(reserve_lends_room),
        cmocka_unit_test(stays_failed_until_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
