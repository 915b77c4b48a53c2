#include "interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR (3600 * CLOCK_SECOND)

static int64_t
at(const char *text)
{
    struct instant instant;
    const char *reason;
    assert_true(instant_parse(bytes_text(text), &instant, &reason));
    return instant.ns;
}

static struct interval
interval(const char *text)
{
    struct interval read;
    assert_true(interval_read(bytes_text(text), &read));
    return read;
}

static void
intervals_are_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        { "1s", CLOCK_SECOND },
        { "90m", 90 * 60 * CLOCK_SECOND },
        { "1h", HOUR },
        { "100d", 100 * CLOCK_DAY },
        { "14w", 98 * CLOCK_DAY },
        { "8640000s", 100 * CLOCK_DAY },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct interval read = interval(rows[i].text);
        assert_int_equal(read.ns, rows[i].ns);
        struct buffer text = { 0 };
        interval_print(&read, &text);
        assert_true(bytes_is(buffer_view(&text), rows[i].text));
        buffer_free(&text);
    }
}

static void
what_is_no_interval_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    "h",    "1",   "0h",       "01h", /* one text an interval */
        "1H",  "1y",   "-1h", "1.5h",     "1 h",
        "1hh", "101d", "15w", "8640001s", "99999999999999999999s", /* would wrap around */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct interval read = { .ns = 5 };
        assert_false(interval_read(bytes_text(texts[i]), &read));
        assert_int_equal(read.ns, 5);
    }
}

static void
intervals_begin_at_whole_ones(void **state)
{
    (void)state;
    static const struct {
        const char *interval, *instant, *start;
    } rows[] = {
        { "1h", "2026-01-02T03:04:05.999999999Z", "2026-01-02T03:00:00Z" },
        { "1h", "2026-01-02T03:00:00Z", "2026-01-02T03:00:00Z" },
        { "15m", "2026-01-02T03:59:59Z", "2026-01-02T03:45:00Z" },
        { "1d", "2026-01-02T23:59:59Z", "2026-01-02T00:00:00Z" },
        { "1w", "2026-01-04T23:59:59Z", "2025-12-29T00:00:00Z" }, /* a Sunday */
        { "1w", "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z" }, /* a Monday */
        { "7d", "2026-01-05T00:00:00Z", "2026-01-01T00:00:00Z" }, /* days are no weeks */
        { "1h", "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z" }, /* before 1970 */
        { "1w", "1969-12-28T12:00:00Z", "1969-12-22T00:00:00Z" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct interval read = interval(rows[i].interval);
        assert_int_equal(interval_start(&read, at(rows[i].instant)), at(rows[i].start));
    }
}

/* The law, up to the ends of time: a moment is in its interval, and intervals do not move. */
static void
every_moment_is_in_its_interval(void **state)
{
    (void)state;
    static const char *const texts[] = { "1s", "7m", "1h", "5d", "1w", "3w", "100d" };
    const int64_t instants[] = { MOMENT_MIN, MOMENT_MIN + 1, -CLOCK_DAY, -1, 0, 1, MOMENT_MAX };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct interval read = interval(texts[i]);
        for (size_t j = 0; j < sizeof instants / sizeof instants[0]; j++) {
            int64_t start = interval_start(&read, instants[j]);
            assert_true(start <= instants[j] && instants[j] - start < read.ns);
            if (start >= MOMENT_MIN)
                assert_int_equal(interval_start(&read, start), start);
            int64_t number = interval_number(&read, instants[j]);
            assert_int_equal(interval_begin(&read, number), start);
            assert_int_equal(interval_span(&read, MOMENT_MIN, instants[j]),
                             (uint64_t)(number - interval_number(&read, MOMENT_MIN)) + 1);
        }
    }
}

static void
spans_count_both_ends(void **state)
{
    (void)state;
    struct interval hour = interval("1h");
    assert_int_equal(interval_span(&hour, 0, 0), 1);
    assert_int_equal(interval_span(&hour, 0, HOUR - 1), 1);
    assert_int_equal(interval_span(&hour, 0, HOUR), 2);
    assert_int_equal(interval_span(&hour, HOUR - 1, HOUR), 2); /* two hours, a nanosecond apart */
    struct interval second = interval("1s");
    assert_int_equal(interval_span(&second, MOMENT_MIN, MOMENT_MAX),
                     (uint64_t)(MOMENT_MAX / CLOCK_SECOND - MOMENT_MIN / CLOCK_SECOND) + 1);
}

/* By trying all of them. */
static void
widening_gives_the_shortest_that_will_do(void **state)
{
    (void)state;
    static const struct {
        const char *interval;
        int64_t first, distance;
    } rows[] = {
        { "1s", 0, 10000 * CLOCK_SECOND - 1 },
        { "1s", 0, 10000 * CLOCK_SECOND },
        { "1s", 999, 30 * CLOCK_DAY },
        { "1m", -12345, 365 * CLOCK_DAY },
        { "1s", 61 * CLOCK_SECOND, 9999 * HOUR },
        { "1h", MOMENT_MIN, 100000 * CLOCK_DAY },
        { "1d", 5 * HOUR, 106000 * CLOCK_DAY },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct interval read = interval(rows[i].interval);
        int64_t last = rows[i].first + rows[i].distance;
        struct interval wider = interval_widen(&read, rows[i].first, last, 10000);
        assert_int_equal(wider.unit, read.unit);
        assert_true(interval_span(&wider, rows[i].first, last) <= 10000);
        for (uint32_t count = 1; count < wider.count; count++) {
            struct interval shorter = { count * moment_unit((uint8_t)read.unit), count, read.unit };
            assert_true(interval_span(&shorter, rows[i].first, last) > 10000);
        }
    }
    struct interval second = interval("1s");
    struct interval wider = interval_widen(&second, MOMENT_MIN, MOMENT_MAX, 5000);
    assert_true(wider.ns <= INTERVAL_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_are_read_and_printed),
        cmocka_unit_test(what_is_no_interval_is_refused),
        cmocka_unit_test(intervals_begin_at_whole_ones),
        cmocka_unit_test(every_moment_is_in_its_interval),
        cmocka_unit_test(spans_count_both_ends),
        cmocka_unit_test(widening_gives_the_shortest_that_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
