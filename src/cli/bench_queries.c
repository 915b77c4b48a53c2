/*
 * How long some questions take, warm: the median of several runs. For information; bench/find.sh
 * asks more of them, beside others.
 */
#include "bench.h"
#include "clock.h"
#include "filter.h"
#include "folder.h"
#include "gather.h"
#include "scan.h"
#include "snapshot.h"
#include "trail.h"

#include <stdlib.h>

#define RUNS   9u
#define NEWEST 50u

enum question_kind {
    QUESTION_NEWEST,
    QUESTION_COUNT,
};

static const struct question {
    const char *name, *filter;
    enum question_kind kind;
} questions[] = {
    { "newest 50 of a frequent user", "user_id:user-000003", QUESTION_NEWEST },
    { "newest 50 of a rare user", "user_id:user-054321", QUESTION_NEWEST },
    { "newest 50 failures of an action", "action:report.read status:failure", QUESTION_NEWEST },
    { "count with two filters", "action:report.read status:failure", QUESTION_COUNT },
};

static int
compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static tally_status
pass_over(void *context, size_t i, const struct run_entry *entry, struct tally_error *error)
{
    (void)context;
    (void)i;
    (void)entry;
    (void)error;
    return TALLY_OK;
}

/* The entries are read whole, as they would be shown. */
static tally_status
newest(struct snapshot *snapshot, struct scan *scan, struct tally_error *error)
{
    struct scan_hit hits[NEWEST];
    struct scan_list list;
    struct scan_place place = SCAN_START;
    tally_status status = scan_list(scan, ORDER_TIME_DOWN, &place, hits, NEWEST, &list, error);
    if (status == TALLY_OK)
        status = gather_entries(snapshot, hits, list.count, scan_threads_usual(), pass_over, NULL,
                                error);
    return status;
}

static tally_status
ask(struct snapshot *snapshot, const struct question *question, struct tally_error *error)
{
    struct filter_options options = { .now = clock_now() };
    struct scan_source source = scan_snapshot(snapshot);
    struct filter *filter;
    struct scan *scan = NULL;
    uint64_t count;
    tally_status status = filter_parse(bytes_text(question->filter), &options, &filter, error);
    if (status != TALLY_OK)
        return status;
    status = scan_create(filter, &source, &scan, error);
    if (status == TALLY_OK)
        scan_share(scan, scan_threads_usual());
    if (status == TALLY_OK)
        status = question->kind == QUESTION_COUNT ? scan_count(scan, &count, error)
                                                  : newest(snapshot, scan, error);
    scan_destroy(scan);
    filter_destroy(filter);
    return status;
}

static tally_status
measure_question(struct snapshot *snapshot, const struct question *question,
                 struct results *results, struct tally_error *error)
{
    int64_t times[RUNS];
    for (unsigned i = 0; i < RUNS; i++) {
        int64_t start = clock_monotonic();
        tally_status status = ask(snapshot, question, error);
        if (status != TALLY_OK)
            return status;
        times[i] = clock_monotonic() - start;
    }
    qsort(times, RUNS, sizeof *times, compare_times);
    results_add(results, question->name, (double)times[RUNS / 2] / 1e6, "ms");
    return TALLY_OK;
}

void
stage_queries(const struct bench *bench, struct results *results)
{
    struct tally_error error = { .text = "" };
    struct folder_options options = { .command = "bench" };
    struct folder *folder = NULL;
    struct trail *trail = NULL;
    struct trail_recovery recovery;
    struct snapshot *snapshot = NULL;
    tally_status status = folder_open(bench->path, &options, &folder, &error);
    if (status == TALLY_OK)
        status = trail_open(folder, "main", TRAIL_READ, &trail, &recovery, &error);
    if (status == TALLY_OK)
        status = snapshot_open(trail, &snapshot, &error);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && status == TALLY_OK; i++)
        status = measure_question(snapshot, &questions[i], results, &error);
    if (status != TALLY_OK)
        results_fail(results, &error);
    snapshot_close(snapshot);
    (void)trail_close(trail, NULL);
    folder_close(folder);
}
