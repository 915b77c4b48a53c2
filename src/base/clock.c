#include "clock.h"

#include "ascii.h"

#include <assert.h>
#include <time.h>

#define YEAR_MIN 1678
#define YEAR_MAX 2261

#define MINUTE (60 * CLOCK_SECOND)

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

int64_t
clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* A moment of the Gregorian calendar, in UTC. */
struct civil {
    int32_t year;
    int32_t month;  /* 1 to 12 */
    int32_t day;    /* 1 to 31 */
    int32_t second; /* of the day, 0 to 86399 */
};

/* Days since 1970-01-01. Years are counted from 1 March, so that the leap day is the last of its
 * year and the months before it have lengths of a fixed pattern: 153 days in every five. */
static int32_t
days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int32_t y = month > 2 ? year : year - 1;
    int32_t m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void
civil_from_days(int32_t days, struct civil *out)
{
    uint32_t z = (uint32_t)(days + 719468);
    uint32_t era = z / 146097;
    uint32_t of_era = z % 146097;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t m = (5 * of_year + 2) / 153;
    out->day = (int32_t)(of_year - (153 * m + 2) / 5 + 1);
    out->month = (int32_t)(m < 10 ? m + 3 : m - 9);
    out->year = (int32_t)(year + era * 400 + (m >= 10));
}

static int32_t
days_in_month(int32_t year, int32_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static void
write_two(char *to, int32_t value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
}

/* "2026-01-31T23:59:59", 19 characters. */
static void
write_civil(const struct civil *civil, char *to)
{
    int32_t minute = civil->second / 60;
    write_two(to, civil->year / 100);
    write_two(to + 2, civil->year % 100);
    to[4] = '-';
    write_two(to + 5, civil->month);
    to[7] = '-';
    write_two(to + 8, civil->day);
    to[10] = 'T';
    write_two(to + 11, minute / 60);
    to[13] = ':';
    write_two(to + 14, minute % 60);
    to[16] = ':';
    write_two(to + 17, civil->second % 60);
}

/* Seconds, fraction and zone, behind the minute. Returns the size of all. */
static size_t
write_rest(uint64_t of_minute, unsigned digits, char *text)
{
    static const uint32_t powers[10] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
    };
    size_t size = 19;
    text[16] = ':';
    write_two(text + 17, (int32_t)(of_minute / CLOCK_SECOND));
    if (digits > 0) {
        uint32_t fraction = (uint32_t)(of_minute % CLOCK_SECOND) / powers[9 - digits];
        text[size++] = '.';
        for (unsigned i = digits; i > 0; i--, fraction /= 10)
            text[size + i - 1] = (char)('0' + fraction % 10);
        size += digits;
    }
    text[size++] = 'Z';
    return size;
}

static void
near_turn(struct instant_near *near, int64_t minute)
{
    int64_t days = minute / 1440 - (minute % 1440 < 0);
    struct civil civil;
    char text[19];
    civil_from_days((int32_t)days, &civil);
    civil.second = (int32_t)(minute - days * 1440) * 60;
    write_civil(&civil, text);
    memcpy(near->text, text, sizeof near->text);
    near->minute = minute;
    near->known = true;
}

size_t
instant_format_near(struct instant_near *near, int64_t instant, unsigned digits, char *text)
{
    assert(digits <= 9);
    /* Division rounds towards zero; a minute begins at or before its instants. The first one begins
     * before the least instant: so the rest is taken without a sign. */
    int64_t minute = instant / MINUTE - (instant % MINUTE < 0);
    if (!near->known || minute != near->minute)
        near_turn(near, minute);
    memcpy(text, near->text, sizeof near->text);
    return write_rest((uint64_t)instant - (uint64_t)minute * MINUTE, digits, text);
}

size_t
instant_format(int64_t instant, unsigned digits, char *text)
{
    struct instant_near near = { 0 };
    return instant_format_near(&near, instant, digits, text);
}

