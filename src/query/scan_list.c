/*
 * Finding matches in an order.
 *
 * By index: run after run, page after page, from the place on, until there are enough.
 *
 * By time: entries of one run lie close together in time but late ones may lie anywhere, so every
 * run could hold some of the next. Runs are visited by their nearest end in time, and the best hits
 * so far are kept (scan_best.c); once they are as many as are wanted, a run or page whose times all
 * lie behind the worst can add nothing and is not looked at. As the ranges of runs hardly overlap, this ends after
 * a run or two wherever matches are frequent.
 *
 * Where the first runs do not fill a list by time, the others are shared out to several threads; the
 * hits are kept together, so that each knows what the others have found.
 *
 * One hit more than asked for is collected: whether it is there says whether there are more.
 *
 * Invariants: a list holds exactly the first `capacity` matches behind the place, in order; so
 * lists that go on where the last one ended give every match of the snapshot once.
 */
#include "fault.h"
#include "scan_best.h"
#include "scan_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Runs that are looked into before others are shared out. */
#define RUNS_ALONE 4u

/*
 * Runs in order.
 */

struct run_key {
    int64_t time;
    size_t run;
};

static int
compare_keys(const void *a, const void *b)
{
    const struct run_key *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->run > y->run) - (x->run < y->run);
}

/* Mostly they are in order as they come. */
static void
sort_keys(struct run_key *keys, size_t count)
{
    size_t ordered = 1;
    while (ordered < count && compare_keys(&keys[ordered - 1], &keys[ordered]) < 0)
        ordered++;
    if (ordered < count)
        qsort(keys, count, sizeof *keys, compare_keys);
}

/* The runs by their earliest time, and by their latest from the last to the first: once somebody
 * asks for an order by time. */
static tally_status
order_runs(struct scan *scan, struct tally_error *error)
{
    const struct scan_source *source = &scan->source;
    size_t count = source->run_count;
    if (scan->ordered)
        return TALLY_OK;
    struct run_key *keys = calloc(count + 1, sizeof *keys);
    if (scan->by_minimum == NULL)
        scan->by_minimum = calloc(count + 1, sizeof *scan->by_minimum);
    if (scan->by_maximum == NULL)
        scan->by_maximum = calloc(count + 1, sizeof *scan->by_maximum);
    if (keys == NULL || scan->by_minimum == NULL || scan->by_maximum == NULL) {
        free(keys);
        return memory_fault(error);
    }

    for (size_t i = 0; i < count; i++)
        keys[i] = (struct run_key){ source->run(source->context, i)->time_min, i };
    sort_keys(keys, count);
    for (size_t i = 0; i < count; i++)
        scan->by_minimum[i] = keys[i].run;

    for (size_t i = 0; i < count; i++)
        keys[i] = (struct run_key){ source->run(source->context, i)->time_max, i };
    sort_keys(keys, count);
    for (size_t i = 0; i < count; i++)
        scan->by_maximum[i] = keys[count - 1 - i].run;
    free(keys);
    scan->ordered = true;
    return TALLY_OK;
}

/* Turns to a run with the source's own reader. TALLY_ABSENT: it has no matches. */
static tally_status
enter_run(struct scan *scan, size_t i, struct run_reader **reader_out, struct tally_error *error)
{
    struct run_reader *reader;
    tally_status status = scan->source.reader(scan->source.context, i, &reader, error);
    if (status == TALLY_OK)
        status = scan_turn(scan, i, reader, error);
    if (status == TALLY_OK)
        *reader_out = reader;
    return status;
}

/*
 * A list under way.
 */

struct listing {
    struct scan_best best; /* one more than the caller asked for; by index upwards: in order */
    const struct scan_place *place;
    bool shared; /* by several threads: then the hits are under the mutex */
    pthread_mutex_t mutex;
};

static void
lock(struct listing *listing)
{
    if (listing->shared)
        (void)pthread_mutex_lock(&listing->mutex);
}

static void
unlock(struct listing *listing)
{
    if (listing->shared)
        (void)pthread_mutex_unlock(&listing->mutex);
}

