/*
 * Finding matches in an order.
 *
 * By index: run after run, page after page, from the place on, until there are enough.
 *
 * By time: entries of one run lie close together in time but late ones may lie anywhere, so every
 * run could hold some of the next. Runs are visited by their nearest end in time; a heap keeps the
 * best hits so far, the worst on top; once it is full, a run or page whose times all lie behind the
 * worst can add nothing and is not looked at. As the ranges of runs hardly overlap, this ends after
 * a run or two wherever matches are frequent.
 *
 * One hit more than asked for is collected: whether it is there says whether there are more.
 *
 * Invariants: a list holds exactly the first `capacity` matches behind the place, in order; so
 * lists that go on where the last one ended give every match of the snapshot once.
 */
#include "fault.h"
#include "scan_parts.h"

#include <assert.h>
#include <stdlib.h>

const char *const scan_fate_names[FATE_COUNT] = {
    [FATE_PASSED] = "passed",
    [FATE_RULED_OUT] = "ruled_out",
    [FATE_COUNTED] = "counted",
    [FATE_ASKED] = "asked",
};

/*
 * Orders.
 */

static const struct {
    const char *name;
    enum scan_order order;
} orders[] = {
    { "-time", ORDER_TIME_DOWN },
    { "time", ORDER_TIME },
    { "index", ORDER_INDEX },
    { "-index", ORDER_INDEX_DOWN },
};

tally_status
scan_order_read(struct bytes name, enum scan_order *order_out, struct tally_error *error)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (bytes_is(name, orders[i].name)) {
            *order_out = orders[i].order;
            return TALLY_OK;
        }
    }
    return fault(error, TALLY_INVALID,
                 "there is no order '%.*s'; it is -time (newest first), time, index or -index",
                 (int)(name.size < 32 ? name.size : 32), (const char *)name.data);
}

const char *
scan_order_name(enum scan_order order)
{
    return orders[order - 1].name;
}

/* Whether `a` comes before `b`. */
static bool
comes_before(enum scan_order order, const struct scan_hit *a, const struct scan_hit *b)
{
    switch (order) {
    case ORDER_TIME_DOWN:
        return a->time != b->time ? a->time > b->time : a->index > b->index;
    case ORDER_TIME:
        return a->time != b->time ? a->time < b->time : a->index < b->index;
    case ORDER_INDEX:
        return a->index < b->index;
    case ORDER_INDEX_DOWN:
        break;
    }
    return a->index > b->index;
}

/* Whether everything in a range of times comes before `hit`, or everything behind it. */
static bool
range_before(enum scan_order order, int64_t minimum, int64_t maximum, const struct scan_hit *hit)
{
    return order == ORDER_TIME_DOWN ? minimum > hit->time : maximum < hit->time;
}

static bool
range_behind(enum scan_order order, int64_t minimum, int64_t maximum, const struct scan_hit *hit)
{
    return order == ORDER_TIME_DOWN ? maximum < hit->time : minimum > hit->time;
}

/*
 * Making a scan.
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
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        scan->by_minimum[i] = keys[i].run;

    for (size_t i = 0; i < count; i++)
        keys[i] = (struct run_key){ source->run(source->context, i)->time_max, i };
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        scan->by_maximum[i] = keys[count - 1 - i].run;
    free(keys);
    scan->ordered = true;
    return TALLY_OK;
}

tally_status
scan_create(const struct filter *filter, const struct scan_source *source, struct scan **scan_out,
            struct tally_error *error)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return memory_fault(error);
    scan->filter = filter;
    scan->countable = count_filter_make(filter, &scan->count_filter);
    scan->source = *source;
    scan->threads = 1;
    tally_status status = plan_create(filter, &scan->plan, error);
    if (status == TALLY_OK)
        status = scan_groups_make(scan, error);
    if (status != TALLY_OK) {
        scan_destroy(scan);
        return status;
    }
    *scan_out = scan;
    return TALLY_OK;
}

void
scan_destroy(struct scan *scan)
{
    if (scan == NULL)
        return;
    plan_destroy(scan->plan);
    free(scan->scratch);
    free(scan->by_minimum);
    free(scan->by_maximum);
    free(scan->heap);
    free(scan->groups);
    free(scan);
}

void
scan_watch(struct scan *scan, scan_check *check, void *context)
{
    scan->check = check;
    scan->check_context = context;
}

void
scan_share(struct scan *scan, unsigned threads)
{
    assert(threads > 0);
    scan->threads = threads < SCAN_THREADS_MAX ? threads : SCAN_THREADS_MAX;
}

void
scan_begin(struct scan *scan)
{
    scan->account.runs[FATE_PASSED] += scan->source.run_count;
    for (size_t i = 0; i < scan->source.run_count; i++)
        scan->account.pages[FATE_PASSED] += run_page_count(scan_run(scan, i));
}

/* So many that were passed so far have another fate. */
static void
account_move(uint64_t fates[FATE_COUNT], enum scan_fate fate, uint64_t count)
{
    fates[FATE_PASSED] -= count;
    fates[fate] += count;
}

