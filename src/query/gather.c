/*
 * gather.c - entries read ahead by several threads.
 *
 * In rounds of so many hits: each of the threads takes the next page that nobody has taken and reads
 * all of the round's hits in it, so that what is decoded of a page is decoded by one of them; the entries
 * are copied, for a reader lends only the one it read last. When all are done, the caller's thread
 * visits what was read, from the first hit on. A round that has read enough bytes, or failed, ends
 * early; what of it was not read, or failed, the next one begins with, which reads at least its first.
 *
 * Invariant: a hit is visited once, after all before it.
 */
#include "gather.h"

#include "arena.h"
#include "fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Hits of a round, and bytes that it reads before it ends. */
#define ROUND      64u
#define ROUND_SIZE ((size_t)4 << 20)

/* Pages for each thread at least, or starting it does not pay. */
#define PAGES_SHARED_MIN 2u

struct gathered {
    size_t run;
    uint32_t row;
    size_t first; /* hit of the round in the same page */
    tally_status status;
    bool read; /* or tried to */
    struct run_entry entry;
};

/* What is asked for. */
struct gathering {
    struct snapshot *snapshot;
    const struct scan_hit *hits;
    size_t count;
    gather_visitor *visitor;
    void *context;
};

struct round {
    const struct gathering *gathering;
    size_t first; /* hit of the gathering */
    struct gathered hits[ROUND];
    size_t count;
    size_t pages;
    atomic_size_t next; /* hit that nobody has taken yet */
    atomic_size_t size; /* bytes of what was read */
    atomic_bool over;   /* somebody failed */
};

struct gatherer {
    struct round *round;
    struct arena arena;
    size_t run; /* of the reader */
    struct run_reader *reader;
    struct run_meter meter;
    struct tally_error error; /* of the hit that failed */
    const struct gathered *failed;
    pthread_t thread;
};

/*
 * A thread.
 */

static void
let_go(struct gatherer *gatherer)
{
    if (gatherer->reader != NULL)
        run_meter_add(&gatherer->meter, run_meter(gatherer->reader));
    run_reader_destroy(gatherer->reader);
    gatherer->reader = NULL;
}

static tally_status
turn(struct gatherer *gatherer, size_t run, struct tally_error *error)
{
    if (gatherer->reader != NULL && gatherer->run == run)
        return TALLY_OK;
    let_go(gatherer);
    gatherer->run = run;
    const struct gathering *gathering = gatherer->round->gathering;
    return run_reader_create(snapshot_run(gathering->snapshot, run), &gatherer->reader, error);
}

/* Puts the entry's values into the thread's own memory. */
static tally_status
keep(struct gatherer *gatherer, struct run_entry *entry, struct tally_error *error)
{
    size_t size = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        struct bytes *value = &entry->values[i];
        if (value->data == NULL)
            continue;
        size += value->size;
        *value = arena_copy(&gatherer->arena, *value);
        if (value->data == NULL)
            return memory_fault(error);
    }
    atomic_fetch_add_explicit(&gatherer->round->size, size, memory_order_relaxed);
    return TALLY_OK;
}

static void
read_hit(struct gatherer *gatherer, struct gathered *hit)
{
    struct tally_error *error = &gatherer->error;
    hit->status = turn(gatherer, hit->run, error);
    if (hit->status == TALLY_OK)
        hit->status = run_entry(gatherer->reader, hit->row, RUN_VALUES, &hit->entry, error);
    if (hit->status == TALLY_OK)
        hit->status = keep(gatherer, &hit->entry, error);
    hit->read = true;
    if (hit->status != TALLY_OK) {
        gatherer->failed = hit;
        atomic_store_explicit(&gatherer->round->over, true, memory_order_relaxed);
    }
}

static bool
goes_on(const struct round *round)
{
    return !atomic_load_explicit(&round->over, memory_order_relaxed) &&
           atomic_load_explicit(&round->size, memory_order_relaxed) < ROUND_SIZE;
}

static void *
gather_main(void *context)
{
    struct gatherer *gatherer = context;
    struct round *round = gatherer->round;
    while (goes_on(round)) {
        size_t i = atomic_fetch_add_explicit(&round->next, 1, memory_order_relaxed);
        if (i >= round->count)
            break;
        /* The round's first hit is read whatever has happened, or nothing would come of it. */
        for (size_t j = i; round->hits[i].first == i && j < round->count; j++) {
            if (round->hits[j].first == i && (j == 0 || goes_on(round)))
                read_hit(gatherer, &round->hits[j]);
        }
    }
    let_go(gatherer);
    return NULL;
}

/*
 * A round.
 */