/* What the text says, before its offset is taken off. */
struct spelled {
    struct civil civil;     /* second 86400 and more never; :60 is kept in `leap` */
    bool leap;              /* the seconds were :60; civil.second then counts 59 */
    int32_t offset_minutes; /* east of UTC */
    uint8_t digits;
    const uint8_t *fraction;
    const uint8_t *date_time; /* 19 characters: as they are to be written, but for the T */
};

static bool
read_digits(const uint8_t *at, unsigned count, int32_t *value_out)
{
    int32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t digit = (uint32_t)at[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + (int32_t)digit;
    }
    *value_out = value;
    return true;
}

/* The first 19 characters. Returns why not, or NULL. */
static const char *
read_date_time(struct bytes text, struct spelled *out)
{
    static const char shape[] = "it is not of the form 2026-01-31T23:59:59Z";
    const uint8_t *c = text.data;
    int32_t year, month, day, hour, minute, second;

    if (text.size < 19 || c[4] != '-' || c[7] != '-' || c[13] != ':' || c[16] != ':' ||
        (c[10] != 'T' && c[10] != 't' && c[10] != ' '))
        return shape;
    if (!read_digits(c, 4, &year) || !read_digits(c + 5, 2, &month) ||
        !read_digits(c + 8, 2, &day) || !read_digits(c + 11, 2, &hour) ||
        !read_digits(c + 14, 2, &minute) || !read_digits(c + 17, 2, &second))
        return shape;

    if (year < YEAR_MIN || year > YEAR_MAX)
        return "the year is outside 1678 to 2261";
    if (month < 1 || month > 12)
        return "the month does not exist";
    if (day < 1 || day > days_in_month(year, month))
        return "the day does not exist";
    if (hour > 23 || minute > 59 || second > 60)
        return "the time of day does not exist";

    out->date_time = c;
    out->leap = second == 60;
    out->civil =
        (struct civil){ year, month, day, hour * 3600 + minute * 60 + (out->leap ? 59 : second) };
    return NULL;
}

/* The fraction and the offset: what follows the first 19 characters. */
static const char *
read_rest(struct bytes text, struct spelled *out)
{
    const uint8_t *at = text.data + 19;
    const uint8_t *end = text.data + text.size;

    out->digits = 0;
    out->offset_minutes = 0;
    out->fraction = at + 1;
    if (at < end && *at == '.') {
        for (at++; at < end && ascii_is_digit(*at); at++) {
            if (out->digits == INSTANT_FRACTION_MAX)
                return "the fraction has more than 32 digits";
            out->digits++;
        }
        if (out->digits == 0)
            return "the fraction has no digits";
    }

    if (at == end || (end - at == 1 && (*at == 'Z' || *at == 'z')))
        return NULL;

    int32_t hours, minutes;
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':' ||
        !read_digits(at + 1, 2, &hours) || !read_digits(at + 4, 2, &minutes))
        return "the offset is neither Z nor of the form +01:00";
    if (hours > 23 || minutes > 59)
        return "the offset does not exist";
    out->offset_minutes = (hours * 60 + minutes) * (*at == '-' ? -1 : 1);
    return NULL;
}

/* Takes the offset off and fills everything of `out` from what was spelled. */
static const char *
settle(struct spelled *spelled, struct instant *out)
{
    struct civil *civil = &spelled->civil;
    int32_t days = days_from_civil(civil->year, civil->month, civil->day);
    if (spelled->offset_minutes != 0) {
        civil->second -= spelled->offset_minutes * 60;
        int32_t day_shift = civil->second < 0 ? -1 : civil->second >= 86400;
        civil->second -= day_shift * 86400;
        days += day_shift;
        civil_from_days(days, civil);
        if (civil->year < YEAR_MIN || civil->year > YEAR_MAX)
            return "the year is outside 1678 to 2261 in UTC";
    }
    if (spelled->leap && civil->second != 86399)
        return "a leap second is only at 23:59:60 UTC";

    int64_t ns = ((int64_t)days * 86400 + civil->second) * CLOCK_SECOND;
    int64_t unit = CLOCK_SECOND;
    if (spelled->leap) {
        ns += CLOCK_SECOND;
    } else {
        for (unsigned i = 0; i < spelled->digits && i < 9; i++) {
            unit /= 10;
            ns += (spelled->fraction[i] - '0') * unit;
        }
    }

    out->ns = ns;
    out->digits = spelled->digits;
    if (spelled->offset_minutes == 0) {
        memcpy(out->text, spelled->date_time, 19);
        out->text[10] = 'T';
    } else {
        write_civil(civil, out->text);
        if (spelled->leap)
            write_two(out->text + 17, 60);
    }
    out->size = 19;
    if (spelled->digits > 0) {
        out->text[out->size++] = '.';
        memcpy(out->text + out->size, spelled->fraction, spelled->digits);
        out->size = (uint8_t)(out->size + spelled->digits);
    }
    out->text[out->size++] = 'Z';
    return NULL;
}

