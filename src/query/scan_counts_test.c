#include "corpus_scan.h"
#include "timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two segments, and two heads that know no counts. */
static const uint32_t sizes[] = { 4500, 9000, 700, 200, 0 };

/* Which filters counts answer, and why (not). */
static const struct {
    const char *filter;
    bool counted;
    const char *why;
} rows[] = {
    { "", true, "nothing to decide" },
    { "status:failure", true, "one value" },
    { "-status:failure", true, "absent values, too" },
    { "-status:*", true, "absent values only" },
    { "status:failure OR status:error", true, "one field" },
    { "action:user.* -action:user.logout", true, "two terms of one field" },
    { "(action:report.* OR -action:*) -action:user.login", true, "a tree about one field" },
    { "user_id:\"\"", true, "the empty text" },
    { "user_email:*", true, "a column without values" },
    { "-user_email:x", true, "and what that is not" },
    { "service:api", true, "a column that is not in every page" },
    { "timestamp:2026-03-15T12:00:00Z..2026-03-15T12:59:59.999999999Z", true, "an hour" },
    { "timestamp:2026-03-13..2026-03-14", true, "whole days" },
    { "timestamp:>=2026-03-15T12:00:00Z status:error", true, "from an hour on" },
    { "timestamp:<1999-01-01", false, "times beyond the runs', which are not turned to" },
    { "timestamp:2026-03-15T12:00:00Z..2026-03-15T12:02:00Z", false, "less than an hour" },
    { "-timestamp:2026-03-15", false, "negated times" },
    { "received:2026-03-15", false, "another time" },
    { "status:failure action:user.login", false, "two fields" },
    { "status:failure OR action:user.login", false, "two fields" },
    { "index:0..", false, "the index" },
    { "control:*", false, "control entries" },
    { "status:failure OR control:*", false, "control entries" },
    { "login", false, "free text" },
    { "message:*", false, "a column of texts" },
    { "details.n:1", false, "a member" },
};

static uint64_t
counted(const struct scan *scan)
{
    return scan_account(scan)->runs[FATE_COUNTED];
}

/* How many match with a time in an interval, and with a value of a field ({ NULL, 0 }: without one;
 * FIELD_COUNT: whatever). */
static uint64_t
naive(const struct corpus_scan *scan, int64_t first, int64_t last, enum field_id field,
      struct bytes value)
{
    const struct corpus *corpus = scan->corpus;
    uint64_t count = 0;
    for (uint64_t i = 0; i < corpus->count; i++) {
        const struct corpus_entry *entry = &corpus->entries[i];
        bool same = field == FIELD_COUNT;
        if (!same) {
            struct bytes other = entry->values[field];
            same = value.data == NULL ? other.data == NULL
                                      : other.data != NULL && bytes_equal(value, other);
        }
        count += same && entry->time >= first && entry->time <= last &&
                 filter_match(scan->filter, i, entry->values, corpus->scratch);
    }
    return count;
}

static void
check_count(const struct corpus_scan *scan)
{
    uint64_t count;
    assert_int_equal(scan_count(scan->scan, &count, NULL), TALLY_OK);
    assert_int_equal(count, naive(scan, INT64_MIN, INT64_MAX, FIELD_COUNT, (struct bytes){ 0 }));
}

/* By a field, and over time by it. */
static void
check_field(const struct corpus_scan *scan, enum field_id field)
{
    const struct stats_request request = {
        .by_count = 1, .by = { field }, .top = 3, .numbers = FIELD_COUNT
    };
    struct interval interval;
    struct stats stats;
    struct timeline timeline;
    assert_true(interval_read(bytes_text("1d"), &interval));
    assert_int_equal(stats_make(scan->scan, &request, &stats, NULL), TALLY_OK);
    assert_int_equal(timeline_make(scan->scan, &interval, &stats, &timeline, NULL), TALLY_OK);
    assert_int_equal(stats.values.absent,
                     naive(scan, INT64_MIN, INT64_MAX, field, (struct bytes){ NULL, 0 }));
    for (size_t i = 0; i < stats.values.count; i++)
        assert_int_equal(stats.values.values[i].count,
                         naive(scan, INT64_MIN, INT64_MAX, field, stats.values.values[i].value[0]));
    uint64_t sum = 0;
    for (size_t i = 0; i < timeline.bucket_count; i++) {
        int64_t first = timeline.start + (int64_t)i * interval.ns, last = first + interval.ns - 1;
        const uint64_t *parts = &timeline.parts[i * timeline.part_count];
        sum += timeline_bucket(&timeline, i);
        if (timeline_bucket(&timeline, i) == 0)
            continue;
        for (size_t j = 0; j < stats.values.count; j++)
            assert_int_equal(parts[j],
                             naive(scan, first, last, field, stats.values.values[j].value[0]));
        assert_int_equal(parts[stats.values.count + 1],
                         naive(scan, first, last, field, (struct bytes){ NULL, 0 }));
    }
    assert_int_equal(sum, stats.total);
    free(timeline.parts);
    stats_finish(&stats);
}