/* Takes up to ROUND hits from the `first` on and finds out which are in the same page. */
static void
round_begin(struct round *round, size_t first)
{
    struct snapshot *snapshot = round->gathering->snapshot;
    size_t left = round->gathering->count - first;
    round->first = first;
    round->count = left < ROUND ? left : ROUND;
    round->pages = 0;
    atomic_init(&round->next, 0);
    atomic_init(&round->size, 0);
    atomic_init(&round->over, false);
    for (size_t i = 0; i < round->count; i++) {
        struct gathered *hit = &round->hits[i];
        uint64_t index = round->gathering->hits[first + i].index;
        hit->read = false;
        hit->run = snapshot_find_run(snapshot, index);
        hit->row = (uint32_t)(index - snapshot_run(snapshot, hit->run)->first);
        hit->first = 0;
        while (hit->first < i && (round->hits[hit->first].run != hit->run ||
                                  round->hits[hit->first].row / PAGE_ROWS != hit->row / PAGE_ROWS))
            hit->first++;
        round->pages += hit->first == i;
    }
}

/* Runs the threads, the first on the caller's own. One that cannot be started is not missed. */
static void
round_read(struct round *round, struct gatherer *gatherers, unsigned threads)
{
    unsigned started = 1;
    while (started < threads &&
           pthread_create(&gatherers[started].thread, NULL, gather_main, &gatherers[started]) == 0)
        started++;
    (void)gather_main(&gatherers[0]);
    for (unsigned i = 1; i < started; i++)
        (void)pthread_join(gatherers[i].thread, NULL);
    for (unsigned i = 0; i < threads; i++) {
        snapshot_meter_add(round->gathering->snapshot, &gatherers[i].meter);
        gatherers[i].meter = (struct run_meter){ 0 };
    }
}

/* Visits what was read, up to the first hit that was not; counts these. */
static tally_status
round_visit(const struct round *round, const struct gatherer *gatherers, unsigned threads,
            size_t *visited_out, struct tally_error *error)
{
    const struct gathering *gathering = round->gathering;
    size_t i = 0;
    for (; i < round->count && round->hits[i].read; i++) {
        const struct gathered *hit = &round->hits[i];
        for (unsigned k = 0; k < threads && hit->status != TALLY_OK && error != NULL; k++) {
            if (gatherers[k].failed == hit)
                *error = gatherers[k].error;
        }
        tally_status status = hit->status;
        if (status == TALLY_OK)
            status = gathering->visitor(gathering->context, round->first + i, &hit->entry, error);
        if (status != TALLY_OK)
            return status;
    }
    *visited_out = i;
    return TALLY_OK;
}

/*
 * The whole.
 */

static tally_status
gather_alone(const struct gathering *gathering, struct tally_error *error)
{
    for (size_t i = 0; i < gathering->count; i++) {
        struct run_entry entry;
        tally_status status = snapshot_entry(gathering->snapshot, gathering->hits[i].index,
                                             RUN_VALUES, &entry, error);
        if (status == TALLY_OK)
            status = gathering->visitor(gathering->context, i, &entry, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
gather_shared(const struct gathering *gathering, unsigned threads, struct tally_error *error)
{
    struct gatherer gatherers[SCAN_THREADS_MAX] = { 0 };
    tally_status status = TALLY_OK;
    struct round *round = malloc(sizeof *round);
    if (round == NULL)
        return memory_fault(error);
    round->gathering = gathering;
    for (unsigned i = 0; i < threads; i++)
        gatherers[i].round = round;
    size_t visited = 0;
    for (size_t first = 0; first < gathering->count && status == TALLY_OK; first += visited) {
        round_begin(round, first);
        unsigned most = (unsigned)round->pages / PAGES_SHARED_MIN;
        round_read(round, gatherers, most < 1 ? 1 : most < threads ? most : threads);
        status = round_visit(round, gatherers, threads, &visited, error);
        for (unsigned i = 0; i < threads; i++) {
            gatherers[i].failed = NULL;
            arena_reset(&gatherers[i].arena);
        }
    }
    for (unsigned i = 0; i < threads; i++)
        arena_finish(&gatherers[i].arena);
    free(round);
    return status;
}

tally_status
gather_entries(struct snapshot *snapshot, const struct scan_hit *hits, size_t count,
               unsigned threads, gather_visitor *visitor, void *context, struct tally_error *error)
{
    const struct gathering gathering = { snapshot, hits, count, visitor, context };
    if (threads <= 1 || count < 2 * PAGES_SHARED_MIN)
        return gather_alone(&gathering, error);
    return gather_shared(&gathering, threads < SCAN_THREADS_MAX ? threads : SCAN_THREADS_MAX,
                         error);
}
