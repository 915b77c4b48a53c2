#include "timeline.h"

#include "clock.h"
#include "corpus_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct interval
interval_of(const char *text)
{
    struct interval interval;
    assert_true(interval_read(bytes_text(text), &interval));
    return interval;
}

/* The part of a bucket that an entry belongs to. */
static size_t
part_of(const struct corpus_entry *entry, const struct stats_request *request,
        const struct stats_values *values)
{
    bool absent = true;
    if (values == NULL)
        return 0;
    for (size_t i = 0; i < request->by_count; i++)
        absent &= entry->values[request->by[i]].data == NULL;
    if (absent)
        return values->count + 1;
    for (size_t i = 0; i < values->count; i++) {
        bool same = true;
        for (size_t j = 0; j < request->by_count; j++) {
            struct bytes a = entry->values[request->by[j]], b = values->values[i].value[j];
            same &= (a.data == NULL) == (b.data == NULL) && (a.data == NULL || bytes_equal(a, b));
        }
        if (same)
            return i;
    }
    return values->count;
}

/* One entry after the other takes itself away: at the end nothing may be left, and the buckets at
 * both ends must have had something. */
static void
check(const struct corpus_scan *scan, const struct interval *interval,
      const struct stats_request *request)
{
    struct stats stats = { 0 };
    struct timeline timeline;
    struct tally_error error = { 0 };
    const struct stats *by = request == NULL ? NULL : &stats;
    if (request != NULL)
        assert_int_equal(stats_make(scan->scan, request, &stats, &error), TALLY_OK);
    if (timeline_make(scan->scan, interval, by, &timeline, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    assert_int_equal(timeline.part_count, by == NULL ? 1 : stats.values.count + 2);
    if (timeline.bucket_count > 0) {
        assert_int_not_equal(timeline_bucket(&timeline, 0), 0);
        assert_int_not_equal(timeline_bucket(&timeline, timeline.bucket_count - 1), 0);
    }
    for (uint64_t i = 0; i < scan->corpus->count; i++) {
        const struct corpus_entry *entry = &scan->corpus->entries[i];
        if (!corpus_scan_matches(scan, i))
            continue;
        int64_t start = interval_start(interval, entry->time);
        assert_true(timeline.bucket_count > 0 && start >= timeline.start);
        size_t bucket = (size_t)((start - timeline.start) / interval->ns);
        assert_true(bucket < timeline.bucket_count);
        timeline.parts[bucket * timeline.part_count +
                       part_of(entry, request, by == NULL ? NULL : &stats.values)]--;
    }
    for (size_t i = 0; i < timeline.bucket_count * timeline.part_count; i++)
        assert_int_equal(timeline.parts[i], 0);
    free(timeline.parts);
    stats_finish(&stats);
}

static void
buckets_agree_with_one_by_one(void **state)
{
    static const uint32_t sizes[] = { 4500, 300, 4200, 700, 200, 0 };
    static const char *const intervals[] = { "1h", "7h", "1d", "1w", "100d" };
    static const struct stats_request requests[] = {
        { .by_count = 1, .by = { FIELD_ACTION }, .top = 2, .numbers = FIELD_COUNT },
        { .by_count = 1, .by = { FIELD_STATUS_CODE }, .top = 3, .numbers = FIELD_COUNT },
        { .by_count = 2, .by = { FIELD_USER_ID, FIELD_SERVICE }, .top = 4, .numbers = FIELD_COUNT },
    };
    struct corpus *corpus = corpus_create(22, sizes);
    for (size_t f = 0; f < CORPUS_FILTERS; f++) {
        struct corpus_scan scan;
        corpus_scan_begin(&scan, corpus, corpus_filters[f], *(const unsigned *)*state);
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
            const struct interval interval = interval_of(intervals[i]);
            check(&scan, &interval, NULL);
            for (size_t j = 0; j < sizeof requests / sizeof *requests; j++)
                check(&scan, &interval, &requests[j]);
        }
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

static void
short_intervals_of_a_short_time(void **state)
{
    static const uint32_t sizes[] = { 9000, 300, 200, 0 };
    struct corpus *corpus = corpus_create(23, sizes);
    struct corpus_scan scan;
    corpus_scan_begin(&scan, corpus, "timestamp:now-1s..now+5m", *(const unsigned *)*state);
    const struct interval second = interval_of("1s"), seven = interval_of("7s");
    check(&scan, &second, NULL);
    check(&scan, &seven, NULL);
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

/* Late entries and a clock ahead: at 1 s there are more buckets than may be, and the interval that
 * the refusal names is taken. */
static void
too_many_buckets_are_refused_with_the_cure(void **state)
{
    static const uint32_t sizes[] = { 500, 300, 200, 0 };
    struct corpus *corpus = corpus_create(27, sizes);
    struct corpus_scan scan;
    struct timeline timeline;
    struct tally_error error = { 0 };
    char cure[16];
    corpus_scan_begin(&scan, corpus, "", *(const unsigned *)*state);
    const struct interval second = interval_of("1s");
    assert_int_equal(timeline_make(scan.scan, &second, NULL, &timeline, &error), TALLY_INVALID);
    const char *sentence = strstr(error.text, ": ");
    assert_non_null(sentence);
    assert_int_equal(sscanf(sentence, ": %15s is the shortest", cure), 1);
    const struct interval shortest = interval_of(cure);
    check(&scan, &shortest, NULL);
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

static void
too_many_parts_are_refused(void **state)
{
    static const uint32_t sizes[] = { 4500, 300, 200, 0 };
    const struct stats_request request = {
        .by_count = 1, .by = { FIELD_ENDPOINT }, .top = 4000, .numbers = FIELD_COUNT
    };
    struct corpus *corpus = corpus_create(28, sizes);
    struct corpus_scan scan;
    struct stats stats;
    struct timeline timeline;
    struct tally_error error = { 0 };
    corpus_scan_begin(&scan, corpus, "", *(const unsigned *)*state);
    const struct interval minutes = interval_of("1m"), weeks = interval_of("1w");
    assert_int_equal(stats_make(scan.scan, &request, &stats, NULL), TALLY_OK);
    assert_int_equal(timeline_make(scan.scan, &minutes, &stats, &timeline, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "longer interval"));
    stats_finish(&stats);
    check(&scan, &weeks, &request);
    corpus_scan_end(&scan);
    corpus_destroy(corpus);
}

int
main(void)
{
    /* Each by one thread and by as many as the runs allow. */
    static unsigned one = 1, many = 4;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(buckets_agree_with_one_by_one, &one),
        cmocka_unit_test_prestate(short_intervals_of_a_short_time, &one),
        cmocka_unit_test_prestate(too_many_buckets_are_refused_with_the_cure, &one),
        cmocka_unit_test_prestate(too_many_parts_are_refused, &one),
        cmocka_unit_test_prestate(buckets_agree_with_one_by_one, &many),
        cmocka_unit_test_prestate(short_intervals_of_a_short_time, &many),
        cmocka_unit_test_prestate(too_many_buckets_are_refused_with_the_cure, &many),
        cmocka_unit_test_prestate(too_many_parts_are_refused, &many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
