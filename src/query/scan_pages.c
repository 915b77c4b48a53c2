/*
 * All matches, page by page, by one thread or by several (scan_share.c).
 *
 * Invariant: each run is visited by exactly one thread, and by a thread in ascending order.
 */
#include "fault.h"
#include "scan_counts.h"
#include "scan_parts.h"

#include <assert.h>
#include <stdlib.h>

struct scan_rows {
    bool listed;
    uint16_t rows[PAGE_ROWS];
};

const uint16_t *
scan_page_rows(const struct scan_page *page)
{
    struct scan_rows *list = page->rows;
    uint32_t count = 0;
    for (uint32_t word = 0; word < ROW_SET_WORDS && !list->listed; word++) {
        for (uint64_t left = page->found->words[word]; left != 0; left &= left - 1)
            list->rows[count++] = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(left));
    }
    list->listed = true;
    return list->rows;
}

/* Offers the counts of the run that the scan is turned to. TALLY_ABSENT where its pages are to be
 * visited. */
static tally_status
visit_counts(struct scan *scan, size_t number, struct run_reader *reader,
             const struct scan_visits *visits, void *context, struct tally_error *error)
{
    if (visits->run == NULL || !scan->countable)
        return TALLY_ABSENT;
    if (scan->scratch == NULL)
        scan->scratch = malloc(sizeof *scan->scratch); /* touched only as far as it is used */
    if (scan->scratch == NULL)
        return memory_fault(error);
    const struct scan_counts counts = { number, reader, &scan->count_filter, scan->scratch };
    tally_status status = visits->run(context, &counts, error);
    if (status != TALLY_OK)
        return status;
    scan_counted(scan, number);
    return scan->check == NULL ? TALLY_OK : scan->check(scan->check_context, error);
}

/* The run that the scan is turned to. */
static tally_status
visit_turned(struct scan *scan, size_t number, struct run_reader *reader,
             const struct scan_visits *visits, void *context, struct tally_error *error)
{
    const struct run *run = scan_run(scan, number);
    struct scan_rows rows;
    tally_status status = visit_counts(scan, number, reader, visits, context, error);
    if (status != TALLY_ABSENT)
        return status;
    status = TALLY_OK;
    for (uint32_t page = 0; page < run_page_count(run) && status == TALLY_OK; page++) {
        struct row_set found;
        uint64_t before = scan->account.matches;
        status = scan_find(scan, page, &found, error);
        uint32_t count = (uint32_t)(scan->account.matches - before);
        if (status != TALLY_OK || count == 0)
            continue;
        rows.listed = false;
        const struct scan_page matches = { number, reader, run->first, page, count, &found, &rows };
        status = visits->page(context, &matches, error);
    }
    return status;
}

static tally_status
visit_all(struct scan *scan, const struct scan_visits *visits, void *context,
          struct tally_error *error)
{
    tally_status status = TALLY_OK;
    scan_begin(scan);
    for (size_t i = 0; i < scan->source.run_count && status == TALLY_OK; i++) {
        struct run_reader *reader;
        bool possible;
        status = scan_run_possible(scan, i, &possible, error);
        if (status != TALLY_OK || !possible)
            continue;
        status = scan->source.reader(scan->source.context, i, &reader, error);
        if (status == TALLY_OK)
            status = scan_turn(scan, i, reader, error);
        if (status == TALLY_OK)
            status = visit_turned(scan, i, reader, visits, context, error);
        else if (status == TALLY_ABSENT)
            status = TALLY_OK;
    }
    scan_meter(scan);
    return status;
}

/*
 * By several threads.
 */

/* What a thread of several does with the runs it takes. */
struct visiting {
    const struct scan_visits *visits;
    void *context;
};

static tally_status
visit_taken(void *context, struct scan *scan, size_t number, struct run_reader *reader,
            struct tally_error *error)
{
    const struct visiting *visiting = context;
    return visit_turned(scan, number, reader, visiting->visits, visiting->context, error);
}

tally_status
scan_visit(struct scan *scan, unsigned threads, const struct scan_visits *visits,
           void *const *contexts, struct tally_error *error)
{
    assert(threads > 0 && threads <= SCAN_THREADS_MAX);
    if (threads == 1)
        return visit_all(scan, visits, contexts[0], error);

    struct visiting visiting[SCAN_THREADS_MAX];
    void *own[SCAN_THREADS_MAX];
    for (unsigned i = 0; i < threads; i++) {
        visiting[i] = (struct visiting){ visits, contexts[i] };
        own[i] = &visiting[i];
    }
    const struct scan_work work = { .count = scan->source.run_count,
                                    .run = visit_taken,
                                    .contexts = own };
    scan_begin(scan);
    return scan_share_out(scan, threads, &work, error);
}

/*
 * Counting.
 */

/* Each thread's count, in a cache line of its own. */
struct counter {
    _Alignas(64) uint64_t count;
};

static tally_status
add_counts(void *context, const struct scan_counts *counts, struct tally_error *error)
{
    struct counter *counter = context;
    struct run_counts found;
    tally_status status = scan_counts_read(counts, FIELD_COUNT, COUNTS_OF_ALL, &found, error);
    if (status == TALLY_OK)
        counter->count += run_counts_total(&found);
    return status;
}

static tally_status
add_count(void *context, const struct scan_page *page, struct tally_error *error)
{
    struct counter *counter = context;
    (void)error;
    counter->count += page->count;
    return TALLY_OK;
}

tally_status
scan_count(struct scan *scan, uint64_t *count_out, struct tally_error *error)
{
    const struct scan_visits visits = { .page = add_count, .run = add_counts };
    struct counter counters[SCAN_THREADS_MAX] = { 0 };
    void *contexts[SCAN_THREADS_MAX];
    unsigned threads = scan_threads(scan);
    for (unsigned i = 0; i < threads; i++)
        contexts[i] = &counters[i];
    tally_status status = scan_visit(scan, threads, &visits, contexts, error);
    if (status != TALLY_OK)
        return status;
    *count_out = 0;
    for (unsigned i = 0; i < threads; i++)
        *count_out += counters[i].count;
    return TALLY_OK;
}
