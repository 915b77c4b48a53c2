/* Hashes of values: every byte counts; and what a column's sum tells apart. */
#include "value_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every byte counts, wherever it stands, and so do the length and the seed. */
static void
test_hash(void **unused)
{
    (void)unused;
    uint8_t key[70] = { 0 };
    for (size_t size = 0; size <= sizeof key; size++) {
        uint64_t hash = value_hash(1, bytes_of(key, size));
        assert_true(hash == value_hash(1, bytes_of(key, size)));
        assert_int_not_equal(hash, value_hash(2, bytes_of(key, size)));
        if (size > 0)
            assert_int_not_equal(hash, value_hash(1, bytes_of(key, size - 1)));
        for (size_t i = 0; i < size; i++) {
            key[i] = 1;
            assert_int_not_equal(hash, value_hash(1, bytes_of(key, size)));
            key[i] = 0;
        }
    }
}

/* Similar keys spread: the fullest of 4,096 places holds a few of 4,096 keys. */
static void
test_hash_spread(void **unused)
{
    (void)unused;
    uint8_t low[4096] = { 0 }, high[4096] = { 0 };
    unsigned fullest = 0;
    for (unsigned i = 0; i < 4096; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "user-%u", i);
        uint64_t hash = value_hash(99, bytes_of(text, (size_t)size));
        low[hash % 4096]++;
        high[(uint32_t)hash >> 20]++;
    }
    for (unsigned i = 0; i < 4096; i++) {
        fullest = low[i] > fullest ? low[i] : fullest;
        fullest = high[i] > fullest ? high[i] : fullest;
    }
    assert_in_range(fullest, 2, 10);
}

/* A value hashes alike whether it is read anew or stands in a page; and apart from its bytes. */
static void
test_kinds(void **unused)
{
    (void)unused;
    static const struct {
        const char *value;
        enum page_kind kind;
        enum field_column column;
        bool small; /* it is kept as a number or 16 bytes */
    } rows[] = {
        { "200", PAGE_NUMBERS, COLUMN_HINT_NUMBER, true },
        { "2.50", PAGE_NUMBERS, COLUMN_HINT_NUMBER, true },
        { "2e2", PAGE_NUMBERS, COLUMN_HINT_NUMBER, false },
        { "2026-11-21T04:00:00.5Z", PAGE_NUMBERS, COLUMN_HINT_TIME, true },
        { "2016-12-31T23:59:60Z", PAGE_NUMBERS, COLUMN_HINT_TIME, false },
        { "00112233-4455-6677-8899-aabbccddeeff", PAGE_IDS, COLUMN_HINT_ID, true },
        { "00112233445566778899aabbccddeeff", PAGE_IDS, COLUMN_HINT_ID, true },
        { "order:7", PAGE_IDS, COLUMN_HINT_ID, false },
        { "", PAGE_IDS, COLUMN_HINT_ID, false },
        { "200", PAGE_CODES, COLUMN_HINT_CODES, false },
        { "00112233445566778899aabbccddeeff", PAGE_VALUES, COLUMN_HINT_ID, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes value = bytes_text(rows[i].value);
        uint64_t hash = value_hash_as(rows[i].kind, rows[i].column, 5, value);
        uint64_t expected = value_hash(5, value);
        int64_t key;
        uint8_t id[16];
        if (rows[i].small && rows[i].kind == PAGE_NUMBERS) {
            uint8_t form = number_form(rows[i].column, value, &key);
            expected = value_hash_number(5, key, form);
        } else if (rows[i].small) {
            uint8_t form = id_form(value, id);
            expected = value_hash_id(5, id, form);
        }
        assert_true(hash == expected);
        assert_true(rows[i].small == (hash != value_hash(5, value)));
    }
}

/* Numbers and ids that differ in a bit, a digit or how they are spelled. */
static void
test_small(void **unused)
{
    (void)unused;
    uint8_t id[16] = { 0 };
    uint64_t hash = value_hash_id(1, id, ID_UUID);
    assert_true(hash != value_hash_id(1, id, ID_HEX));
    assert_true(hash != value_hash_id(2, id, ID_UUID));
    for (unsigned bit = 0; bit < 128; bit++) {
        id[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(hash != value_hash_id(1, id, ID_UUID));
        id[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    hash = value_hash_number(1, 1250, 2);
    assert_true(hash != value_hash_number(1, 1250, 1));
    assert_true(hash != value_hash_number(2, 1250, 2));
    for (unsigned bit = 0; bit < 64; bit++)
        assert_true(hash != value_hash_number(1, 1250 ^ (int64_t)(UINT64_C(1) << bit), 2));
}

/* Two values that change places, anywhere in a head, give another sum; so does one that is gone. */
static void
test_sum(void **unused)
{
    (void)unused;
    uint64_t a = value_hash(1, bytes_text("a")), b = value_hash(1, bytes_text("b"));
    for (uint32_t row = 1; row < 262144; row += 1 + row / 3)
        for (uint32_t other = 0; other < row; other += 1 + other / 3)
            assert_true(value_sum(a, row) + value_sum(b, other) !=
                        value_sum(b, row) + value_sum(a, other));
    assert_true(value_sum(a, 0) != 0 && value_sum(a, 131072) != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),  cmocka_unit_test(test_hash_spread),
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_small),
        cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
