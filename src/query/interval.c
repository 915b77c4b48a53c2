/*
 * interval.c - intervals are whole numbers, counted from one origin.
 *
 * They are negative before it, so that division rounds down. Distances are unsigned: all the time
 * there may be is more than an int64 of nanoseconds.
 */
#include "interval.h"

#include "ascii.h"

#include <assert.h>

/* 1970-01-01 was a Thursday. */
#define MONDAY (-3 * CLOCK_DAY)

static struct interval
interval_of(uint32_t count, char unit)
{
    return (struct interval){ count * moment_unit((uint8_t)unit), count, unit };
}

bool
interval_read(struct bytes text, struct interval *interval_out)
{
    if (text.size < 2 || text.data[0] == '0')
        return false;
    char unit = (char)text.data[text.size - 1];
    int64_t ns = moment_unit((uint8_t)unit);
    if (ns == 0)
        return false;

    uint64_t most = (uint64_t)(INTERVAL_MAX / ns);
    uint64_t count = 0;
    for (size_t i = 0; i < text.size - 1; i++) {
        uint8_t digit = text.data[i];
        if (!ascii_is_digit(digit))
            return false;
        count = count * 10 + (uint64_t)(digit - '0');
        if (count > most)
            return false;
    }
    *interval_out = interval_of((uint32_t)count, unit);
    return true;
}

void
interval_print(const struct interval *interval, struct buffer *out)
{
    buffer_decimal(out, interval->count);
    buffer_byte(out, (uint8_t)interval->unit);
}

static int64_t
origin_of(const struct interval *interval)
{
    return interval->unit == 'w' ? MONDAY : 0;
}

int64_t
interval_number(const struct interval *interval, int64_t instant)
{
    assert(instant >= MOMENT_MIN && instant <= MOMENT_MAX);

    int64_t distance = instant - origin_of(interval);
    return distance / interval->ns - (distance % interval->ns < 0);
}

int64_t
interval_begin(const struct interval *interval, int64_t number)
{
    return origin_of(interval) + number * interval->ns;
}

int64_t
interval_start(const struct interval *interval, int64_t instant)
{
    return interval_begin(interval, interval_number(interval, instant));
}

uint64_t
interval_span(const struct interval *interval, int64_t first, int64_t last)
{
    assert(first <= last);

    int64_t start = interval_start(interval, first);
    /* Unsigned: from 1678 to 2261 is more than an int64 of nanoseconds holds. */
    uint64_t distance = (uint64_t)last - (uint64_t)start;
    return distance / (uint64_t)interval->ns + 1;
}

struct interval
interval_widen(const struct interval *interval, int64_t first, int64_t last, uint64_t most)
{
    assert(most >= 5000);

    uint64_t unit = (uint64_t)moment_unit((uint8_t)interval->unit);
    uint64_t distance = (uint64_t)last - (uint64_t)first;
    /* One that is too short by what the first one's begin adds, at most; then one by one. */
    uint32_t count = (uint32_t)(distance / unit / most);
    struct interval wider = *interval;
    while (interval_span(&wider, first, last) > most)
        wider = interval_of(++count, interval->unit);
    return wider;
}
