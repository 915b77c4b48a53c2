/*
 * Numbers repeat: a service answers within some thousand different times. So it is enough to count
 * each spelling, sort the spellings by size, and go along them until the counts reach the rank.
 */
#include "percentile.h"

#include "ascii.h"
#include "decimal.h"
#include "fault.h"

#include <stdlib.h>

const struct percentile_ranks percentile_standard = { 4, { 50000, 90000, 95000, 99000 } };

/* One percentile: up to three digits before the point and three behind it. */
static bool
read_one(struct bytes text, uint32_t *rank_out)
{
    uint32_t rank = 0;
    size_t i = 0;
    for (; i < text.size && ascii_is_digit(text.data[i]); i++) {
        if (i == 3)
            return false;
        rank = rank * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (i == 0)
        return false;
    rank *= 1000;
    if (i < text.size) {
        uint32_t unit = 100;
        if (text.data[i++] != '.' || i == text.size)
            return false;
        for (; i < text.size; i++, unit /= 10) {
            if (unit == 0 || text.data[i] < '0' || text.data[i] > '9')
                return false;
            rank += (uint32_t)(text.data[i] - '0') * unit;
        }
    }
    *rank_out = rank;
    return rank > 0 && rank <= PERCENTILE_WHOLE;
}

/* Puts a rank where it belongs. False where there is no room; one that is there is there once. */
static bool
keep(struct percentile_ranks *ranks, uint32_t rank)
{
    size_t at = 0;
    while (at < ranks->count && ranks->ranks[at] < rank)
        at++;
    if (at < ranks->count && ranks->ranks[at] == rank)
        return true;
    if (ranks->count == PERCENTILES_MAX)
        return false;
    memmove(&ranks->ranks[at + 1], &ranks->ranks[at], (ranks->count - at) * sizeof *ranks->ranks);
    ranks->ranks[at] = rank;
    ranks->count++;
    return true;
}

bool
percentile_read(struct bytes text, struct percentile_ranks *ranks_out)
{
    struct percentile_ranks ranks = { 0 };
    for (size_t begin = 0; begin <= text.size;) {
        size_t end = begin;
        while (end < text.size && text.data[end] != ',')
            end++;
        uint32_t rank;
        if (!read_one(bytes_of(text.data + begin, end - begin), &rank) || !keep(&ranks, rank))
            return false;
        begin = end + 1;
    }
    *ranks_out = ranks;
    return true;
}

void
percentile_print(uint32_t rank, struct buffer *out)
{
    buffer_decimal(out, rank / 1000);
    uint32_t fraction = rank % 1000;
    if (fraction > 0)
        buffer_byte(out, '.');
    for (uint32_t unit = 100; fraction > 0; fraction %= unit, unit /= 10)
        buffer_byte(out, (uint8_t)('0' + fraction / unit));
}

struct counted {
    struct decimal number;
    struct bytes token;
    uint64_t count;
};

static int
compare_numbers(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return decimal_compare(&x->number, &y->number);
}

/* Without zeros at the end of a fraction, and without a point that nothing follows. Equal numbers
 * are then spelled alike, but for exponents, which fields of numbers do not have. */
static struct bytes
shorten(struct bytes token)
{
    if (memchr(token.data, '.', token.size) == NULL ||
        memchr(token.data, 'e', token.size) != NULL || memchr(token.data, 'E', token.size) != NULL)
        return token;
    while (token.data[token.size - 1] == '0')
        token.size--;
    if (token.data[token.size - 1] == '.')
        token.size--;
    return token;
}

static tally_status
read_numbers(const struct breakdown *breakdown, struct counted *numbers, struct tally_error *error)
{
    for (uint32_t i = 0; i < breakdown_groups(breakdown); i++) {
        struct bytes token = breakdown_value(breakdown, i, 0);
        if (!decimal_read(token, &numbers[i].number))
            return fault(error, TALLY_DAMAGED, "a field of numbers holds what is none");
        numbers[i].token = shorten(token);
        numbers[i].count = breakdown_count(breakdown, i);
    }
    return TALLY_OK;
}

/* The place, from 1, of a percentile among `count` numbers: rounded up. */
static uint64_t
place_of(uint32_t rank, uint64_t count)
{
    /* In two parts: rank * count need not fit. */
    uint64_t whole = count / PERCENTILE_WHOLE * rank;
    uint64_t rest = count % PERCENTILE_WHOLE * rank;
    return whole + (rest + PERCENTILE_WHOLE - 1) / PERCENTILE_WHOLE;
}

static void
walk(const struct counted *numbers, uint32_t number_count, const struct percentile_ranks *ranks,
     struct percentiles *percentiles)
{
    uint64_t passed = 0;
    size_t next = 0;
    for (uint32_t i = 0; i < number_count; i++) {
        passed += numbers[i].count;
        for (; next < ranks->count && place_of(ranks->ranks[next], percentiles->count) <= passed;
             next++)
            percentiles->values[next] = numbers[i].token;
    }
    percentiles->minimum = numbers[0].token;
    percentiles->maximum = numbers[number_count - 1].token;
}

tally_status
percentile_find(const struct breakdown *breakdown, const struct percentile_ranks *ranks,
                struct percentiles *percentiles_out, struct tally_error *error)
{
    struct percentiles percentiles = {
        .count = breakdown_total(breakdown) - breakdown_absent(breakdown),
    };
    uint32_t count = breakdown_groups(breakdown);
    struct counted *numbers = calloc((size_t)count + 1, sizeof *numbers);
    if (numbers == NULL)
        return memory_fault(error);
    tally_status status = read_numbers(breakdown, numbers, error);
    if (status == TALLY_OK && count > 0) {
        qsort(numbers, count, sizeof *numbers, compare_numbers);
        walk(numbers, count, ranks, &percentiles);
    }
    free(numbers);
    if (status == TALLY_OK)
        *percentiles_out = percentiles;
    return status;
}
