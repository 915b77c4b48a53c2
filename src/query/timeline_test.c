#include "timeline.h"

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
set_filter(struct setting *setting, void **state, struct corpus *corpus, const char *text)
{
    const struct filter_options options = { .now = corpus_now() };
    struct scan_source source = corpus_source(corpus, corpus->count);
    setting->corpus = corpus;
    assert_int_equal(filter_parse(bytes_text(text), &options, &setting->filter, NULL), TALLY_OK);
    assert_int_equal(scan_create(setting->filter, &source, &setting->scan, NULL), TALLY_OK);
    scan_share(setting->scan, *(const unsigned *)*state);
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
check(const struct setting *setting, const struct interval *interval,
      const struct stats_request *request)
{
    struct stats stats = { 0 };
    struct timeline timeline;
    struct tally_error error = { 0 };
    const struct stats *by = request == NULL ? NULL : &stats;
    if (request != NULL)
        assert_int_equal(stats_make(setting->scan, request, &stats, &error), TALLY_OK);
    if (timeline_make(setting->scan, interval, by, &timeline, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    assert_int_equal(timeline.part_count, by == NULL ? 1 : stats.values.count + 2);
    if (timeline.bucket_count > 0) {
        assert_int_not_equal(timeline_bucket(&timeline, 0), 0);
        assert_int_not_equal(timeline_bucket(&timeline, timeline.bucket_count - 1), 0);
    }
    for (uint64_t i = 0; i < setting->corpus->count; i++) {
        const struct corpus_entry *entry = &setting->corpus->entries[i];
        if (!matches(setting, i))
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
    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
        struct setting setting;
        set_filter(&setting, state, corpus, filters[f]);
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
            const struct interval interval = interval_of(intervals[i]);
            check(&setting, &interval, NULL);
            for (size_t j = 0; j < sizeof requests / sizeof *requests; j++)
                check(&setting, &interval, &requests[j]);
        }
        drop_filter(&setting);
    }
    corpus_destroy(corpus);
}

static void
short_intervals_of_a_short_time(void **state)
{
    static const uint32_t sizes[] = { 9000, 300, 200, 0 };
    struct corpus *corpus = corpus_create(23, sizes);
    struct setting setting;
    set_filter(&setting, state, corpus, "timestamp:now-1s..now+5m");
    const struct interval second = interval_of("1s"), seven = interval_of("7s");
    check(&setting, &second, NULL);
    check(&setting, &seven, NULL);
    drop_filter(&setting);
    corpus_destroy(corpus);
}

/* Late entries and a clock ahead: at 1 s there are more buckets than may be, and the interval that
 * the refusal names is taken. */
static void
too_many_buckets_are_refused_with_the_cure(void **state)
{
    static const uint32_t sizes[] = { 500, 300, 200, 0 };
    struct corpus *corpus = corpus_create(27, sizes);
    struct setting setting;
    struct timeline timeline;
    struct tally_error error = { 0 };
    char cure[16];
    set_filter(&setting, state, corpus, "");
    const struct interval second = interval_of("1s");
    assert_int_equal(timeline_make(setting.scan, &second, NULL, &timeline, &error), TALLY_INVALID);
    const char *sentence = strstr(error.text, ": ");
    assert_non_null(sentence);
    assert_int_equal(sscanf(sentence, ": %15s is the shortest", cure), 1);
    const struct interval shortest = interval_of(cure);
    check(&setting, &shortest, NULL);
    drop_filter(&setting);
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
    struct setting setting;
    struct stats stats;
    struct timeline timeline;
    struct tally_error error = { 0 };
    set_filter(&setting, state, corpus, "");
    const struct interval minutes = interval_of("1m"), weeks = interval_of("1w");
    assert_int_equal(stats_make(setting.scan, &request, &stats, NULL), TALLY_OK);
    assert_int_equal(timeline_make(setting.scan, &minutes, &stats, &timeline, &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "longer interval"));
    stats_finish(&stats);
    check(&setting, &weeks, &request);
    drop_filter(&setting);
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
