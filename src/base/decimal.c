/*
 * Decimal numbers are compared as they are spelled: sign, then the exponent of the first digit that
 * is not 0, then digit by digit. A point among the digits is stepped over.
 */
#include "decimal.h"

#include "ascii.h"

#include <assert.h>

/* The offset behind the digits that begin at `at`. */
static size_t
skip_digits(struct bytes token, size_t at)
{
    while (at < token.size && ascii_is_digit(token.data[at]))
        at++;
    return at;
}

/* Reads an exponent's sign and digits at `at` to the end of the token, saturating. */
static bool
read_exponent(struct bytes token, size_t at, int64_t *exponent_out)
{
    bool negative = false;
    if (at < token.size && (token.data[at] == '+' || token.data[at] == '-'))
        negative = token.data[at++] == '-';
    if (at == token.size || skip_digits(token, at) != token.size)
        return false;

    int64_t exponent = 0;
    for (; at < token.size; at++) {
        exponent = exponent * 10 + (token.data[at] - '0');
        if (exponent > DECIMAL_EXPONENT_MAX)
            exponent = DECIMAL_EXPONENT_MAX;
    }
    *exponent_out = negative ? -exponent : exponent;
    return true;
}

/* Cuts the digits in [start, end), with a point perhaps at `point`, down to what is significant. */
static void
cut_zeros(struct bytes token, size_t start, size_t point, size_t end, struct decimal *out)
{
    size_t first = start, last = end;
    while (first < end && (token.data[first] == '0' || token.data[first] == '.'))
        first++;
    while (last > first && (token.data[last - 1] == '0' || token.data[last - 1] == '.'))
        last--;
    out->digits = bytes_of(token.data + first, last - first);
    if (first == last) {
        out->negative = false;
        out->exponent = 0;
        return;
    }
    /* Digits before the point count up, zeros behind it down. */
    out->exponent += first < point ? (int64_t)(point - first) : -(int64_t)(first - point - 1);
}

bool
decimal_read(struct bytes token, struct decimal *out)
{
    struct decimal number = { 0 };
    size_t at = 0;
    if (at < token.size && token.data[at] == '-') {
        number.negative = true;
        at++;
    }
    size_t start = at;
    at = skip_digits(token, at);
    if (at == start || (token.data[start] == '0' && at - start > 1))
        return false;

    size_t point = at, end = at;
    if (at < token.size && token.data[at] == '.') {
        end = at = skip_digits(token, at + 1);
        if (at == point + 1)
            return false;
    }
    if (at < token.size) {
        if (token.data[at] != 'e' && token.data[at] != 'E')
            return false;
        if (!read_exponent(token, at + 1, &number.exponent))
            return false;
    }
    cut_zeros(token, start, point, end, &number);
    *out = number;
    return true;
}

/* The digits of two numbers of equal exponent. */
static int
compare_digits(struct bytes a, struct bytes b)
{
    size_t i = 0, j = 0;
    for (;; i++, j++) {
        if (i < a.size && a.data[i] == '.')
            i++;
        if (j < b.size && b.data[j] == '.')
            j++;
        if (i >= a.size || j >= b.size)
            return (i < a.size) - (j < b.size);
        if (a.data[i] != b.data[j])
            return a.data[i] < b.data[j] ? -1 : 1;
    }
}

static int
compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
    if (a->digits.size == 0 || b->digits.size == 0)
        return (a->digits.size > 0) - (b->digits.size > 0);
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    return compare_digits(a->digits, b->digits);
}

int
decimal_compare(const struct decimal *a, const struct decimal *b)
{
    assert(!a->absent && !b->absent);

    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int order = compare_magnitudes(a, b);
    return a->negative ? -order : order;
}

bool
decimal_within(const struct decimal_range *range, const struct decimal *number)
{
    if (!range->low.absent) {
        int order = decimal_compare(number, &range->low);
        if (order < 0 || (order == 0 && range->low_excluded))
            return false;
    }
    if (!range->high.absent) {
        int order = decimal_compare(number, &range->high);
        if (order > 0 || (order == 0 && range->high_excluded))
            return false;
    }
    return true;
}

/* The whole numbers next to number * 10^scale, at or below and at or above it, kept within ±10^18.
 */
static void
neighbours(const struct decimal *number, unsigned scale, int64_t *floor_out, int64_t *ceiling_out)
{
    const int64_t limit = INT64_C(1000000000000000000);
    int64_t whole = number->exponent + (int64_t)scale; /* digits before the point */
    int64_t magnitude = 0;
    bool fraction = false;

    if (number->digits.size > 0 && whole > 18) {
        magnitude = limit;
    } else {
        int64_t taken = 0;
        for (size_t i = 0; i < number->digits.size; i++) {
            uint8_t c = number->digits.data[i];
            if (c == '.')
                continue;
            if (taken >= whole) {
                fraction = true; /* the last digit is not 0 */
                break;
            }
            magnitude = magnitude * 10 + (c - '0');
            taken++;
        }
        for (; number->digits.size > 0 && taken < whole; taken++)
            magnitude *= 10;
    }
    *floor_out = number->negative ? -magnitude - fraction : magnitude;
    *ceiling_out = number->negative ? -magnitude : magnitude + fraction;
}

void
decimal_range_keys(const struct decimal_range *range, unsigned scale, int64_t *low_out,
                   int64_t *high_out)
{
    assert(scale <= 18);

    int64_t floor, ceiling;
    *low_out = INT64_MIN;
    *high_out = INT64_MAX;
    if (!range->low.absent) {
        neighbours(&range->low, scale, &floor, &ceiling);
        *low_out = range->low_excluded ? floor + 1 : ceiling;
    }
    if (!range->high.absent) {
        neighbours(&range->high, scale, &floor, &ceiling);
        *high_out = range->high_excluded ? ceiling - 1 : floor;
    }
}
