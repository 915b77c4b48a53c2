/*
 * All matches, page by page, by one thread or by several.
 *
 * Runs do not depend on each other, and a trail of some size has many: each of the threads takes the
 * next one that nobody has taken, looks at all of it and takes another. So all end at about the same
 * time, whatever their runs cost. A thread has a scan of its own, with its own plan and reader;
 * nothing is shared but the number of the next run and how it ended. What a thread did is added to
 * the caller's scan when all are done.
 *
 * Invariants: each run is visited by exactly one thread, and by a thread in ascending order; once one
 * has failed, nobody takes another run or page, and the first failure is what the caller gets.
 */
#include "fault.h"
#include "processors.h"
#include "scan_counts.h"
#include "scan_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define USUAL_MAX 4u

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

tally_status
scan_pages(struct scan *scan, scan_visitor visitor, void *context, struct tally_error *error)
{
    const struct scan_visits visits = { .page = visitor };
    return visit_all(scan, &visits, context, error);
}

/*
 * By several threads.
 */

struct sharing {
    struct scan *scan; /* the caller's */
    const struct scan_visits *visits;
    atomic_size_t next; /* run that nobody has taken yet */
    atomic_bool over;   /* somebody failed */
    pthread_mutex_t mutex;
    tally_status status; /* under the mutex: the first failure */
    struct tally_error error;
    pthread_mutex_t check_mutex;
};

struct sharer {
    struct sharing *sharing;
    struct scan *scan; /* its own */
    void *context;
    struct run_meter meter; /* of the readers it had */
    pthread_t thread;
};

static void
fail(struct sharing *sharing, tally_status status, const struct tally_error *error)
{
    pthread_mutex_lock(&sharing->mutex);
    if (sharing->status == TALLY_OK) {
        sharing->status = status;
        sharing->error = *error;
    }
    pthread_mutex_unlock(&sharing->mutex);
    atomic_store_explicit(&sharing->over, true, memory_order_relaxed);
}

/* Whoever waits for the scan is asked by one thread at a time; another that would ask just then goes
 * on instead of waiting. A thread that is to end because another failed gets any status. */
static tally_status
check_shared(void *context, struct tally_error *error)
{
    struct sharing *sharing = context;
    const struct scan *scan = sharing->scan;
    if (atomic_load_explicit(&sharing->over, memory_order_relaxed))
        return TALLY_BUSY;
    if (scan->check == NULL || pthread_mutex_trylock(&sharing->check_mutex) != 0)
        return TALLY_OK;
    tally_status status = scan->check(scan->check_context, error);
    pthread_mutex_unlock(&sharing->check_mutex);
    return status;
}

static tally_status
visit_run(struct sharer *sharer, size_t number, struct tally_error *error)
{
    struct scan *scan = sharer->scan;
    struct run_reader *reader;
    tally_status status = run_reader_create(scan_run(scan, number), &reader, error);
    if (status != TALLY_OK)
        return status;
    status = scan_turn(scan, number, reader, error);
    if (status == TALLY_OK)
        status =
            visit_turned(scan, number, reader, sharer->sharing->visits, sharer->context, error);
    else if (status == TALLY_ABSENT)
        status = TALLY_OK;
    run_meter_add(&sharer->meter, run_meter(reader));
    run_reader_destroy(reader);
    return status;
}

static void *
share_main(void *context)
{
    struct sharer *sharer = context;
    struct sharing *sharing = sharer->sharing;
    struct tally_error error = { 0 };
    while (!atomic_load_explicit(&sharing->over, memory_order_relaxed)) {
        size_t number = atomic_fetch_add_explicit(&sharing->next, 1, memory_order_relaxed);
        if (number >= sharing->scan->source.run_count)
            break;
        bool possible;
        tally_status status = scan_run_possible(sharer->scan, number, &possible, &error);
        if (status == TALLY_OK && possible)
            status = visit_run(sharer, number, &error);
        if (status != TALLY_OK)
            fail(sharing, status, &error);
    }
    return NULL;
}

