#include "stats.h"

#include "clock.h"
#include "scan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const filters[] = { "",
                                       "status:failure",
                                       "control:*",
                                       "details.n:1 -user_id:u1",
                                       "index:4400..4700",
                                       "timestamp:>2026-06-01",
                                       "user_email:*" };

struct setting {
    struct corpus *corpus;
    struct filter *filter;
    struct scan *scan;
};

static void
set_filter(struct setting *setting, struct corpus *corpus, const char *text)
{
    const struct filter_options options = { .now = corpus_now() };
    struct scan_source source = corpus_source(corpus, corpus->count);
    setting->corpus = corpus;
    assert_int_equal(filter_parse(bytes_text(text), &options, &setting->filter, NULL), TALLY_OK);
    assert_int_equal(scan_create(setting->filter, &source, &setting->scan, NULL), TALLY_OK);
}

static void
drop_filter(struct setting *setting)
{
    scan_destroy(setting->scan);
    filter_destroy(setting->filter);
}

static bool
matches(const struct setting *setting, uint64_t index)
{
    const struct corpus *corpus = setting->corpus;
    return filter_match(setting->filter, index, corpus->entries[index].values, corpus->scratch);
}

/* Counts of one value, one entry after the other. */
static uint64_t
naive_count(const struct setting *setting, enum field_id field, struct bytes value)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < setting->corpus->count; i++) {
        struct bytes other = setting->corpus->entries[i].values[field];
        bool same = value.data == NULL ? other.data == NULL
                                       : other.data != NULL && bytes_equal(other, value);
        count += same && matches(setting, i);
    }
    return count;
}

static void
check_by_field(const struct setting *setting, enum field_id field, size_t top)
{
    struct stats_values values;
    struct tally_error error = { 0 };
    uint64_t sum = 0, total = 0;
    if (stats_by_field(setting->scan, field, top, &values, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    for (uint64_t i = 0; i < setting->corpus->count; i++)
        total += matches(setting, i);
    assert_int_equal(values.total, total);
    assert_int_equal(values.absent, naive_count(setting, field, (struct bytes){ NULL, 0 }));
    assert_int_equal(values.count, values.distinct < top ? values.distinct : top);
    for (size_t i = 0; i < values.count; i++) {
        const struct stats_value *value = &values.values[i];
        assert_int_equal(value->count, naive_count(setting, field, value->value));
        sum += value->count;
        if (i == 0)
            continue;
        assert_true(
            value[-1].count > value->count ||
            (value[-1].count == value->count && bytes_compare(value[-1].value, value->value) < 0));
    }
    assert_int_equal(values.rest, values.total - values.absent - sum);
    if (values.distinct <= top)
        assert_int_equal(values.rest, 0);
    stats_values_finish(&values);
}

static void
counts_by_field_agree_with_one_by_one(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 4500, 300, 700, 200, 0 };
    static const struct {
        enum field_id field;
        size_t top;
        const char *why;
    } rows[] = {
        { FIELD_ACTION, 3, "codes" },
        { FIELD_USER_ID, 100, "codes with an empty text, all of them" },
        { FIELD_STATUS_CODE, 5, "numbers, absent on whole pages" },
        { FIELD_RESPONSE_TIME_MS, 4, "numbers that are exceptions" },
        { FIELD_REQUEST_ID, 7, "ids of several forms" },
        { FIELD_MESSAGE, 10, "texts" },
        { FIELD_SERVICE, 1, "one value" },
        { FIELD_USER_EMAIL, 1, "none at all" },
        { FIELD_TIMESTAMP, 2, "times" },
        { FIELD_ENDPOINT, 10, "many values" },
    };
    struct corpus *corpus = corpus_create(21, sizes);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct setting setting;
        set_filter(&setting, corpus, filters[i]);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++)
            check_by_field(&setting, rows[j].field, rows[j].top);
        drop_filter(&setting);
    }
    corpus_destroy(corpus);
}

