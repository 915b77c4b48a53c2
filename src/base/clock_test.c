#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static bool
parse(const char *text, struct instant *out)
{
    const char *reason = NULL;
    bool good = instant_parse(bytes_text(text), out, &reason);
    assert_true(good == (reason == NULL));
    return good;
}

static bool
leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
month_length(int year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return lengths[month - 1] + (month == 2 && leap(year));
}

/* Walks the calendar a day at a time, as one would on paper; and asks timegm, too. */
static void
every_day_agrees_with_the_calendar(void **state)
{
    (void)state;
    int64_t days = 0;
    for (int year = 1678; year < 1970; year++)
        days -= leap(year) ? 366 : 365;

    for (int year = 1678; year <= 2261; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                char text[32];
                struct instant got;
                (void)snprintf(text, sizeof text, "%04d-%02d-%02dT13:05:09.5Z", year, month, day);
                bool exists =
                    month >= 1 && month <= 12 && day >= 1 && day <= month_length(year, month);
                assert_int_equal(parse(text, &got), exists);
                if (!exists)
                    continue;

                struct tm civil = { .tm_year = year - 1900,
                                    .tm_mon = month - 1,
                                    .tm_mday = day,
                                    .tm_hour = 13,
                                    .tm_min = 5,
                                    .tm_sec = 9 };
                assert_int_equal(got.ns, (days * 86400 + 47109) * CLOCK_SECOND + 500000000);
                assert_int_equal(got.ns / CLOCK_SECOND - (got.ns < 0), timegm(&civil));
                assert_int_equal(got.size, 22);
                assert_memory_equal(got.text, text, 22);
                assert_int_equal(got.digits, 1);

                char again[INSTANT_TEXT_MAX];
                assert_int_equal(instant_format(got.ns, 1, again), 22);
                assert_memory_equal(again, text, 22);
                days++;
            }
        }
    }
}

/* Every second of a day, and every value of the three fields from 00 to 99. */
static void
every_time_of_day(void **state)
{
    (void)state;
    for (int hour = 0; hour < 100; hour++) {
        for (int minute = 0; minute < 100; minute++) {
            for (int second = 0; second < 100; second++) {
                char text[32];
                struct instant got;
                (void)snprintf(text, sizeof text, "1969-12-31T%02d:%02d:%02dZ", hour, minute,
                               second);
                bool leap_second = hour == 23 && minute == 59 && second == 60;
                bool exists = (hour < 24 && minute < 60 && second < 60) || leap_second;
                if (parse(text, &got) != exists)
                    fail_msg("%s", text);
                if (!exists)
                    continue;
                assert_int_equal(got.ns,
                                 (hour * 3600 + minute * 60 + second - 86400) * CLOCK_SECOND);
                assert_memory_equal(got.text, text, 20);
            }
        }
    }
}

/* All offsets: the text in UTC is the one that format writes, and the instant moves by the offset.
 */
static void
every_offset(void **state)
{
    (void)state;
    for (int hours = 0; hours < 100; hours++) {
        for (int minutes = 0; minutes < 100; minutes++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                char text[40];
                char expected[INSTANT_TEXT_MAX];
                struct instant got;
                (void)snprintf(text, sizeof text, "2024-02-29T12:34:56.789%c%02d:%02d",
                               sign < 0 ? '-' : '+', hours, minutes);
                assert_int_equal(parse(text, &got), hours < 24 && minutes < 60);
                if (hours > 23 || minutes > 59)
                    continue;
                int64_t utc = INT64_C(1709210096789000000);
                assert_int_equal(got.ns, utc - sign * (hours * 60 + minutes) * 60 * CLOCK_SECOND);
                size_t size = instant_format(got.ns, 3, expected);
                assert_int_equal(got.size, size);
                assert_memory_equal(got.text, expected, size);
            }
        }
    }
}

