/*
 * One pass counts everything: each page that matches is added to every breakdown that was asked
 * for, or a whole run at once, where its counts tell. Each thread of the pass counts for itself,
 * and its counts are added to the first one's. What is asked is then read off them: the most
 * frequent groups, the ranks among numbers, how many values there are.
 */
#include "stats.h"

#include "fault.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Counting.
 */

struct counting {
    uint64_t total;
    struct breakdown *by;      /* NULL: not asked for */
    struct breakdown *numbers; /* likewise */
    struct breakdown *distinct[STATS_DISTINCT_MAX];
};

static void
counting_finish(struct counting *counting)
{
    breakdown_destroy(counting->by);
    breakdown_destroy(counting->numbers);
    for (size_t i = 0; i < STATS_DISTINCT_MAX; i++)
        breakdown_destroy(counting->distinct[i]);
}

static tally_status
counting_init(struct counting *counting, const struct stats_request *request,
              struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (request->by_count > 0)
        status = breakdown_create(request->by, request->by_count, &counting->by, error);
    if (status == TALLY_OK && request->numbers != FIELD_COUNT)
        status = breakdown_create(&request->numbers, 1, &counting->numbers, error);
    for (size_t i = 0; i < request->distinct_count && status == TALLY_OK; i++)
        status = breakdown_create(&request->distinct[i], 1, &counting->distinct[i], error);
    return status;
}

static tally_status
count_page(void *context, const struct scan_page *matches, struct tally_error *error)
{
    struct counting *counting = context;
    tally_status status = TALLY_OK;
    counting->total += matches->count;
    if (counting->by != NULL)
        status = breakdown_add(counting->by, matches, error);
    if (status == TALLY_OK && counting->numbers != NULL)
        status = breakdown_add(counting->numbers, matches, error);
    for (size_t i = 0; i < STATS_DISTINCT_MAX && status == TALLY_OK; i++)
        if (counting->distinct[i] != NULL)
            status = breakdown_add(counting->distinct[i], matches, error);
    return status;
}

/* Whether counts tell of every breakdown: all of them, or none is added to. */
static tally_status
counts_tell(const struct counting *counting, const struct scan_counts *counts,
            struct tally_error *error)
{
    const struct breakdown *all[STATS_DISTINCT_MAX + 2] = { counting->by, counting->numbers };
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < STATS_DISTINCT_MAX; i++)
        all[i + 2] = counting->distinct[i];
    for (size_t i = 0; i < STATS_DISTINCT_MAX + 2 && status == TALLY_OK; i++) {
        struct run_counts found;
        if (all[i] == NULL)
            continue;
        if (breakdown_fields(all[i]) > 1)
            return TALLY_ABSENT;
        status = scan_counts_read(counts, breakdown_field(all[i], 0), COUNTS_OF_ALL, &found, error);
    }
    return status;
}

static tally_status
count_run(void *context, const struct scan_counts *counts, struct tally_error *error)
{
    struct counting *counting = context;
    struct run_counts found;
    tally_status status = counts_tell(counting, counts, error);
    if (status == TALLY_OK)
        status = scan_counts_read(counts, FIELD_COUNT, COUNTS_OF_ALL, &found, error);
    if (status != TALLY_OK)
        return status;
    counting->total += run_counts_total(&found);
    if (counting->by != NULL)
        status = breakdown_add_counts(counting->by, counts, error);
    if (status == TALLY_OK && counting->numbers != NULL)
        status = breakdown_add_counts(counting->numbers, counts, error);
    for (size_t i = 0; i < STATS_DISTINCT_MAX && status == TALLY_OK; i++)
        if (counting->distinct[i] != NULL)
            status = breakdown_add_counts(counting->distinct[i], counts, error);
    return status;
}

/* Adds what another thread has counted. */
static tally_status
counting_merge(struct counting *counting, const struct counting *other, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    counting->total += other->total;
    if (counting->by != NULL)
        status = breakdown_merge(counting->by, other->by, error);
    if (status == TALLY_OK && counting->numbers != NULL)
        status = breakdown_merge(counting->numbers, other->numbers, error);
    for (size_t i = 0; i < STATS_DISTINCT_MAX && status == TALLY_OK; i++)
        if (counting->distinct[i] != NULL)
            status = breakdown_merge(counting->distinct[i], other->distinct[i], error);
    return status;
}

/* Counts all matches by as many threads as the scan may have; all of it is in the first counting at
 * the end. */
static tally_status
count_all(struct scan *scan, const struct stats_request *request, struct counting *countings,
          struct tally_error *error)
{
    const struct scan_visits visits = { .page = count_page, .run = count_run };
    void *contexts[SCAN_THREADS_MAX];
    unsigned threads = scan_threads(scan);
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < threads && status == TALLY_OK; i++) {
        status = counting_init(&countings[i], request, error);
        contexts[i] = &countings[i];
    }
    if (status == TALLY_OK)
        status = scan_visit(scan, threads, &visits, contexts, error);
    for (unsigned i = 1; i < threads && status == TALLY_OK; i++)
        status = counting_merge(&countings[0], &countings[i], error);
    return status;
}

/*
 * Ranking.
 */

struct ranked {
    const struct breakdown *breakdown;
    uint32_t group;
    uint64_t count;
};

/* Absent values come before all others. */
static int
compare_value(struct bytes a, struct bytes b)
{
    if (a.data == NULL || b.data == NULL)
        return (a.data != NULL) - (b.data != NULL);
    return bytes_compare(a, b);
}

static int
compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    int order = 0;
    for (size_t i = 0; i < breakdown_fields(x->breakdown) && order == 0; i++)
        order = compare_value(breakdown_value(x->breakdown, x->group, i),
                              breakdown_value(y->breakdown, y->group, i));
    return order;
}

