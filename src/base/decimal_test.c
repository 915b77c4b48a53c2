#include "decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void
only_json_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        bool good;
        const char *why;
    } rows[] = {
        { "0", true, "zero" },
        { "-0", true, "JSON has a negative zero" },
        { "0.0", true, "zero with a fraction" },
        { "10", true, "digits" },
        { "1.50", true, "a fraction may end in zero" },
        { "1e5", true, "an exponent" },
        { "1E+05", true, "with sign and leading zero" },
        { "12345678901234567890", true, "beyond 64 bits" },
        { "1e99999999999999999999", true, "beyond any exponent" },
        { "", false, "nothing" },
        { "-", false, "a sign alone" },
        { "+1", false, "JSON has no plus" },
        { "01", false, "a leading zero" },
        { "1.", false, "a point without digits behind" },
        { ".5", false, "or before" },
        { "1e", false, "an exponent without digits" },
        { "1e+", false, "or only a sign" },
        { "1 ", false, "a blank" },
        { "0x1", false, "hexadecimal" },
        { "NaN", false, "no number" },
        { "1.2.3", false, "two points" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decimal number;
        if (decimal_read(bytes_text(rows[i].token), &number) != rows[i].good)
            fail_msg("%s: %s", rows[i].token, rows[i].why);
    }
}

/* In ascending order; tokens of one line are equal. */
static const char *const ladder[][6] = {
    { "-1e99999999999" },
    { "-12345678901234567891" },
    { "-12345678901234567890", "-12345678901234567890.000", "-1.2345678901234567890e19" },
    { "-100", "-1e2", "-1000e-1" },
    { "-99.9" },
    { "-0.5", "-5e-1" },
    { "-0.05" },
    { "0", "-0", "0.000", "0e7", "-0.0e-9" },
    { "1e-7", "0.0000001", "10e-8" },
    { "0.05", "0.0500" },
    { "0.5", "0.50", "5.0e-1" },
    { "1", "1.0", "10e-1", "0.1e1" },
    { "1.05" },
    { "1.1", "1.10" },
    { "9.99" },
    { "10", "10.0", "1e1", "1E+1" },
    { "101" },
    { "110" },
    { "12345678901234567890" },
    { "12345678901234567891" },
    { "1e99999999999" },
};

static void
numbers_compare_by_value(void **state)
{
    (void)state;
    const size_t count = sizeof ladder / sizeof *ladder;
    for (size_t i = 0; i < count * 6; i++) {
        for (size_t j = 0; j < count * 6; j++) {
            const char *a = ladder[i / 6][i % 6], *b = ladder[j / 6][j % 6];
            struct decimal x, y;
            if (a == NULL || b == NULL || !decimal_read(bytes_text(a), &x) ||
                !decimal_read(bytes_text(b), &y))
                continue;
            int order = decimal_compare(&x, &y);
            int wanted = (i / 6 > j / 6) - (i / 6 < j / 6);
            if ((order > 0) - (order < 0) != wanted)
                fail_msg("%s against %s gives %d", a, b, order);
        }
    }
}

/* decimal_range_keys against the definition, for all keys near and far and all scales. */
static void
keys_are_those_within(void **state)
{
    (void)state;
    static const char *const ends[] = { "",
                                        "0",
                                        "5",
                                        "-5",
                                        "0.5",
                                        "-0.5",
                                        "0.49",
                                        "4.99",
                                        "1e-9",
                                        "-1e-9",
                                        "1e30",
                                        "-2e1",
                                        "12.5",
                                        "-12.5",
                                        "1e17",
                                        "1e18",
                                        "999999999999999999" };
    static const int64_t keys[] = { 0,
                                    1,
                                    -1,
                                    4,
                                    5,
                                    6,
                                    -4,
                                    -5,
                                    -6,
                                    49,
                                    50,
                                    51,
                                    12,
                                    13,
                                    -12,
                                    -13,
                                    125,
                                    1250,
                                    -125,
                                    1249,
                                    20000,
                                    100000,
                                    INT64_C(999999999999999999),
                                    INT64_C(-999999999999999999) };
    const size_t end_count = sizeof ends / sizeof *ends;
    for (size_t i = 0; i < end_count * end_count * 4; i++) {
        const char *low = ends[i / 4 % end_count], *high = ends[i / 4 / end_count];
        struct decimal_range range = { .low_excluded = i % 2 == 1,
                                       .high_excluded = i / 2 % 2 == 1 };
        range.low.absent = !decimal_read(bytes_text(low), &range.low);
        range.high.absent = !decimal_read(bytes_text(high), &range.high);
        for (unsigned scale = 0; scale <= 18; scale++) {
            int64_t first, last;
            decimal_range_keys(&range, scale, &first, &last);
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
                char token[32];
                struct decimal number;
                (void)snprintf(token, sizeof token, "%llde-%u", (long long)keys[k], scale);
                assert_true(decimal_read(bytes_text(token), &number));
                bool within = decimal_within(&range, &number);
                if (within != (first <= keys[k] && keys[k] <= last))
                    fail_msg("%s in %s..%s", token, low, high);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_json_numbers_are_read),
        cmocka_unit_test(numbers_compare_by_value),
        cmocka_unit_test(keys_are_those_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