static void
accepted_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
        int64_t ns;
        const char *why;
    } rows[] = {
        { "2020-06-09 22:51:00", "2020-06-09T22:51:00Z", 1591743060000000000, "blank, no offset" },
        { "2020-06-09t22:51:00z", "2020-06-09T22:51:00Z", 1591743060000000000, "lower case" },
        { "2020-06-09T22:51:00.120", "2020-06-09T22:51:00.120Z", 1591743060120000000,
          "zeros at the end of a fraction are kept" },
        { "2020-06-09T22:51:00-00:00", "2020-06-09T22:51:00Z", 1591743060000000000,
          "an unknown offset (section 4.3)" },
        { "1970-01-01T00:00:00.000000001Z", "1970-01-01T00:00:00.000000001Z", 1, "one nanosecond" },
        { "1970-01-01T00:00:00.00000000199Z", "1970-01-01T00:00:00.00000000199Z", 1,
          "digits past the ninth are kept and cut from ns" },
        { "1969-12-31T23:59:59.99999999999999999999999999999999Z",
          "1969-12-31T23:59:59.99999999999999999999999999999999Z", -1, "32 digits, before 1970" },
        { "2024-12-31T22:00:00.25-05:00", "2025-01-01T03:00:00.25Z", 1735700400250000000,
          "into the next year" },
        { "2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z", 1709249400000000000,
          "back to a leap day" },
        { "1990-12-31T23:59:60Z", "1990-12-31T23:59:60Z", 662688000000000000,
          "the leap second of section 5.8" },
        { "1990-12-31T15:59:60-08:00", "1990-12-31T23:59:60Z", 662688000000000000,
          "the same one elsewhere" },
        { "1990-12-31T23:59:60.75Z", "1990-12-31T23:59:60.75Z", 662688000000000000,
          "its fraction stays in the text" },
        { "1678-01-01T00:00:00Z", "1678-01-01T00:00:00Z", -9214560000000000000, "the first" },
        { "2261-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59.999999999Z", 9214646399999999999,
          "the last" },
        { "2261-12-31T23:59:60Z", "2261-12-31T23:59:60Z", 9214646400000000000,
          "a leap second after the last" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant got;
        if (!parse(rows[i].text, &got))
            fail_msg("refused %s: %s", rows[i].text, rows[i].why);
        assert_true(bytes_is(bytes_of(got.text, got.size), rows[i].canonical));
        assert_int_equal(got.ns, rows[i].ns);

        /* What is canonical stays as it is. */
        struct instant again;
        const char *reason;
        assert_true(instant_parse(bytes_of(got.text, got.size), &again, &reason));
        assert_int_equal(again.ns, got.ns);
        assert_int_equal(again.digits, got.digits);
        assert_true(bytes_equal(bytes_of(again.text, again.size), bytes_of(got.text, got.size)));
    }
}

static void
refused_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } rows[] = {
        { "", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-01-31", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-01-31T23:59Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-01-31_23:59:59Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026/01/31T23:59:59Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { " 2026-01-31T23:59:59Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-1-31T23:59:59.0Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "+2026-01-31T23:59:59Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-01-31T23:59:+9Z", "it is not of the form 2026-01-31T23:59:59Z" },
        { "2026-02-29T00:00:00Z", "the day does not exist" },
        { "1900-02-29T00:00:00Z", "the day does not exist" },
        { "2026-13-01T00:00:00Z", "the month does not exist" },
        { "2026-01-31T24:00:00Z", "the time of day does not exist" },
        { "2026-01-31T23:59:61Z", "the time of day does not exist" },
        { "2026-01-31T22:59:60Z", "a leap second is only at 23:59:60 UTC" },
        { "2026-01-31T23:59:60+01:00", "a leap second is only at 23:59:60 UTC" },
        { "1677-12-31T23:59:59Z", "the year is outside 1678 to 2261" },
        { "2262-01-01T00:00:00Z", "the year is outside 1678 to 2261" },
        { "1678-01-01T00:00:00+00:01", "the year is outside 1678 to 2261 in UTC" },
        { "2261-12-31T23:59:59-00:01", "the year is outside 1678 to 2261 in UTC" },
        { "2026-01-31T23:59:59.", "the fraction has no digits" },
        { "2026-01-31T23:59:59.Z", "the fraction has no digits" },
        { "2026-01-31T23:59:59.000000000000000000000000000000000Z",
          "the fraction has more than 32 digits" },
        { "2026-01-31T23:59:59,5Z", "the offset is neither Z nor of the form +01:00" },
        { "2026-01-31T23:59:59 Z", "the offset is neither Z nor of the form +01:00" },
        { "2026-01-31T23:59:59ZZ", "the offset is neither Z nor of the form +01:00" },
        { "2026-01-31T23:59:59+0100", "the offset is neither Z nor of the form +01:00" },
        { "2026-01-31T23:59:59+01", "the offset is neither Z nor of the form +01:00" },
        { "2026-01-31T23:59:59+24:00", "the offset does not exist" },
        { "2026-01-31T23:59:59+01:60", "the offset does not exist" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant out = { .ns = 77 };
        const char *reason = "accepted";
        assert_false(instant_parse(bytes_text(rows[i].text), &out, &reason));
        assert_string_equal(reason, rows[i].reason);
        assert_int_equal(out.ns, 77);
    }
}

/* The short way must take what instant_format() writes, all of it and nothing else, and say what
 * instant_parse() says. */
static void
check_read(struct bytes text)
{
    struct instant parsed = { 0 };
    const char *reason;
    char written[INSTANT_TEXT_MAX];
    int64_t ns = 77;
    uint8_t digits = 66;
    bool canonical = instant_parse(text, &parsed, &reason) && parsed.digits <= 9;
    if (canonical)
        canonical =
            bytes_equal(text, bytes_of(written, instant_format(parsed.ns, parsed.digits, written)));
    if (instant_read(text, &ns, &digits) != canonical)
        fail_msg("%.*s is%s canonical", BYTES_ARG(text), canonical ? "" : " not");
    assert_true(ns == (canonical ? parsed.ns : 77));
    assert_int_equal(digits, canonical ? parsed.digits : 66);
}

