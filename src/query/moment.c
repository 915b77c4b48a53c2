/*
 * A time in a filter is a range of instants, of one or of a day. What cannot be written back,
 * before MOMENT_MIN or after MOMENT_MAX, is refused where it is computed.
 */
#include "moment.h"

#include "ascii.h"

#include <assert.h>

static const char out_of_reach[] = "it is before 1678 or after 2261";

static int64_t
day_start(int64_t instant)
{
    int64_t rest = instant % CLOCK_DAY;
    return instant - (rest < 0 ? rest + CLOCK_DAY : rest);
}

static struct moment
whole_day(int64_t start, bool relative)
{
    return (struct moment){ start, start + CLOCK_DAY - 1, relative };
}

int64_t
moment_unit(uint8_t letter)
{
    switch (letter) {
    case 's':
        return CLOCK_SECOND;
    case 'm':
        return 60 * CLOCK_SECOND;
    case 'h':
        return 3600 * CLOCK_SECOND;
    case 'd':
        return CLOCK_DAY;
    case 'w':
        return 7 * CLOCK_DAY;
    default:
        return 0;
    }
}

/* "-7d", "+1h": a sign, a number, a unit. */
static bool
read_offset(struct bytes text, int64_t now, struct moment *out, const char **reason_out)
{
    static const char shape[] =
        "an offset is a sign, a number and one of s, m, h, d, w, such as -7d";
    bool negative = text.data[0] == '-';
    int64_t unit = moment_unit(text.data[text.size - 1]);
    int64_t count = 0, distance, instant;

    *reason_out = shape;
    if (text.size < 3 || (text.data[0] != '-' && text.data[0] != '+') || unit == 0)
        return false;
    for (size_t i = 1; i < text.size - 1; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        count = count > INT32_MAX ? count : count * 10 + (text.data[i] - '0');
    }
    *reason_out = out_of_reach;
    if (__builtin_mul_overflow(negative ? -count : count, unit, &distance) ||
        __builtin_add_overflow(now, distance, &instant) || instant < MOMENT_MIN ||
        instant > MOMENT_MAX)
        return false;
    *out = (struct moment){ instant, instant, true };
    return true;
}

static bool
read_date(struct bytes text, struct moment *out, const char **reason_out)
{
    static const char midnight[] = "T00:00:00Z";
    uint8_t date_time[10 + sizeof midnight - 1];
    struct instant instant;

    memcpy(date_time, text.data, 10);
    memcpy(date_time + 10, midnight, sizeof midnight - 1);
    if (!instant_parse(bytes_of(date_time, sizeof date_time), &instant, reason_out))
        return false;
    *out = whole_day(instant.ns, false);
    return true;
}

bool
moment_read(struct bytes text, int64_t now, struct moment *out, const char **reason_out)
{
    static const char shape[] = "a time is 2026-01-31, 2026-01-31T23:59:59Z, today, yesterday, "
                                "now, now-1h or -7d";
    assert(now >= MOMENT_MIN && now <= MOMENT_MAX);

    if (bytes_is(text, "now")) {
        *out = (struct moment){ now, now, true };
        return true;
    }
    if (bytes_is(text, "today") || bytes_is(text, "yesterday")) {
        int64_t start = day_start(now) - (text.data[0] == 'y' ? CLOCK_DAY : 0);
        *out = whole_day(start, true);
        return true;
    }
    if (text.size > 3 && memcmp(text.data, "now", 3) == 0)
        return read_offset(bytes_of(text.data + 3, text.size - 3), now, out, reason_out);
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        return read_offset(text, now, out, reason_out);

    if (text.size == 10)
        return text.data[4] == '-' ? read_date(text, out, reason_out)
                                   : (*reason_out = shape, false);
    struct instant instant;
    *reason_out = shape;
    if (text.size < 19 || !instant_parse(text, &instant, reason_out))
        return false;
    *out = (struct moment){ instant.ns, instant.ns, false };
    return true;
}

/* The year that `text` begins with; 0 where it is not of the form YYYY-, which year 0 is not either
 * in any system that is asked about. */
static int32_t
year_of(struct bytes text)
{
    int32_t year = 0;
    if (text.size < 10 || text.data[4] != '-')
        return 0;
    for (size_t i = 0; i < 4; i++) {
        if (!ascii_is_digit(text.data[i]))
            return 0;
        year = year * 10 + (text.data[i] - '0');
    }
    return year;
}

bool
moment_of_text(struct bytes text, int64_t *instant_out)
{
    uint8_t copy[INSTANT_TEXT_MAX + 8];
    struct moment moment;
    struct instant instant;
    const char *reason;
    int32_t year = year_of(text);
    if (year == 0 || text.size > sizeof copy)
        return false;

    /* Days are the same every 400 years, 1700 to 2099 among them. */
    int32_t like = year < 1678 || year > 2261 ? 1700 + (year + 300) % 400 : year;
    memcpy(copy, text.data, text.size);
    for (size_t i = 4; i-- > 0; like /= 10)
        copy[i] = (uint8_t)('0' + like % 10);
    struct bytes near = bytes_of(copy, text.size);
    if (text.size == 10 && read_date(near, &moment, &reason))
        *instant_out = moment.first;
    else if (text.size > 10 && instant_parse(near, &instant, &reason))
        *instant_out = instant.ns;
    else
        return false;
    if (year < 1678)
        *instant_out = MOMENT_MIN - 1;
    if (year > 2261)
        *instant_out = MOMENT_MAX + 1;
    return true;
}

size_t
moment_format(int64_t instant, char *text)
{
    int64_t fraction = instant % CLOCK_SECOND;
    unsigned digits = fraction == 0 ? 0 : 9;
    for (; digits > 0 && fraction % 10 == 0; fraction /= 10)
        digits--;
    return instant_format(instant, digits, text);
}
