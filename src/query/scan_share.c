/*
 * scan_share.c - the runs of a scan shared out to several threads.
 *
 * Runs do not depend on each other, and a trail of some size has many: each of the threads takes the
 * next one that nobody has taken, looks at all of it and takes another. So all end at about the same
 * time, whatever their runs cost. A thread has a scan of its own, with its own plan and reader;
 * nothing is shared but the place of the next run and how it ended. What a thread did is added to
 * the caller's scan when all are done.
 *
 * Invariants: each run is taken by exactly one thread, and by a thread in order; once one has failed,
 * nobody takes another run or page, and the first failure is what the caller gets.
 */
#include "fault.h"
#include "processors.h"
#include "scan_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define USUAL_MAX 4u

struct sharing {
    struct scan *scan; /* the caller's */
    const struct scan_work *work;
    atomic_size_t next; /* of the work's runs, which nobody has taken yet */
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
enter(struct sharer *sharer, size_t number, struct tally_error *error)
{
    struct scan *scan = sharer->scan;
    struct run_reader *reader;
    tally_status status = run_reader_create(scan_run(scan, number), &reader, error);
    if (status != TALLY_OK)
        return status;
    status = scan_turn(scan, number, reader, error);
    if (status == TALLY_OK)
        status = sharer->sharing->work->run(sharer->context, scan, number, reader, error);
    else if (status == TALLY_ABSENT)
        status = TALLY_OK;
    run_meter_add(&sharer->meter, run_meter(reader));
    run_reader_destroy(reader);
    return status;
}

static tally_status
take_run(struct sharer *sharer, size_t number, struct tally_error *error)
{
    const struct scan_work *work = sharer->sharing->work;
    bool possible;
    if (work->wanted != NULL && !work->wanted(sharer->context, sharer->scan, number))
        return TALLY_OK;
    tally_status status = scan_run_possible(sharer->scan, number, &possible, error);
    return status == TALLY_OK && possible ? enter(sharer, number, error) : status;
}

static void *
share_main(void *context)
{
    struct sharer *sharer = context;
    struct sharing *sharing = sharer->sharing;
    const struct scan_work *work = sharing->work;
    struct tally_error error = { 0 };
    while (!atomic_load_explicit(&sharing->over, memory_order_relaxed)) {
        size_t i = atomic_fetch_add_explicit(&sharing->next, 1, memory_order_relaxed);
        if (i >= work->count)
            break;
        tally_status status = take_run(sharer, work->runs == NULL ? i : work->runs[i], &error);
        if (status != TALLY_OK)
            fail(sharing, status, &error);
    }
    return NULL;
}

/* Gives each thread a scan that asks through `sharing`. */
static tally_status
sharers_make(struct sharing *sharing, unsigned count, struct sharer *sharers,
             struct tally_error *error)
{
    for (unsigned i = 0; i < count; i++) {
        struct sharer *sharer = &sharers[i];
        *sharer = (struct sharer){ .sharing = sharing, .context = sharing->work->contexts[i] };
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
scan_share_out(struct scan *scan, unsigned threads, const struct scan_work *work,
               struct tally_error *error)
{
    assert(threads > 0 && threads <= SCAN_THREADS_MAX);

    struct sharing sharing = { .scan = scan, .work = work, .status = TALLY_OK };
    struct sharer sharers[SCAN_THREADS_MAX] = { 0 };
    if (pthread_mutex_init(&sharing.mutex, NULL) != 0)
        return memory_fault(error);
    if (pthread_mutex_init(&sharing.check_mutex, NULL) != 0) {
        pthread_mutex_destroy(&sharing.mutex);
        return memory_fault(error);
    }
    tally_status status = sharers_make(&sharing, threads, sharers, error);
    if (status == TALLY_OK) {
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