static void
read_agrees_with_parse(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2024-02-29T23:59:59.25Z",
        "2024-02-29T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "1678-01-01T00:00:00.0Z",
        "2261-12-31T23:59:59.999999999Z",
        "2024-02-29T23:59:59.1234567890Z",
        "2024-02-29T23:59:59",
        "2024-02-29T23:59:59.Z",
        "2024-02-29T23:59:59.5",
        "2024-02-29T23:59:59+00:00",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = strlen(texts[i]);
        for (size_t end = 0; end <= size; end++)
            check_read(bytes_of(texts[i], end));
        for (size_t place = 0; place < size; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                char text[INSTANT_TEXT_MAX];
                memcpy(text, texts[i], size);
                text[place] = (char)byte;
                check_read(bytes_of(text, size));
            }
        }
    }
    /* Every day, at its ends, and those that do not exist. */
    for (int year = 1677; year <= 2262; year++) {
        for (int day = 0; day < 15 * 33; day++) {
            char text[64];
            int size = snprintf(text, sizeof text, "%04d-%02d-%02dT%s", year, day / 33, day % 33,
                                day % 2 == 0 ? "00:00:00Z" : "23:59:59.999999Z");
            check_read(bytes_of(text, (size_t)size));
        }
    }
}

/* Any byte at any place either is refused or leaves a text that is canonical when read again. */
static void
any_byte_at_any_place(void **state)
{
    (void)state;
    static const char good[] = "2024-02-29T23:59:59.25+01:30";
    for (size_t place = 0; place < sizeof good - 1; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[sizeof good];
            struct instant got, again;
            const char *reason;
            memcpy(text, good, sizeof good);
            text[place] = (char)byte;
            if (!instant_parse(bytes_of(text, sizeof good - 1), &got, &reason))
                continue;
            assert_true(instant_parse(bytes_of(got.text, got.size), &again, &reason));
            assert_int_equal(again.ns, got.ns);
            assert_memory_equal(again.text, got.text, got.size);
        }
    }
}

static void
format_digits(void **state)
{
    (void)state;
    static const char full[] = "2001-09-09T01:46:40.123456789Z";
    for (unsigned digits = 0; digits <= 9; digits++) {
        char text[INSTANT_TEXT_MAX];
        size_t size = instant_format(INT64_C(1000000000123456789), digits, text);
        size_t expected = digits == 0 ? 20 : 21 + digits;
        assert_int_equal(size, expected);
        assert_memory_equal(text, full, expected - 1);
        assert_int_equal(text[size - 1], 'Z');
    }
    /* The ends of the type. */
    char text[INSTANT_TEXT_MAX];
    size_t size = instant_format(INT64_MIN, 9, text);
    assert_true(bytes_is(bytes_of(text, size), "1677-09-21T00:12:43.145224192Z"));
    size = instant_format(INT64_MAX, 9, text);
    assert_true(bytes_is(bytes_of(text, size), "2262-04-11T23:47:16.854775807Z"));
}

/* One after the other as each by itself: forward, back, within a minute and far, before 1970 too.
 */
static void
near_instants_are_spelled_alike(void **state)
{
    (void)state;
    static const int64_t steps[] = { 1,
                                     -1,
                                     CLOCK_SECOND,
                                     59 * CLOCK_SECOND,
                                     -60 * CLOCK_SECOND,
                                     60 * CLOCK_SECOND - 1,
                                     CLOCK_DAY,
                                     -3 * CLOCK_DAY + 7 };
    static const int64_t starts[] = { 0, -1, 60 * CLOCK_SECOND, INT64_C(1700000000999999999),
                                      INT64_C(-1700000000000000001) };
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        struct instant_near near = { 0 };
        int64_t instant = starts[s];
        for (unsigned i = 0; i < 2000; i++) {
            char text[INSTANT_TEXT_MAX], expected[INSTANT_TEXT_MAX];
            size_t size = instant_format(instant, i % 10, expected);
            assert_int_equal(instant_format_near(&near, instant, i % 10, text), size);
            assert_memory_equal(text, expected, size);
            instant += steps[(i * 7 + i / 5) % (sizeof steps / sizeof *steps)];
        }
        char text[INSTANT_TEXT_MAX];
        size_t size = instant_format_near(&near, INT64_MIN, 9, text);
        assert_true(bytes_is(bytes_of(text, size), "1677-09-21T00:12:43.145224192Z"));
        size = instant_format_near(&near, INT64_MAX, 9, text);
        assert_true(bytes_is(bytes_of(text, size), "2262-04-11T23:47:16.854775807Z"));
    }
}

static void
clocks_go(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_now() / CLOCK_SECOND;
    assert_in_range(now, before - 1, before + 60);
    int64_t first = clock_monotonic();
    assert_true(clock_monotonic() >= first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_agrees_with_the_calendar),
        cmocka_unit_test(every_time_of_day),
        cmocka_unit_test(every_offset),
        cmocka_unit_test(accepted_forms),
        cmocka_unit_test(refused_forms),
        cmocka_unit_test(read_agrees_with_parse),
        cmocka_unit_test(any_byte_at_any_place),
        cmocka_unit_test(format_digits),
        cmocka_unit_test(near_instants_are_spelled_alike),
        cmocka_unit_test(clocks_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