void
scan_rule_out(struct scan *scan, size_t run)
{
    account_move(scan->account.runs, FATE_RULED_OUT, 1);
    account_move(scan->account.pages, FATE_RULED_OUT, run_page_count(scan_run(scan, run)));
}

tally_status
scan_turn(struct scan *scan, size_t i, struct run_reader *reader, struct tally_error *error)
{
    tally_status status = plan_turn(scan->plan, i, scan_run(scan, i), reader, error);
    if (status == TALLY_ABSENT)
        scan_rule_out(scan, i);
    else
        account_move(scan->account.runs, FATE_ASKED, 1);
    return status;
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

void
scan_counted(struct scan *scan, size_t i)
{
    scan->account.runs[FATE_ASKED]--;
    scan->account.runs[FATE_COUNTED]++;
    account_move(scan->account.pages, FATE_COUNTED, run_page_count(scan_run(scan, i)));
}

tally_status
scan_find(struct scan *scan, uint32_t page, struct row_set *found, struct tally_error *error)
{
    if (scan->check != NULL) {
        tally_status status = scan->check(scan->check_context, error);
        if (status != TALLY_OK)
            return status;
    }
    bool possible;
    tally_status status = plan_page_possible(scan->plan, page, &possible, error);
    if (status != TALLY_OK)
        return status;
    account_move(scan->account.pages, possible ? FATE_ASKED : FATE_RULED_OUT, 1);
    if (!possible) {
        *found = (struct row_set){ 0 };
        return TALLY_OK;
    }
    status = plan_page(scan->plan, page, found, error);
    if (status == TALLY_OK && !row_set_empty(found))
        scan->account.matches += row_set_count(found);
    return status;
}

const struct scan_account *
scan_account(const struct scan *scan)
{
    return &scan->account;
}

size_t
scan_terms(const struct scan *scan, struct plan_term terms_out[PLAN_TERMS_MAX])
{
    return plan_terms(scan->plan, terms_out);
}

/*
 * A list under way.
 */

struct listing {
    struct scan *scan;
    enum scan_order order;
    const struct scan_place *place;
    struct scan_hit *hits; /* by time: a heap with the worst on top; by index: in order */
    size_t count;
    size_t wanted; /* one more than the caller asked for */
};

static bool
full(const struct listing *listing)
{
    return listing->count == listing->wanted;
}

static void
swap(struct scan_hit *a, struct scan_hit *b)
{
    struct scan_hit kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts hits[i] where it belongs among those below it; hits[0] is the one that comes last. */
static void
sift_down(struct scan_hit *hits, size_t count, size_t i, enum scan_order order)
{
    for (;;) {
        size_t last = i, left = 2 * i + 1;
        if (left < count && comes_before(order, &hits[last], &hits[left]))
            last = left;
        if (left + 1 < count && comes_before(order, &hits[last], &hits[left + 1]))
            last = left + 1;
        if (last == i)
            return;
        swap(&hits[i], &hits[last]);
        i = last;
    }
}

static void
keep_best(struct listing *listing, const struct scan_hit *hit)
{
    struct scan_hit *hits = listing->hits;
    if (full(listing)) {
        if (!comes_before(listing->order, hit, &hits[0]))
            return;
        hits[0] = *hit;
        sift_down(hits, listing->count, 0, listing->order);
        return;
    }
    size_t i = listing->count++;
    hits[i] = *hit;
    while (i > 0 && comes_before(listing->order, &hits[(i - 1) / 2], &hits[i])) {
        swap(&hits[(i - 1) / 2], &hits[i]);
        i = (i - 1) / 2;
    }
}

/* From a heap to a list in order. */
static void
sort_heap(struct listing *listing)
{
    for (size_t count = listing->count; count > 1; count--) {
        swap(&listing->hits[0], &listing->hits[count - 1]);
        sift_down(listing->hits, count - 1, 0, listing->order);
    }
}

/* Whether nothing with such times can be among the hits. */
static bool
out_of_range(const struct listing *listing, int64_t minimum, int64_t maximum)
{
    if (listing->place->begun &&
        range_before(listing->order, minimum, maximum, &listing->place->last))
        return true;
    return full(listing) && range_behind(listing->order, minimum, maximum, &listing->hits[0]);
}

/* Takes the matches of a page of the current run. By index, until there are enough. */
static tally_status
list_page(struct listing *listing, const struct run *run, struct run_reader *reader, uint32_t page,
          struct tally_error *error)
{
    struct row_set found;
    const int64_t *times;
    tally_status status = scan_find(listing->scan, page, &found, error);
    if (status != TALLY_OK || row_set_empty(&found))
        return status;
    status = run_times_of(reader, page, &found, &times, error);
    if (status != TALLY_OK)
        return status;

    bool by_time = listing->order == ORDER_TIME || listing->order == ORDER_TIME_DOWN;
    for (uint32_t i = row_set_next(&found, 0); i < PAGE_ROWS; i = row_set_next(&found, i + 1)) {
        struct scan_hit hit = { times[i], run->first + (uint64_t)page * PAGE_ROWS + i };
        if (listing->place->begun && !comes_before(listing->order, &listing->place->last, &hit))
            continue;
        if (by_time || listing->order == ORDER_INDEX_DOWN)
            keep_best(listing, &hit);
        else if (!full(listing))
            listing->hits[listing->count++] = hit;
    }
    return TALLY_OK;
}

static tally_status
list_run_by_time(struct listing *listing, size_t number, struct tally_error *error)
{
    const struct run *run = scan_run(listing->scan, number);
    struct run_reader *reader;
    uint32_t pages = run_page_count(run);
    bool possible;
    if (out_of_range(listing, run->time_min, run->time_max))
        return TALLY_OK;
    tally_status status = scan_run_possible(listing->scan, number, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = enter_run(listing->scan, number, &reader, error);

    for (uint32_t i = 0; i < pages && status == TALLY_OK; i++) {
        uint32_t page = listing->order == ORDER_TIME ? i : pages - 1 - i;
        int64_t minimum, maximum;
        status = run_time_range(reader, page, &minimum, &maximum, error);
        if (status == TALLY_OK && !out_of_range(listing, minimum, maximum))
            status = list_page(listing, run, reader, page, error);
    }
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

static tally_status
list_by_time(struct listing *listing, struct tally_error *error)
{
    struct scan *scan = listing->scan;
    tally_status status = order_runs(scan, error);
    const size_t *runs = listing->order == ORDER_TIME ? scan->by_minimum : scan->by_maximum;
    for (size_t i = 0; i < scan->source.run_count && status == TALLY_OK; i++)
        status = list_run_by_time(listing, runs[i], error);
    sort_heap(listing);
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
    if (listing->order == ORDER_INDEX && last >= run->first)
        *first = last - run->first >= run->count ? *end : (uint32_t)(last - run->first) / PAGE_ROWS;
    if (listing->order == ORDER_INDEX_DOWN && last < run->first + run->count)
        *end = last < run->first ? 0 : (uint32_t)(last - run->first) / PAGE_ROWS + 1;
}

static tally_status
list_run_by_index(struct listing *listing, size_t number, struct tally_error *error)
{
    const struct run *run = scan_run(listing->scan, number);
    struct run_reader *reader;
    uint32_t first, end;
    bool possible;
    pages_behind(listing, run, &first, &end);
    if (first >= end)
        return TALLY_OK;
    tally_status status = scan_run_possible(listing->scan, number, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = enter_run(listing->scan, number, &reader, error);
    for (uint32_t i = first; i < end && status == TALLY_OK && !full(listing); i++) {
        uint32_t page = listing->order == ORDER_INDEX ? i : end - 1 - (i - first);
        status = list_page(listing, run, reader, page, error);
    }
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

static tally_status
list_by_index(struct listing *listing, struct tally_error *error)
{
    size_t count = listing->scan->source.run_count;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < count && status == TALLY_OK && !full(listing); i++) {
        size_t run = listing->order == ORDER_INDEX ? i : count - 1 - i;
        status = list_run_by_index(listing, run, error);
    }
    if (listing->order == ORDER_INDEX_DOWN)
        sort_heap(listing);
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
    struct listing listing = { scan, order, place, scan->heap, 0, capacity + 1 };
    if (order == ORDER_TIME || order == ORDER_TIME_DOWN)
        status = list_by_time(&listing, error);
    else
        status = list_by_index(&listing, error);
    scan_meter(scan);
    if (status != TALLY_OK)
        return status;

    struct scan_list list = { .count = listing.count, .more = full(&listing), .next = *place };
    if (list.more)
        list.count--;
    memcpy(hits, listing.hits, list.count * sizeof *hits);
    if (list.count > 0)
        list.next = (struct scan_place){ true, hits[list.count - 1] };
    *list_out = list;
    return TALLY_OK;
}