bool
instant_parse(struct bytes text, struct instant *out, const char **reason_out)
{
    struct spelled spelled;
    const char *reason = read_date_time(text, &spelled);
    if (reason == NULL)
        reason = read_rest(text, &spelled);
    if (reason == NULL)
        reason = settle(&spelled, out);
    if (reason == NULL)
        return true;
    *reason_out = reason;
    return false;
}

/*
 * Canonical text: most of what is read was written by instant_format(), or could have been. Its
 * shape is compared eight bytes at a time.
 */

/* Eight bytes less a shape of '0' where a digit stands: each is a digit's value then, or 0 where
 * another character is to stand (`marks`: 0xff). */
static inline bool
take_shape(const uint8_t *at, uint64_t shape, uint64_t marks, uint64_t *values_out)
{
    const uint64_t high = UINT64_C(0x8080808080808080), beyond_nine = UINT64_C(0x7676767676767676);
    uint64_t values = get_u64(at) ^ shape;
    *values_out = values;
    return (values & marks) == 0 && ((values | (values + beyond_nine)) & high) == 0;
}

/* The number of the two digits from byte `i` on. */
static inline int32_t
two_of(uint64_t values, unsigned i)
{
    uint64_t both = values >> 8 * i;
    return (int32_t)((both & 0xff) * 10 + (both >> 8 & 0xff));
}

/* ".123456789Z", one digit at least, or "Z". */
static bool
read_fraction(const uint8_t *at, size_t size, int64_t *ns, uint8_t *digits_out)
{
    int64_t unit = CLOCK_SECOND;
    if (size == 0 || size == 2 || size > 11 || at[size - 1] != 'Z' || (size > 1 && at[0] != '.'))
        return false;
    for (size_t i = 1; i + 1 < size; i++) {
        unsigned digit = (unsigned)at[i] - '0';
        if (digit > 9)
            return false;
        unit /= 10;
        *ns += digit * unit;
    }
    *digits_out = size == 1 ? 0 : (uint8_t)(size - 2);
    return true;
}

bool
instant_read(struct bytes text, int64_t *ns_out, uint8_t *digits_out)
{
    uint64_t date, time;
    const uint8_t *c = text.data;
    /* "0000-00-" and "00T00:00", the first character lowest. */
    if (text.size < 20 ||
        !take_shape(c, UINT64_C(0x2d30302d30303030), UINT64_C(0xff0000ff00000000), &date) ||
        !take_shape(c + 8, UINT64_C(0x30303a3030543030), UINT64_C(0x0000ff0000ff0000), &time) ||
        c[16] != ':' || (uint8_t)(c[17] - '0') > 5 || (uint8_t)(c[18] - '0') > 9)
        return false;
    int32_t year = two_of(date, 0) * 100 + two_of(date, 2), month = two_of(date, 5);
    int32_t day = two_of(time, 0), hour = two_of(time, 3), minute = two_of(time, 6);
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59)
        return false;
    int32_t second = hour * 3600 + minute * 60 + (c[17] - '0') * 10 + (c[18] - '0');
    int64_t ns = ((int64_t)days_from_civil(year, month, day) * 86400 + second) * CLOCK_SECOND;
    if (!read_fraction(c + 19, text.size - 19, &ns, digits_out))
        return false;
    *ns_out = ns;
    return true;
}
