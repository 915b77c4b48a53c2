#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "shipper_parts.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Of the thread: what it calls needs far less. */
#define STACK_SIZE ((size_t)512 << 10)

/* ---- making and ending ---- */

/* While a request is under way. */
static int64_t
tick(void *context)
{
    struct shipper *shipper = context;
    shipper_keep_synced(shipper);
    return atomic_load(&shipper->stopping) ? 0 : shipper->sync_due;
}

static tally_status
make_transport(struct shipper *shipper, struct tally_error *error)
{
    struct transport_options options = shipper->options.destination;
    options.tick = tick;
    options.context = shipper;
    return transport_create(&options, &shipper->transport, error);
}

static void
init_locks(struct shipper *shipper)
{
    (void)pthread_mutex_init(&shipper->lock, NULL);
    condition_init(&shipper->changed);
}

static void
free_all(struct shipper *shipper)
{
    transport_destroy(shipper->transport);
    buffer_free(&shipper->answer.reasons);
    free(shipper->answer.results);
    free(shipper->answer.reason_at);
    (void)pthread_cond_destroy(&shipper->changed);
    (void)pthread_mutex_destroy(&shipper->lock);
    free(shipper);
}

tally_status
shipper_create(const struct shipper_options *options, struct shipper **shipper_out,
               struct tally_error *error)
{
    struct shipper *shipper = calloc(1, sizeof *shipper);
    if (shipper == NULL)
        return memory_fault(error);
    shipper->options = *options;
    init_locks(shipper);
    shipper->answer.results = calloc(RUN_EVENTS_MAX, sizeof *shipper->answer.results);
    shipper->answer.reason_at = calloc(RUN_EVENTS_MAX, sizeof *shipper->answer.reason_at);
    tally_status status = TALLY_NO_MEMORY;
    if (shipper->answer.results == NULL || shipper->answer.reason_at == NULL)
        (void)memory_fault(error);
    else
        status = make_transport(shipper, error);
    if (status != TALLY_OK) {
        free_all(shipper);
        return status;
    }
    *shipper_out = shipper;
    return TALLY_OK;
}

/* Has the thread look at what changed, wherever it waits. */
static void
rouse(struct shipper *shipper)
{
    (void)pthread_mutex_lock(&shipper->lock);
    shipper->hurries++;
    (void)pthread_cond_broadcast(&shipper->changed);
    (void)pthread_mutex_unlock(&shipper->lock);
    for (unsigned i = SHIPPER_SPOOL; i <= SHIPPER_MEMORY; i++) {
        struct spool *spool = shipper_spool(shipper, (enum shipper_source)i);
        if (spool != NULL)
            spool_wake(spool);
    }
}

static void
stop(struct shipper *shipper)
{
    if (!shipper->running)
        return;
    atomic_store(&shipper->stopping, true);
    rouse(shipper);
    transport_wake(shipper->transport);
    (void)pthread_join(shipper->thread, NULL);
    shipper->running = false;
}

uint64_t
shipper_destroy(struct shipper *shipper)
{
    if (shipper == NULL)
        return 0;
    stop(shipper);
    struct spool_state state = { 0 };
    struct spool *memory = shipper_spool(shipper, SHIPPER_MEMORY);
    if (memory != NULL)
        spool_get_state(memory, &state);
    shipper->sync_due = 0;
    shipper_keep_synced(shipper);
    for (unsigned i = 0; i < SHIPPER_SOURCES; i++)
        spool_close(shipper_spool(shipper, (enum shipper_source)i));
    free_all(shipper);
    return state.queued;
}

/* ---- spools ---- */

/* Signals are for the program's own threads. */
static tally_status
start(struct shipper *shipper, struct tally_error *error)
{
    pthread_attr_t attributes;
    sigset_t every, before;
    (void)sigfillset(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &before);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int number = pthread_create(&shipper->thread, &attributes, shipper_run, shipper);
    (void)pthread_attr_destroy(&attributes);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0)
        return fault(error, TALLY_NO_MEMORY, "no thread can be started");
    shipper->running = true;
    return TALLY_OK;
}

tally_status
shipper_add(struct shipper *shipper, enum shipper_source source, struct spool *spool,
            struct tally_error *error)
{
    assert(source != SHIPPER_ADOPTED && shipper_spool(shipper, source) == NULL);

    if (shipper->transport == NULL) {
        tally_status status = make_transport(shipper, error);
        if (status != TALLY_OK)
            return status;
    }
    shipper->sources[source].limit = RUN_EVENTS_MAX;
    shipper->sources[source].unsent = 0;
    atomic_store_explicit(&shipper->sources[source].spool, spool, memory_order_release);
    if (shipper->running) {
        rouse(shipper);
        return TALLY_OK;
    }
    tally_status status = start(shipper, error);
    if (status != TALLY_OK)
        atomic_store(&shipper->sources[source].spool, NULL);
    return status;
}

struct spool *
shipper_spool(struct shipper *shipper, enum shipper_source source)
{
    return atomic_load_explicit(&shipper->sources[source].spool, memory_order_acquire);
}