/* Every row with two segments that know their counts, and with two that have lost them. */
static void
counts_answer_what_pages_would(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct corpus *corpus = corpus_create_on_time(31, sizes);
        if (lost == 1)
            corpus_change(corpus, CORPUS_LOSE_INDEXES);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct corpus_scan scan;
            corpus_scan_begin(&scan, corpus, rows[i].filter, 1);
            check_count(&scan);
            if ((counted(scan.scan) == 2) != (rows[i].counted && lost == 0))
                fail_msg("%s: %u runs are counted: %s", rows[i].filter,
                         (unsigned)counted(scan.scan), rows[i].why);
            check_field(&scan, FIELD_STATUS);
            check_field(&scan, FIELD_ACTION);
            check_field(&scan, FIELD_USER_EMAIL);
            check_field(&scan, FIELD_MESSAGE);
            corpus_scan_end(&scan);
        }
        corpus_destroy(corpus);
    }
}

/* Where a clock was ahead, order times are not timestamps: ranges of time are looked up. */
static void
clocks_ahead_are_told_apart(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_create(32, sizes);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct corpus_scan scan;
        corpus_scan_begin(&scan, corpus, rows[i].filter, 1);
        check_count(&scan);
        bool times = strstr(rows[i].filter, "timestamp") != NULL;
        assert_int_equal(counted(scan.scan), rows[i].counted && !times ? 2 : 0);
        check_field(&scan, FIELD_STATUS);
        corpus_scan_end(&scan);
    }
    corpus_destroy(corpus);
}

/* Whether statistics by a field, or over time, need no page. */
static void
check_counted(struct corpus *corpus, const char *filter, const struct stats_request *request,
              const char *text, bool wanted)
{
    struct corpus_scan scan;
    struct stats stats;
    struct timeline timeline;
    struct interval interval;
    corpus_scan_begin(&scan, corpus, filter, 1);
    assert_int_equal(stats_make(scan.scan, request, &stats, NULL), TALLY_OK);
    assert_int_equal(counted(scan.scan), wanted ? 2 : 0);
    assert_true(interval_read(bytes_text(text), &interval));
    assert_int_equal(
        timeline_make(scan.scan, &interval, stats.by == NULL ? NULL : &stats, &timeline, NULL),
        TALLY_OK);
    assert_int_equal(counted(scan.scan), wanted ? 4 : 0);
    free(timeline.parts);
    stats_finish(&stats);
    corpus_scan_end(&scan);
}

static void
statistics_of_whole_segments_ask_no_page(void **state)
{
    (void)state;
    struct corpus *corpus = corpus_create_on_time(33, sizes);
    struct stats_request request = {
        .by_count = 1, .by = { FIELD_ACTION }, .top = 5, .numbers = FIELD_COUNT
    };
    check_counted(corpus, "", &request, "2h", true);
    check_counted(corpus, "action:user.*", &request, "1w", true);
    request.distinct_count = 1;
    request.distinct[0] = FIELD_USER_ID;
    check_counted(corpus, "", &request, "60m", true);
    request.distinct_count = 0;
    request.by[0] = FIELD_MESSAGE;
    check_counted(corpus, "", &request, "1d", false);
    request.by_count = 2;
    request.by[0] = FIELD_STATUS;
    request.by[1] = FIELD_ACTION;
    check_counted(corpus, "", &request, "1d", false);
    corpus_destroy(corpus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_answer_what_pages_would),
        cmocka_unit_test(clocks_ahead_are_told_apart),
        cmocka_unit_test(statistics_of_whole_segments_ask_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