/* Gives each thread a scan that asks through `sharing`. */
static tally_status
sharers_make(struct sharing *sharing, unsigned count, void *const *contexts, struct sharer *sharers,
             struct tally_error *error)
{
    for (unsigned i = 0; i < count; i++) {
        struct sharer *sharer = &sharers[i];
        *sharer = (struct sharer){ .sharing = sharing, .context = contexts[i] };
        tally_status status =
            scan_create(sharing->scan->filter, &sharing->scan->source, &sharer->scan, error);
        if (status != TALLY_OK)
            return status;
        scan_watch(sharer->scan, check_shared, sharing);
    }
    return TALLY_OK;
}

/* What the threads did, the caller's scan did. */
static void
sharers_finish(struct scan *scan, unsigned count, struct sharer *sharers)
{
    struct run_meter meter = { 0 };
    for (unsigned i = 0; i < count; i++) {
        if (sharers[i].scan == NULL)
            continue;
        const struct scan_account *done = &sharers[i].scan->account;
        for (unsigned fate = 0; fate < FATE_COUNT; fate++) {
            scan->account.runs[fate] += done->runs[fate];
            scan->account.pages[fate] += done->pages[fate];
        }
        scan->account.matches += done->matches;
        plan_add_asked(scan->plan, sharers[i].scan->plan);
        run_meter_add(&meter, &sharers[i].meter);
        run_meter_add(&meter, &sharers[i].scan->probed);
        scan_destroy(sharers[i].scan);
    }
    if (scan->source.metered != NULL)
        scan->source.metered(scan->source.context, &meter);
}

/* Runs all of them, the first on the caller's own thread. A thread that cannot be started is not
 * missed: the others take its runs. */
static void
sharers_run(unsigned count, struct sharer *sharers)
{
    unsigned started = 1;
    while (started < count &&
           pthread_create(&sharers[started].thread, NULL, share_main, &sharers[started]) == 0)
        started++;
    (void)share_main(&sharers[0]);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(sharers[i].thread, NULL);
}

unsigned
scan_threads_usual(void)
{
    unsigned processors = processors_usable();
    return processors < USUAL_MAX ? processors : USUAL_MAX;
}

unsigned
scan_threads(const struct scan *scan)
{
    size_t most = scan->source.run_count / SCAN_RUNS_SHARED_MIN;
    if (most == 0)
        return 1;
    return most < scan->threads ? (unsigned)most : scan->threads;
}

tally_status
scan_pages_shared(struct scan *scan, unsigned threads, scan_visitor visitor, void *const *contexts,
                  struct tally_error *error)
{
    const struct scan_visits visits = { .page = visitor };
    return scan_visit(scan, threads, &visits, contexts, error);
}

tally_status
scan_visit(struct scan *scan, unsigned threads, const struct scan_visits *visits,
           void *const *contexts, struct tally_error *error)
{
    assert(threads > 0 && threads <= SCAN_THREADS_MAX);
    if (threads == 1)
        return visit_all(scan, visits, contexts[0], error);

    struct sharing sharing = { .scan = scan, .visits = visits, .status = TALLY_OK };
    struct sharer sharers[SCAN_THREADS_MAX] = { 0 };
    if (pthread_mutex_init(&sharing.mutex, NULL) != 0)
        return memory_fault(error);
    if (pthread_mutex_init(&sharing.check_mutex, NULL) != 0) {
        pthread_mutex_destroy(&sharing.mutex);
        return memory_fault(error);
    }
    tally_status status = sharers_make(&sharing, threads, contexts, sharers, error);
    if (status == TALLY_OK) {
        scan_begin(scan);
        sharers_run(threads, sharers);
        status = sharing.status;
        if (status != TALLY_OK && error != NULL)
            *error = sharing.error;
    }
    sharers_finish(scan, threads, sharers);
    pthread_mutex_destroy(&sharing.check_mutex);
    pthread_mutex_destroy(&sharing.mutex);
    return status;
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
