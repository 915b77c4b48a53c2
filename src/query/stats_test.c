#include "stats.h"

#include "corpus_scan.h"
#include "decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bytes
value_of(const struct corpus_scan *scan, uint64_t index, enum field_id field)
{
    return scan->corpus->entries[index].values[field];
}

static bool
same_value(struct bytes a, struct bytes b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == NULL && b.data == NULL;
    return bytes_equal(a, b);
}

static bool
has_values(const struct corpus_scan *scan, uint64_t index, const struct stats_request *request,
           const struct bytes *values)
{
    for (size_t i = 0; i < request->by_count; i++)
        if (!same_value(value_of(scan, index, request->by[i]), values[i]))
            return false;
    return true;
}

/* Counts of one value or pair, one entry after the other. */
static uint64_t
naive_count(const struct corpus_scan *scan, const struct stats_request *request,
            const struct bytes *values)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < scan->corpus->count; i++)
        count += has_values(scan, i, request, values) && corpus_scan_matches(scan, i);
    return count;
}

static int
compare_values(const struct stats_value *a, const struct stats_value *b, size_t by_count)
{
    for (size_t i = 0; i < by_count; i++) {
        struct bytes x = a->value[i], y = b->value[i];
        int order = x.data == NULL || y.data == NULL ? (x.data != NULL) - (y.data != NULL)
                                                     : bytes_compare(x, y);
        if (order != 0)
            return order;
    }
    return 0;
}

/* The first values are those that all of them begin with, in strict order. */
static void
check_first(const struct corpus_scan *scan, const struct stats_request *request,
            const struct stats_values *first)
{
    struct stats_request larger = *request;
    struct stats all;
    uint64_t sum = 0;
    larger.top = first->distinct + 1;
    assert_int_equal(stats_make(scan->scan, &larger, &all, NULL), TALLY_OK);
    assert_int_equal(all.values.count, first->distinct);
    for (size_t i = 0; i < all.values.count; i++) {
        const struct stats_value *value = &all.values.values[i];
        int order = i == 0 ? -1 : compare_values(&value[-1], value, request->by_count);
        assert_true(i == 0 || value[-1].count > value->count ||
                    (value[-1].count == value->count && order < 0));
        sum += value->count;
        if (i >= first->count)
            continue;
        assert_int_equal(first->values[i].count, value->count);
        assert_int_equal(compare_values(&first->values[i], value, request->by_count), 0);
    }
    assert_int_equal(sum, all.total - all.values.absent);
    stats_finish(&all);
}