/* Whether nothing with such times can be among the hits. */
static bool
out_of_range(struct listing *listing, int64_t minimum, int64_t maximum)
{
    const struct scan_best *best = &listing->best;
    if (listing->place->begun &&
        scan_range_before(best->order, minimum, maximum, &listing->place->last))
        return true;
    lock(listing);
    bool out =
        scan_best_full(best) && scan_range_behind(best->order, minimum, maximum, &best->hits[0]);
    unlock(listing);
    return out;
}

/* Takes the matches of a page of the run that the scan is turned to. By index, until there are
 * enough. */
static tally_status
list_page(struct listing *listing, struct scan *scan, const struct run *run,
          struct run_reader *reader, uint32_t page, struct tally_error *error)
{
    struct row_set found;
    const int64_t *times;
    tally_status status = scan_find(scan, page, &found, error);
    if (status != TALLY_OK || row_set_empty(&found))
        return status;
    status = run_times_of(reader, page, &found, &times, error);
    if (status != TALLY_OK)
        return status;

    struct scan_best *best = &listing->best;
    lock(listing);
    for (uint32_t i = row_set_next(&found, 0); i < PAGE_ROWS; i = row_set_next(&found, i + 1)) {
        struct scan_hit hit = { times[i], run->first + (uint64_t)page * PAGE_ROWS + i };
        if (listing->place->begun && !scan_hit_before(best->order, &listing->place->last, &hit))
            continue;
        if (best->order != ORDER_INDEX)
            scan_best_keep(best, &hit);
        else if (!scan_best_full(best))
            best->hits[best->count++] = hit;
    }
    unlock(listing);
    return TALLY_OK;
}

/* The pages of the run that the scan is turned to, the nearest end first. */
static tally_status
list_pages_by_time(struct listing *listing, struct scan *scan, size_t number,
                   struct run_reader *reader, struct tally_error *error)
{
    const struct run *run = scan_run(scan, number);
    uint32_t pages = run_page_count(run);
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < pages && status == TALLY_OK; i++) {
        uint32_t page = listing->best.order == ORDER_TIME ? i : pages - 1 - i;
        int64_t minimum, maximum;
        status = run_time_range(reader, page, &minimum, &maximum, error);
        if (status == TALLY_OK && !out_of_range(listing, minimum, maximum))
            status = list_page(listing, scan, run, reader, page, error);
    }
    return status;
}

static bool
run_in_range(void *context, struct scan *scan, size_t number)
{
    const struct run *run = scan_run(scan, number);
    return !out_of_range(context, run->time_min, run->time_max);
}

