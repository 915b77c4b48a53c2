#include "moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW "2026-03-15T12:34:56.789Z"

static int64_t
at(const char *text)
{
    struct instant instant;
    const char *reason;
    assert_true(instant_parse(bytes_text(text), &instant, &reason));
    return instant.ns;
}

static void
times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *first, *last, *why;
    } rows[] = {
        { "2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z", "an instant" },
        { "2026-01-31 23:59:59", "2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z", "as events say" },
        { "2026-01-31T23:59:59.5+02:00", "2026-01-31T21:59:59.5Z", "2026-01-31T21:59:59.5Z",
          "an offset" },
        { "2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T23:59:59.999999999Z", "a day" },
        { "2024-02-29", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999999999Z", "a leap day" },
        { "1678-01-01", "1678-01-01T00:00:00Z", "1678-01-01T23:59:59.999999999Z", "the first day" },
        { "2261-12-31", "2261-12-31T00:00:00Z", "2261-12-31T23:59:59.999999999Z", "the last day" },
        { "today", "2026-03-15T00:00:00Z", "2026-03-15T23:59:59.999999999Z", "this day, UTC" },
        { "yesterday", "2026-03-14T00:00:00Z", "2026-03-14T23:59:59.999999999Z", "and the last" },
        { "now", NOW, NOW, "now" },
        { "now-1h", "2026-03-15T11:34:56.789Z", "2026-03-15T11:34:56.789Z", "an hour ago" },
        { "now+90s", "2026-03-15T12:36:26.789Z", "2026-03-15T12:36:26.789Z", "in 90 seconds" },
        { "-7d", "2026-03-08T12:34:56.789Z", "2026-03-08T12:34:56.789Z", "7 days ago" },
        { "+2w", "2026-03-29T12:34:56.789Z", "2026-03-29T12:34:56.789Z", "in two weeks" },
        { "-30m", "2026-03-15T12:04:56.789Z", "2026-03-15T12:04:56.789Z", "m is minutes" },
        { "-0s", NOW, NOW, "no distance at all" },
        { "tomorrow", NULL, NULL, "not a word of this language" },
        { "2026-02-29", NULL, NULL, "no such day" },
        { "2026-13-01", NULL, NULL, "no such month" },
        { "1677-12-31", NULL, NULL, "before all times" },
        { "2262-01-01", NULL, NULL, "after all times" },
        { "2026-01", NULL, NULL, "a month is no time" },
        { "2026/01/31", NULL, NULL, "another calendar's spelling" },
        { "31.01.2026", NULL, NULL, "another one" },
        { "2026-01-31T10:00Z", NULL, NULL, "RFC 3339 has seconds" },
        { "7d", NULL, NULL, "an offset has a sign" },
        { "-d", NULL, NULL, "and a number" },
        { "-7", NULL, NULL, "and a unit" },
        { "-7y", NULL, NULL, "that is one of five" },
        { "-7 d", NULL, NULL, "without blanks" },
        { "now7d", NULL, NULL, "now needs a sign too" },
        { "now-", NULL, NULL, "and what follows it" },
        { "-999999999999999999999w", NULL, NULL, "further than times reach" },
        { "-400000d", NULL, NULL, "further than years reach" },
        { "", NULL, NULL, "nothing" },
        { "-", NULL, NULL, "a sign alone" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct moment moment;
        const char *reason = NULL;
        bool read = moment_read(bytes_text(rows[i].text), at(NOW), &moment, &reason);
        if (read != (rows[i].first != NULL))
            fail_msg("%s: %s", rows[i].text, rows[i].why);
        if (!read) {
            assert_non_null(reason);
            continue;
        }
        if (moment.first != at(rows[i].first) || moment.last != at(rows[i].last))
            fail_msg("%s: %s", rows[i].text, rows[i].why);
    }
    assert_int_equal(MOMENT_MIN, at("1678-01-01T00:00:00Z"));
    assert_int_equal(MOMENT_MAX, at("2261-12-31T23:59:59.999999999Z"));
}

static void
instants_are_written_shortly_and_read_back(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.5Z",  "2026-01-31T00:00:00.000000001Z",
        "1678-01-01T00:00:00Z", "1969-12-31T23:59:59.25Z", "2261-12-31T23:59:59.999999999Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[INSTANT_TEXT_MAX];
        size_t size = moment_format(at(rows[i]), text);
        assert_true(bytes_is(bytes_of(text, size), rows[i]));
    }
}

static void
texts_on_record_are_times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *instant, *why;
    } rows[] = {
        { "2026-01-31T23:59:59.5+02:00", "2026-01-31T21:59:59.5Z", "an instant" },
        { "2026-01-31", "2026-01-31T00:00:00Z", "a date begins" },
        { "1678-01-01", "1678-01-01T00:00:00Z", "the first" },
        { "2261-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59.999999999Z", "the last" },
        { "9999-12-31T23:59:59.9999999Z", "after", "never" },
        { "2262-01-01", "after", "a day after the last" },
        { "2400-02-29", "after", "a leap day far away" },
        { "0001-01-01T00:00:00Z", "before", "nothing, in Go" },
        { "1677-12-31T23:59:59+00:00", "before", "just before the first" },
        { "9999-02-29", NULL, "no leap year" },
        { "9999-12-31T24:00:00Z", NULL, "no such time of day" },
        { "10000-01-01", NULL, "five digits" },
        { "2026-01", NULL, "a month" },
        { "today", NULL, "a word of filters" },
        { "-7d", NULL, "another" },
        { "now-100000d", NULL, "a longer one" },
        { "", NULL, "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t instant = 0;
        const char *expected = rows[i].instant;
        bool read = moment_of_text(bytes_text(rows[i].text), &instant);
        if (read != (expected != NULL))
            fail_msg("%s: %d", rows[i].why, read);
        if (!read)
            continue;
        int64_t wanted = strcmp(expected, "after") == 0    ? MOMENT_MAX + 1
                         : strcmp(expected, "before") == 0 ? MOMENT_MIN - 1
                                                           : at(expected);
        if (instant != wanted)
            fail_msg("%s: %lld", rows[i].why, (long long)instant);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_on_record_are_times),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(instants_are_written_shortly_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