static void
check_by_fields(const struct corpus_scan *scan, const struct stats_request *request)
{
    static const struct bytes absent[BREAKDOWN_FIELDS_MAX];
    struct stats stats;
    struct tally_error error = { 0 };
    uint64_t sum = 0, total = 0;
    if (stats_make(scan->scan, request, &stats, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    const struct stats_values *values = &stats.values;
    for (uint64_t i = 0; i < scan->corpus->count; i++)
        total += corpus_scan_matches(scan, i);
    assert_int_equal(stats.total, total);
    assert_int_equal(values->absent, naive_count(scan, request, absent));
    assert_int_equal(values->count,
                     values->distinct < request->top ? values->distinct : request->top);
    for (size_t i = 0; i < values->count; i++) {
        const struct stats_value *value = &values->values[i];
        assert_int_equal(value->count, naive_count(scan, request, value->value));
        sum += value->count;
        if (i > 0)
            assert_true(value[-1].count > value->count ||
                        (value[-1].count == value->count &&
                         compare_values(&value[-1], value, request->by_count) < 0));
    }
    assert_int_equal(values->rest, stats.total - values->absent - sum);
    if (values->distinct <= request->top)
        assert_int_equal(values->rest, 0);
    check_first(scan, request, values);
    stats_finish(&stats);
}

static const uint32_t sizes[] = { 4500, 300, 700, 200, 0 };

static void
counts_by_one_field_agree_with_one_by_one(void **state)
{
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
    for (size_t i = 0; i < CORPUS_FILTERS; i++) {
        struct corpus_scan scan;
        corpus_scan_begin(&scan, corpus, corpus_filters[i], *(const unsigned *)*state);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
            const struct stats_request request = {
                .by_count = 1,
                .by = { rows[j].field },
                .top = rows[j].top,
                .numbers = FIELD_COUNT,
            };
            check_by_fields(&scan, &request);
        }
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

static void
counts_by_two_fields_agree_with_one_by_one(void **state)
{
    static const struct {
        enum field_id first, second;
        size_t top;
        const char *why;
    } rows[] = {
        { FIELD_ACTION, FIELD_STATUS, 100, "codes and codes, all pairs" },
        { FIELD_STATUS, FIELD_STATUS_CODE, 9, "codes and numbers, absent on whole pages" },
        { FIELD_REQUEST_ID, FIELD_USER_ID, 12, "ids and codes" },
        { FIELD_ENDPOINT, FIELD_RESOURCE_ID, 3, "places beyond the square" },
        { FIELD_USER_EMAIL, FIELD_SEVERITY, 9, "one of them is never there" },
        { FIELD_SEVERITY, FIELD_USER_EMAIL, 2, "and the other way round" },
    };
    struct corpus *corpus = corpus_create(24, sizes);
    for (size_t i = 0; i < CORPUS_FILTERS; i++) {
        struct corpus_scan scan;
        corpus_scan_begin(&scan, corpus, corpus_filters[i], *(const unsigned *)*state);
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
            const struct stats_request request = {
                .by_count = 2,
                .by = { rows[j].first, rows[j].second },
                .top = rows[j].top,
                .numbers = FIELD_COUNT,
            };
            check_by_fields(&scan, &request);
        }
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

/*
 * Percentiles and distinct values: a sorted list of all of them.
 */

static int
compare_tokens(const void *a, const void *b)
{
    struct decimal x, y;
    assert_true(decimal_read(*(const struct bytes *)a, &x));
    assert_true(decimal_read(*(const struct bytes *)b, &y));
    return decimal_compare(&x, &y);
}

/* The values that match, in order of size; returns how many. */
static size_t
sorted_numbers(const struct corpus_scan *scan, enum field_id field, struct bytes *numbers)
{
    size_t count = 0;
    for (uint64_t i = 0; i < scan->corpus->count; i++)
        if (corpus_scan_matches(scan, i) && value_of(scan, i, field).data != NULL)
            numbers[count++] = value_of(scan, i, field);
    if (count > 0)
        qsort(numbers, count, sizeof *numbers, compare_tokens);
    return count;
}

static void
assert_number(struct bytes actual, struct bytes expected)
{
    assert_non_null(actual.data);
    assert_int_equal(compare_tokens(&actual, &expected), 0);
}

static void
check_percentiles(const struct corpus_scan *scan, enum field_id field)
{
    const struct stats_request request = {
        .top = 1,
        .numbers = field,
        .ranks = { 6, { 1, 12345, 50000, 90000, 99900, 100000 } },
    };
    struct bytes *numbers = calloc(scan->corpus->count + 1, sizeof *numbers);
    struct stats stats;
    struct tally_error error = { 0 };
    if (stats_make(scan->scan, &request, &stats, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    size_t count = sorted_numbers(scan, field, numbers);
    assert_int_equal(stats.percentiles.count, count);
    for (size_t i = 0; i < request.ranks.count && count > 0; i++) {
        /* The definition: the least number such that so many of all are not greater. */
        size_t place = 1;
        while (place * 100000 < (uint64_t)request.ranks.ranks[i] * count)
            place++;
        assert_number(stats.percentiles.values[i], numbers[place - 1]);
    }
    if (count > 0) {
        assert_number(stats.percentiles.minimum, numbers[0]);
        assert_number(stats.percentiles.maximum, numbers[count - 1]);
    } else {
        assert_null(stats.percentiles.minimum.data);
        assert_null(stats.percentiles.values[0].data);
    }
    stats_finish(&stats);
    free(numbers);
}

static void
percentiles_are_those_of_the_sorted_numbers(void **state)
{
    struct corpus *corpus = corpus_create(25, sizes);
    for (size_t i = 0; i < CORPUS_FILTERS; i++) {
        struct corpus_scan scan;
        corpus_scan_begin(&scan, corpus, corpus_filters[i], *(const unsigned *)*state);
        check_percentiles(&scan, FIELD_RESPONSE_TIME_MS);
        check_percentiles(&scan, FIELD_STATUS_CODE);
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

static uint64_t
naive_distinct(const struct corpus_scan *scan, enum field_id field)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < scan->corpus->count; i++) {
        bool met = value_of(scan, i, field).data == NULL || !corpus_scan_matches(scan, i);
        for (uint64_t j = 0; j < i && !met; j++)
            met = corpus_scan_matches(scan, j) &&
                  same_value(value_of(scan, i, field), value_of(scan, j, field));
        count += !met;
    }
    return count;
}

static void
all_is_counted_in_one_pass(void **state)
{
    static const uint32_t small[] = { 300, 100, 200, 0 };
    struct corpus *corpus = corpus_create(26, small);
    for (size_t f = 0; f < CORPUS_FILTERS; f++) {
        const struct stats_request request = {
            .by_count = 1,
            .by = { FIELD_ACTION },
            .top = 2,
            .numbers = FIELD_STATUS_CODE,
            .ranks = percentile_standard,
            .distinct_count = 4,
            .distinct = { FIELD_USER_ID, FIELD_ENDPOINT, FIELD_USER_EMAIL, FIELD_ACTION },
        };
        struct corpus_scan scan;
        struct stats stats;
        corpus_scan_begin(&scan, corpus, corpus_filters[f], *(const unsigned *)*state);
        check_by_fields(&scan, &request);
        assert_int_equal(stats_make(scan.scan, &request, &stats, NULL), TALLY_OK);
        for (size_t i = 0; i < request.distinct_count; i++)
            assert_int_equal(stats.distinct[i], naive_distinct(&scan, request.distinct[i]));
        assert_int_equal(stats.distinct[3], stats.values.distinct);
        stats_finish(&stats);
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

static void
the_range_of_times_is_that_of_the_matches(void **state)
{
    static const uint32_t small[] = { 300, 40, 50, 0 };
    struct corpus *corpus = corpus_create(23, small);
    for (size_t f = 0; f < CORPUS_FILTERS; f++) {
        struct corpus_scan scan;
        int64_t minimum, maximum, low = INT64_MAX, high = INT64_MIN;
        corpus_scan_begin(&scan, corpus, corpus_filters[f], *(const unsigned *)*state);
        for (uint64_t i = 0; i < corpus->count; i++) {
            int64_t time = corpus->entries[i].time;
            if (!corpus_scan_matches(&scan, i))
                continue;
            low = time < low ? time : low;
            high = time > high ? time : high;
        }
        tally_status status = stats_time_range(scan.scan, &minimum, &maximum, NULL);
        assert_int_equal(status, low > high ? TALLY_ABSENT : TALLY_OK);
        if (status == TALLY_OK) {
            assert_int_equal(minimum, low);
            assert_int_equal(maximum, high);
        }
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

int
main(void)
{
    /* Each by one thread and by as many as the runs allow. */
    static unsigned one = 1, many = 4;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(counts_by_one_field_agree_with_one_by_one, &one),
        cmocka_unit_test_prestate(counts_by_two_fields_agree_with_one_by_one, &one),
        cmocka_unit_test_prestate(percentiles_are_those_of_the_sorted_numbers, &one),
        cmocka_unit_test_prestate(all_is_counted_in_one_pass, &one),
        cmocka_unit_test_prestate(the_range_of_times_is_that_of_the_matches, &one),
        cmocka_unit_test_prestate(counts_by_one_field_agree_with_one_by_one, &many),
        cmocka_unit_test_prestate(counts_by_two_fields_agree_with_one_by_one, &many),
        cmocka_unit_test_prestate(percentiles_are_those_of_the_sorted_numbers, &many),
        cmocka_unit_test_prestate(all_is_counted_in_one_pass, &many),
        cmocka_unit_test_prestate(the_range_of_times_is_that_of_the_matches, &many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