static tally_status
list_run_by_time(struct listing *listing, struct scan *scan, size_t number,
                 struct tally_error *error)
{
    struct run_reader *reader;
    bool possible;
    if (!run_in_range(listing, scan, number))
        return TALLY_OK;
    tally_status status = scan_run_possible(scan, number, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = enter_run(scan, number, &reader, error);
    if (status == TALLY_OK)
        status = list_pages_by_time(listing, scan, number, reader, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

static tally_status
list_taken(void *context, struct scan *scan, size_t number, struct run_reader *reader,
           struct tally_error *error)
{
    return list_pages_by_time(context, scan, number, reader, error);
}

/* The rest of the runs, by several threads. */
static tally_status
list_shared(struct listing *listing, struct scan *scan, const size_t *runs, size_t count,
            unsigned threads, struct tally_error *error)
{
    void *contexts[SCAN_THREADS_MAX];
    for (unsigned i = 0; i < threads; i++)
        contexts[i] = listing;
    const struct scan_work work = {
        .runs = runs,
        .count = count,
        .contexts = contexts,
        .wanted = run_in_range,
        .run = list_taken,
    };
    if (pthread_mutex_init(&listing->mutex, NULL) != 0)
        return memory_fault(error);
    listing->shared = true;
    tally_status status = scan_share_out(scan, threads, &work, error);
    listing->shared = false;
    pthread_mutex_destroy(&listing->mutex);
    return status;
}

/* With how many threads the rest of a list is looked for, where `left` runs are left: with one as long
 * as the first runs may do, for threads that are begun for nothing cost more than a run. */
static unsigned
list_threads(const struct listing *listing, const struct scan *scan, uint64_t asked, size_t left)
{
    if (scan_best_full(&listing->best) || scan->account.runs[FATE_ASKED] - asked < RUNS_ALONE)
        return 1;
    size_t most = left / SCAN_RUNS_SHARED_MIN;
    return most < scan->threads ? (unsigned)most : scan->threads;
}

static tally_status
list_by_time(struct listing *listing, struct scan *scan, struct tally_error *error)
{
    size_t count = scan->source.run_count;
    uint64_t asked = scan->account.runs[FATE_ASKED];
    tally_status status = order_runs(scan, error);
    const size_t *runs = listing->best.order == ORDER_TIME ? scan->by_minimum : scan->by_maximum;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        unsigned threads = list_threads(listing, scan, asked, count - i);
        if (threads > 1) {
            status = list_shared(listing, scan, runs + i, count - i, threads, error);
            break;
        }
        status = list_run_by_time(listing, scan, runs[i], error);
    }
    scan_best_sort(&listing->best);
    return status;
}

/* The pages of a run from `first` to before `end` that may lie behind the place. */
static void
pages_behind(const struct listing *listing, const struct run *run, uint32_t *first, uint32_t *end)
{
    *first = 0;
    *end = run_page_count(run);
    if (!listing->place->begun)
        return;
    uint64_t last = listing->place->last.index;
    if (listing->best.order == ORDER_INDEX && last >= run->first)
        *first = last - run->first >= run->count ? *end : (uint32_t)(last - run->first) / PAGE_ROWS;
    if (listing->best.order == ORDER_INDEX_DOWN && last < run->first + run->count)
        *end = last < run->first ? 0 : (uint32_t)(last - run->first) / PAGE_ROWS + 1;
}

static tally_status
list_run_by_index(struct listing *listing, struct scan *scan, size_t number,
                  struct tally_error *error)
{
    const struct run *run = scan_run(scan, number);
    struct run_reader *reader;
    uint32_t first, end;
    bool possible;
    pages_behind(listing, run, &first, &end);
    if (first >= end)
        return TALLY_OK;
    tally_status status = scan_run_possible(scan, number, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = enter_run(scan, number, &reader, error);
    for (uint32_t i = first; i < end && status == TALLY_OK && !scan_best_full(&listing->best);
         i++) {
        uint32_t page = listing->best.order == ORDER_INDEX ? i : end - 1 - (i - first);
        status = list_page(listing, scan, run, reader, page, error);
    }
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

static tally_status
list_by_index(struct listing *listing, struct scan *scan, struct tally_error *error)
{
    size_t count = scan->source.run_count;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK && !scan_best_full(&listing->best); i++) {
        size_t run = listing->best.order == ORDER_INDEX ? i : count - 1 - i;
        status = list_run_by_index(listing, scan, run, error);
    }
    if (listing->best.order == ORDER_INDEX_DOWN)
        scan_best_sort(&listing->best);
    return status;
}

static tally_status
heap_reserve(struct scan *scan, size_t count, struct tally_error *error)
{
    if (scan->heap_capacity >= count)
        return TALLY_OK;
    struct scan_hit *heap = realloc(scan->heap, count * sizeof *heap);
    if (heap == NULL)
        return memory_fault(error);
    scan->heap = heap;
    scan->heap_capacity = count;
    return TALLY_OK;
}

tally_status
scan_list(struct scan *scan, enum scan_order order, const struct scan_place *place,
          struct scan_hit *hits, size_t capacity, struct scan_list *list_out,
          struct tally_error *error)
{
    assert(capacity > 0 && capacity <= SCAN_LIST_MAX);
    tally_status status = heap_reserve(scan, capacity + 1, error);
    if (status != TALLY_OK)
        return status;

    scan_begin(scan);
    struct listing listing = {
        .best = { .order = order, .hits = scan->heap, .wanted = capacity + 1 },
        .place = place,
    };
    if (order == ORDER_TIME || order == ORDER_TIME_DOWN)
        status = list_by_time(&listing, scan, error);
    else
        status = list_by_index(&listing, scan, error);
    scan_meter(scan);
    if (status != TALLY_OK)
        return status;

    struct scan_list list = { .count = listing.best.count,
                              .more = scan_best_full(&listing.best),
                              .next = *place };
    if (list.more)
        list.count--;
    memcpy(hits, listing.best.hits, list.count * sizeof *hits);
    if (list.count > 0)
        list.next = (struct scan_place){ true, hits[list.count - 1] };
    *list_out = list;
    return TALLY_OK;
}
