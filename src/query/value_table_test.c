#include "value_table.h"

#include "pair_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The text of the i-th value: all different, the first of them empty. */
static struct bytes
spell(uint32_t i, char text[16])
{
    int size = i == 0 ? 0 : snprintf(text, 16, "v%u", i);
    return bytes_of(text, (size_t)size);
}

static void
numbers_follow_each_other_and_stay(void **state)
{
    (void)state;
    struct value_table table = { 0 };
    char text[16];
    uint32_t number;
    assert_int_equal(value_table_find(&table, bytes_text("a")), NO_VALUE);
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(value_table_find(&table, spell(i, text)), NO_VALUE);
        assert_int_equal(value_table_add(&table, spell(i, text), &number, NULL), TALLY_OK);
        assert_int_equal(number, i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(value_table_find(&table, spell(i, text)), i);
        assert_int_equal(value_table_add(&table, spell(i, text), &number, NULL), TALLY_OK);
        assert_int_equal(number, i);
        assert_true(bytes_equal(table.values[i], spell(i, text)));
    }
    assert_int_equal(table.count, 5000);
    value_table_finish(&table);
}

static void
one_value_too_many_is_refused(void **state)
{
    (void)state;
    struct value_table table = { 0 };
    struct tally_error error = { 0 };
    char text[16];
    uint32_t number;
    for (uint32_t i = 0; i < STATS_VALUES_MAX; i++)
        assert_int_equal(value_table_add(&table, spell(i, text), &number, NULL), TALLY_OK);
    number = 77;
    assert_int_equal(value_table_add(&table, bytes_text("one"), &number, &error), TALLY_INVALID);
    assert_int_equal(number, 77);
    assert_non_null(strstr(error.text, "narrow the filter"));
    assert_int_equal(value_table_add(&table, spell(9, text), &number, NULL), TALLY_OK);
    assert_int_equal(number, 9);
    value_table_finish(&table);
}

static void
a_byte_too_many_is_refused(void **state)
{
    (void)state;
    const size_t size = STATS_BYTES_MAX / 64;
    struct value_table table = { 0 };
    char *text = calloc(1, size);
    uint32_t number;
    for (int i = 0; i < 64; i++) {
        text[0] = (char)i;
        assert_int_equal(value_table_add(&table, bytes_of(text, size), &number, NULL), TALLY_OK);
    }
    assert_int_equal(value_table_add(&table, bytes_text("x"), &number, NULL), TALLY_INVALID);
    assert_int_equal(value_table_add(&table, bytes_text(""), &number, NULL), TALLY_OK);
    free(text);
    value_table_finish(&table);
}

/* Pairs of small places, of large ones, and of the place of absent values. */
static struct place_pair
pair_of(uint32_t i)
{
    uint32_t first = i / 300, second = i % 300 * 7;
    return (struct place_pair){ first == 3 ? UINT32_MAX : first,
                                second == 14 ? UINT32_MAX : second };
}

static void
pairs_are_numbered_alike(void **state)
{
    (void)state;
    struct pair_table table = { 0 };
    uint32_t number;
    assert_int_equal(pair_table_find(&table, pair_of(0)), NO_PAIR);
    for (uint32_t i = 0; i < 90000; i++) {
        assert_int_equal(pair_table_find(&table, pair_of(i)), NO_PAIR);
        assert_int_equal(pair_table_add(&table, pair_of(i), &number, NULL), TALLY_OK);
        assert_int_equal(number, i);
    }
    for (uint32_t i = 0; i < 90000; i++) {
        assert_int_equal(pair_table_find(&table, pair_of(i)), i);
        assert_int_equal(pair_table_add(&table, pair_of(i), &number, NULL), TALLY_OK);
        assert_int_equal(number, i);
    }
    assert_int_equal(table.count, 90000);
    pair_table_finish(&table);
}

static void
one_pair_too_many_is_refused(void **state)
{
    (void)state;
    struct pair_table table = { 0 };
    struct tally_error error = { 0 };
    uint32_t number;
    for (uint32_t i = 0; i < STATS_PAIRS_MAX; i++)
        assert_int_equal(
            pair_table_add(&table, (struct place_pair){ i >> 10, i & 1023 }, &number, NULL),
            TALLY_OK);
    assert_int_equal(pair_table_add(&table, (struct place_pair){ 9, 9999 }, &number, &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "one field"));
    pair_table_finish(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_each_other_and_stay),
        cmocka_unit_test(one_value_too_many_is_refused),
        cmocka_unit_test(a_byte_too_many_is_refused),
        cmocka_unit_test(pairs_are_numbered_alike),
        cmocka_unit_test(one_pair_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