static void
objects_are_not_counted_by(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 3, 3, 0 };
    struct corpus *corpus = corpus_create(1, sizes);
    struct setting setting;
    struct stats_values values;
    struct tally_error error;
    set_filter(&setting, corpus, "");
    assert_int_equal(stats_by_field(setting.scan, FIELD_DETAILS, 1, &values, &error),
                     TALLY_INVALID);
    assert_int_equal(stats_by_field(setting.scan, FIELD_PRIVATE, 1, &values, &error),
                     TALLY_INVALID);
    drop_filter(&setting);
    corpus_destroy(corpus);
}

static void
check_over_time(const struct setting *setting, const struct stats_histogram *histogram)
{
    uint64_t *buckets = calloc(histogram->count, sizeof *buckets);
    uint64_t *wanted = calloc(histogram->count, sizeof *wanted);
    uint64_t before, after, wanted_before = 0, wanted_after = 0;
    assert_true(buckets != NULL && wanted != NULL);
    assert_int_equal(stats_over_time(setting->scan, histogram, buckets, &before, &after, NULL),
                     TALLY_OK);
    for (uint64_t i = 0; i < setting->corpus->count; i++) {
        int64_t time = setting->corpus->entries[i].time;
        if (!matches(setting, i))
            continue;
        if (time < histogram->start)
            wanted_before++;
        else if ((time - histogram->start) / histogram->interval >= (int64_t)histogram->count)
            wanted_after++;
        else
            wanted[(time - histogram->start) / histogram->interval]++;
    }
    assert_int_equal(before, wanted_before);
    assert_int_equal(after, wanted_after);
    assert_memory_equal(buckets, wanted, histogram->count * sizeof *buckets);
    free(buckets);
    free(wanted);
}

static void
histograms_agree_with_one_by_one(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 4500, 300, 4200, 700, 200, 0 };
    static const struct {
        int64_t offset, interval;
        size_t count;
        const char *why;
    } rows[] = {
        { 0, CLOCK_SECOND, 60, "seconds from now on" },
        { -CLOCK_DAY, CLOCK_DAY, 2, "whole days" },
        { -5 * CLOCK_DAY, 3600 * CLOCK_SECOND, 200, "hours" },
        { 120 * CLOCK_SECOND, 7 * CLOCK_SECOND, 3, "with entries before and after" },
        { 5000 * CLOCK_DAY, CLOCK_DAY, 1, "all before" },
        { -9000 * CLOCK_DAY, 1, 5, "all after" },
    };
    struct corpus *corpus = corpus_create(22, sizes);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct setting setting;
        set_filter(&setting, corpus, filters[i]);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
            const struct stats_histogram histogram = { corpus_now() + rows[j].offset,
                                                       rows[j].interval, rows[j].count };
            check_over_time(&setting, &histogram);
        }
        drop_filter(&setting);
    }
    corpus_destroy(corpus);
}

static void
the_range_of_times_is_that_of_the_matches(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 300, 40, 50, 0 };
    struct corpus *corpus = corpus_create(23, sizes);
    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
        struct setting setting;
        int64_t minimum, maximum, low = INT64_MAX, high = INT64_MIN;
        set_filter(&setting, corpus, filters[f]);
        for (uint64_t i = 0; i < corpus->count; i++) {
            int64_t time = corpus->entries[i].time;
            if (!matches(&setting, i))
                continue;
            low = time < low ? time : low;
            high = time > high ? time : high;
        }
        tally_status status = stats_time_range(setting.scan, &minimum, &maximum, NULL);
        assert_int_equal(status, low > high ? TALLY_ABSENT : TALLY_OK);
        if (status == TALLY_OK) {
            assert_int_equal(minimum, low);
            assert_int_equal(maximum, high);
        }
        drop_filter(&setting);
    }
    corpus_destroy(corpus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_field_agree_with_one_by_one),
        cmocka_unit_test(objects_are_not_counted_by),
        cmocka_unit_test(histograms_agree_with_one_by_one),
        cmocka_unit_test(the_range_of_times_is_that_of_the_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