void
shipper_ring(struct shipper *shipper)
{
    struct spool *spool = shipper_spool(shipper, SHIPPER_SPOOL);
    if (spool != NULL)
        spool_wake(spool);
}

void
shipper_used(struct shipper *shipper)
{
    atomic_store(&shipper->used, clock_monotonic());
    if (atomic_load(&shipper->rested) && atomic_exchange(&shipper->rested, false))
        rouse(shipper);
}

void
shipper_dropped(struct shipper *shipper)
{
    (void)pthread_mutex_lock(&shipper->lock);
    (void)pthread_cond_broadcast(&shipper->changed);
    (void)pthread_mutex_unlock(&shipper->lock);
}

/* ---- waiting for answers ---- */

/* How many events came into a spool, and how many of them left it. */
struct passage {
    uint64_t in, out;
};

static struct passage
passage_of(struct shipper *shipper, enum shipper_source source)
{
    struct spool *spool = shipper_spool(shipper, source);
    if (spool == NULL)
        return (struct passage){ 0 };
    struct spool_state state;
    spool_get_state(spool, &state);
    return (struct passage){ state.appended, state.appended - state.queued };
}

static uint64_t
missing(struct shipper *shipper, const uint64_t wanted[2])
{
    uint64_t count = 0;
    for (unsigned i = SHIPPER_SPOOL; i <= SHIPPER_MEMORY; i++) {
        struct passage passage = passage_of(shipper, (enum shipper_source)i);
        if (passage.out < wanted[i])
            count += wanted[i] - passage.out;
    }
    return count;
}

tally_status
shipper_flush(struct shipper *shipper, int64_t until, const struct patience *patience,
              struct tally_error *error)
{
    const uint64_t wanted[] = {
        passage_of(shipper, SHIPPER_SPOOL).in,
        passage_of(shipper, SHIPPER_MEMORY).in,
    };
    if (missing(shipper, wanted) == 0)
        return TALLY_OK;
    atomic_fetch_add(&shipper->flushers, 1);
    rouse(shipper);
    tally_status status = TALLY_OK;
    bool ended = false;
    (void)pthread_mutex_lock(&shipper->lock);
    for (;;) {
        uint64_t count = missing(shipper, wanted);
        if (count == 0)
            break;
        if (ended || clock_monotonic() >= until) {
            status =
                fault(error, TALLY_BUSY, "%llu events have no answer yet%s%s",
                      (unsigned long long)count, shipper->why[0] == '\0' ? "" : ": ", shipper->why);
            break;
        }
        int64_t next = patience_next(patience, until);
        if (condition_wait(&shipper->changed, &shipper->lock, next) || next == until)
            continue;
        (void)pthread_mutex_unlock(&shipper->lock);
        ended = patience_ended(patience);
        (void)pthread_mutex_lock(&shipper->lock);
    }
    (void)pthread_mutex_unlock(&shipper->lock);
    atomic_fetch_sub(&shipper->flushers, 1);
    return status;
}

void
shipper_count(struct shipper *shipper, uint64_t *recorded, uint64_t *queued)
{
    (void)pthread_mutex_lock(&shipper->lock);
    for (unsigned i = 0; i < SHIPPER_SOURCES; i++) {
        struct spool *spool = shipper_spool(shipper, (enum shipper_source)i);
        struct spool_state state = { 0 };
        if (spool != NULL)
            spool_get_state(spool, &state);
        *queued += state.queued;
        *recorded += i == SHIPPER_ADOPTED ? 0 : state.appended;
    }
    (void)pthread_mutex_unlock(&shipper->lock);
}

/* ---- fork ---- */

void
shipper_fork_prepare(struct shipper *shipper)
{
    (void)pthread_mutex_lock(&shipper->lock);
}

void
shipper_fork_parent(struct shipper *shipper)
{
    (void)pthread_mutex_unlock(&shipper->lock);
}

void
shipper_fork_child(struct shipper *shipper)
{
    for (unsigned i = 0; i < SHIPPER_SOURCES; i++) {
        spool_abandon(shipper_spool(shipper, (enum shipper_source)i));
        shipper->sources[i] = (struct source){ .limit = 0 };
    }
    transport_abandon(shipper->transport);
    shipper->transport = NULL;
    /* The thread may have been filling it. */
    shipper->answer.reasons = (struct buffer){ 0 };
    shipper->running = false;
    shipper->backoff = (struct backoff){ 0 };
    shipper->sync_due = shipper->adopt_due = shipper->shipped = 0;
    shipper->more = false;
    atomic_store(&shipper->used, 0);
    atomic_store(&shipper->rested, false);
    shipper->hurries = 0;
    shipper->why[0] = '\0';
    atomic_store(&shipper->stopping, false);
    atomic_store(&shipper->flushers, 0);
    atomic_store(&shipper->away, false);
    atomic_store(&shipper->refusing, false);
    atomic_store(&shipper->unsynced, false);
    init_locks(shipper);
}