/* Puts heap[i] where it belongs among those below it; heap[0] is the one that comes last. */
static void
sift_down(struct ranked *heap, size_t count, size_t i)
{
    for (;;) {
        size_t last = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++)
            if (compare_ranked(&heap[child], &heap[last]) > 0)
                last = child;
        if (last == i)
            return;
        struct ranked kept = heap[i];
        heap[i] = heap[last];
        heap[last] = kept;
        i = last;
    }
}

/* The first `count` of all groups, the most frequent first. There may be a million to sort, and ten
 * are wanted: a heap keeps the best so far. */
static tally_status
first_groups(const struct breakdown *breakdown, size_t count, struct ranked **groups_out,
             struct tally_error *error)
{
    uint32_t all = breakdown_groups(breakdown);
    struct ranked *groups = calloc(count + 1, sizeof *groups);
    if (groups == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < all; i++) {
        struct ranked group = { breakdown, i, breakdown_count(breakdown, i) };
        if (i < count) {
            groups[i] = group;
            for (size_t k = count / 2; i + 1 == count && k > 0; k--)
                sift_down(groups, count, k - 1);
        } else if (count > 0 && compare_ranked(&group, &groups[0]) < 0) {
            groups[0] = group;
            sift_down(groups, count, 0);
        }
    }
    if (count > 0)
        qsort(groups, count, sizeof *groups, compare_ranked);
    *groups_out = groups;
    return TALLY_OK;
}

/* Names the first groups, and notes which they are. */
static tally_status
name_values(const struct ranked *groups, struct stats *stats, struct tally_error *error)
{
    uint32_t group_count = breakdown_groups(stats->by);
    struct stats_values *values = &stats->values;
    values->values = calloc(values->count + 1, sizeof *values->values);
    stats->ranks = calloc((size_t)group_count + 1, sizeof *stats->ranks);
    if (values->values == NULL || stats->ranks == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < group_count; i++)
        stats->ranks[i] = (uint32_t)values->count;
    for (uint32_t i = 0; i < values->count; i++) {
        stats->ranks[groups[i].group] = i;
        values->values[i].count = groups[i].count;
        values->rest -= groups[i].count;
        for (size_t j = 0; j < breakdown_fields(stats->by); j++)
            values->values[i].value[j] = breakdown_value(stats->by, groups[i].group, j);
    }
    return TALLY_OK;
}

static tally_status
rank(struct stats *stats, size_t top, struct tally_error *error)
{
    uint32_t group_count = breakdown_groups(stats->by);
    uint64_t absent = breakdown_absent(stats->by);
    size_t count = top < group_count ? top : group_count;
    struct ranked *groups = NULL;
    tally_status status = first_groups(stats->by, count, &groups, error);
    if (status != TALLY_OK)
        return status;
    stats->values = (struct stats_values){
        .absent = absent,
        .distinct = group_count,
        .rest = breakdown_total(stats->by) - absent,
        .count = count,
    };
    status = name_values(groups, stats, error);
    free(groups);
    return status;
}

/* Reads off what was counted, and takes what its values are lent from. */
static tally_status
conclude(struct counting *counting, const struct stats_request *request, struct stats *stats,
         struct tally_error *error)
{
    tally_status status = TALLY_OK;
    stats->total = counting->total;
    stats->by = counting->by;
    stats->numbers = counting->numbers;
    counting->by = NULL;
    counting->numbers = NULL;
    for (size_t i = 0; i < request->distinct_count; i++)
        stats->distinct[i] = breakdown_groups(counting->distinct[i]);
    if (stats->by != NULL)
        status = rank(stats, request->top, error);
    if (status == TALLY_OK && stats->numbers != NULL)
        status = percentile_find(stats->numbers, &request->ranks, &stats->percentiles, error);
    return status;
}

tally_status
stats_make(struct scan *scan, const struct stats_request *request, struct stats *stats_out,
           struct tally_error *error)
{
    assert(request->by_count <= BREAKDOWN_FIELDS_MAX && request->top > 0);
    assert(request->distinct_count <= STATS_DISTINCT_MAX);

    struct counting countings[SCAN_THREADS_MAX] = { 0 };
    struct stats stats = { 0 };
    tally_status status = count_all(scan, request, countings, error);
    if (status == TALLY_OK)
        status = conclude(&countings[0], request, &stats, error);
    for (unsigned i = 0; i < SCAN_THREADS_MAX; i++)
        counting_finish(&countings[i]);
    if (status != TALLY_OK) {
        stats_finish(&stats);
        return status;
    }
    *stats_out = stats;
    return TALLY_OK;
}

void
stats_finish(struct stats *stats)
{
    free(stats->values.values);
    free(stats->ranks);
    breakdown_destroy(stats->by);
    breakdown_destroy(stats->numbers);
    *stats = (struct stats){ 0 };
}

tally_status
stats_time_range(struct scan *scan, int64_t *minimum_out, int64_t *maximum_out,
                 struct tally_error *error)
{
    const struct scan_place start = SCAN_START;
    struct scan_hit first, last;
    struct scan_list list;
    tally_status status = scan_list(scan, ORDER_TIME, &start, &first, 1, &list, error);
    if (status != TALLY_OK)
        return status;
    if (list.count == 0)
        return TALLY_ABSENT;
    status = scan_list(scan, ORDER_TIME_DOWN, &start, &last, 1, &list, error);
    if (status != TALLY_OK)
        return status;
    *minimum_out = first.time;
    *maximum_out = last.time;
    return TALLY_OK;
}
