#include "cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t key[CURSOR_KEY_SIZE] = "a key of thirty-two bytes, or 31";

static const struct cursor sample = {
    .size = UINT64_C(0x0123456789abcdef),
    .now = -5,
    .place = { true, { INT64_C(1773576000000000001), 41 } },
};

static struct cursor_binding
binding_of(const char *trail, const char *filter, const char *role)
{
    return (struct cursor_binding){ .trail = bytes_text(trail),
                                    .filter = bytes_text(filter),
                                    .role = bytes_text(role),
                                    .order = ORDER_TIME_DOWN };
}

static void
cursors_read_back(void **state)
{
    (void)state;
    struct cursor_binding binding = binding_of("t", "user_id:u1", "auditor");
    for (enum scan_order order = ORDER_TIME_DOWN; order <= ORDER_INDEX_DOWN; order++) {
        char text[CURSOR_TEXT_SIZE];
        struct cursor cursor = { 0 };
        binding.order = order;
        assert_int_equal(cursor_write(key, &binding, &sample, text, NULL), TALLY_OK);
        for (unsigned i = 0; i < CURSOR_TEXT_SIZE; i++)
            assert_true(memchr("=+/ ", text[i], 4) == NULL);
        assert_int_equal(cursor_read(key, &binding, bytes_of(text, sizeof text), &cursor, NULL),
                         TALLY_OK);
        assert_int_equal(cursor.size, sample.size);
        assert_int_equal(cursor.now, sample.now);
        assert_true(cursor.place.begun);
        assert_int_equal(cursor.place.last.time, sample.place.last.time);
        assert_int_equal(cursor.place.last.index, sample.place.last.index);
    }
}

static void
cursors_of_other_lists_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *trail, *filter, *role;
        enum filter_control control;
        enum scan_order order;
        const char *why;
    } rows[] = {
        { "u", "f", "r", CONTROL_LEFT_OUT, ORDER_TIME_DOWN, "another trail" },
        { "t", "g", "r", CONTROL_LEFT_OUT, ORDER_TIME_DOWN, "another filter" },
        { "t", "f ", "r", CONTROL_LEFT_OUT, ORDER_TIME_DOWN, "one blank more" },
        { "t", "f", "s", CONTROL_LEFT_OUT, ORDER_TIME_DOWN, "another role" },
        { "t", "f", "r", CONTROL_INCLUDED, ORDER_TIME_DOWN, "with control entries" },
        { "t", "f", "r", CONTROL_LEFT_OUT, ORDER_TIME, "another order" },
        { "tr", "f", "", CONTROL_LEFT_OUT, ORDER_TIME_DOWN, "the same texts cut otherwise" },
    };
    struct cursor_binding binding = binding_of("t", "f", "r");
    char text[CURSOR_TEXT_SIZE];
    assert_int_equal(cursor_write(key, &binding, &sample, text, NULL), TALLY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cursor cursor = { .now = 7 };
        struct tally_error error = { 0 };
        binding = binding_of(rows[i].trail, rows[i].filter, rows[i].role);
        binding.control = rows[i].control;
        binding.order = rows[i].order;
        if (cursor_read(key, &binding, bytes_of(text, sizeof text), &cursor, &error) !=
            TALLY_INVALID)
            fail_msg("%s", rows[i].why);
        assert_non_null(strstr(error.text, "another query"));
        assert_int_equal(cursor.now, 7);
    }

    uint8_t other[CURSOR_KEY_SIZE];
    struct cursor cursor;
    memcpy(other, key, sizeof key);
    other[31] ^= 1;
    binding = binding_of("t", "f", "r");
    assert_int_equal(cursor_read(other, &binding, bytes_of(text, sizeof text), &cursor, NULL),
                     TALLY_INVALID);
}

static void
every_changed_bit_is_found(void **state)
{
    (void)state;
    struct cursor_binding binding = binding_of("t", "f", "r");
    char text[CURSOR_TEXT_SIZE];
    assert_int_equal(cursor_write(key, &binding, &sample, text, NULL), TALLY_OK);
    for (size_t i = 0; i < sizeof text; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            char changed[CURSOR_TEXT_SIZE];
            struct cursor cursor;
            memcpy(changed, text, sizeof text);
            changed[i] = (char)(changed[i] ^ 1 << bit);
            assert_int_equal(
                cursor_read(key, &binding, bytes_of(changed, sizeof changed), &cursor, NULL),
                TALLY_INVALID);
        }
    }
}

static void
what_is_no_cursor_is_refused(void **state)
{
    (void)state;
    struct cursor_binding binding = binding_of("t", "f", "r");
    char text[CURSOR_TEXT_SIZE + 1];
    struct cursor cursor;
    struct tally_error error = { 0 };
    assert_int_equal(cursor_write(key, &binding, &sample, text, NULL), TALLY_OK);
    text[CURSOR_TEXT_SIZE] = 'A';
    for (size_t size = 0; size <= sizeof text; size++) {
        if (size == CURSOR_TEXT_SIZE)
            continue;
        assert_int_equal(cursor_read(key, &binding, bytes_of(text, size), &cursor, &error),
                         TALLY_INVALID);
        assert_non_null(strstr(error.text, "not a cursor"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_read_back),
        cmocka_unit_test(cursors_of_other_lists_are_refused),
        cmocka_unit_test(every_changed_bit_is_found),
        cmocka_unit_test(what_is_no_cursor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
