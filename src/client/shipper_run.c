/*
 * The shipper's thread: a run of each spool in turn, and what to do while there is none.
 *
 * A request costs both sides as much as some fifty events do, and one that comes now and then, with
 * nothing in the processors' caches, several times that. So after each run the thread sleeps for a
 * while rather than at the spool: what gathers meanwhile goes in one request, and those who record
 * need not wake it. It looks up now and then, because many events are worth their request at once.
 * What did not fit into the last run is not waited with, and an event after a pause is sent at once.
 *
 * A spool is put on stable storage when something has been in it for `sync_ms`: what has left it by
 * then is safe in the trail.
 */
#include "clock.h"
#include "condition.h"
#include "random.h"
#include "shipper_parts.h"

#define MS(ms) ((ms) * (CLOCK_SECOND / 1000))

#define GATHER_NS     MS(500)
#define GATHER_EVENTS 500
#define LOOK_NS       MS(20)
/* Idle for so long, others may have the trail; and so often dead processes' spools are looked for. */
#define REST_NS  CLOCK_SECOND
#define ADOPT_NS (60 * CLOCK_SECOND)

/* What somebody has to mend is not tried again sooner. */
#define DENIED_MS 5000

static struct spool *
spool_of(struct shipper *shipper, enum shipper_source source)
{
    return atomic_load_explicit(&shipper->sources[source].spool, memory_order_acquire);
}

static bool
is_stopping(struct shipper *shipper)
{
    return atomic_load_explicit(&shipper->stopping, memory_order_acquire);
}

void
shipper_keep_synced(struct shipper *shipper)
{
    const struct shipper_options *options = &shipper->options;
    int64_t now = clock_monotonic();
    struct spool *spool = spool_of(shipper, SHIPPER_SPOOL);
    if (now < shipper->sync_due)
        return;
    shipper->sync_due = now + MS((int64_t)options->sync_ms);
    struct spool_state state = { 0 };
    if (spool != NULL)
        spool_get_state(spool, &state);
    if (state.queued == 0)
        return;
    struct tally_error error = { 0 };
    bool failed = spool_sync(spool, &error) != TALLY_OK;
    if (notice_changes(&shipper->unsynced, failed) && failed)
        notice_say(options->notice, "the spool %s cannot be made durable: %s", spool_path(spool),
                   error.text);
}

void
shipper_put_off_sync(struct shipper *shipper, int64_t since)
{
    int64_t due = since + MS((int64_t)shipper->options.sync_ms);
    if (due > shipper->sync_due)
        shipper->sync_due = due;
}

/* ---- spools of the dead ---- */

static void
count_damage(struct shipper *shipper, struct spool *spool)
{
    struct spool_state state;
    spool_get_state(spool, &state);
    if (state.damaged == 0)
        return;
    counter_add(&shipper->options.counters->lost, state.damaged);
    notice_say(shipper->options.notice, "%llu events of the spool %s were damaged and are lost",
               (unsigned long long)state.damaged, spool_path(spool));
}

/* Lets go of an adopted spool that is empty, and looks for the next one. */
static void
adopt(struct shipper *shipper)
{
    const struct shipper_options *options = &shipper->options;
    struct source *source = &shipper->sources[SHIPPER_ADOPTED];
    struct spool *spool = spool_of(shipper, SHIPPER_ADOPTED);
    if (spool != NULL)
        count_damage(shipper, spool);
    (void)pthread_mutex_lock(&shipper->lock);
    atomic_store(&source->spool, NULL);
    spool_close(spool);
    if (spool_adopt(options->root, options->name, &spool, NULL) == TALLY_OK) {
        source->limit = RUN_EVENTS_MAX;
        source->unsent = 0;
        atomic_store(&source->spool, spool);
    } else {
        shipper->adopt_due = clock_monotonic() + ADOPT_NS;
    }
    (void)pthread_mutex_unlock(&shipper->lock);
}

/* ---- waiting ---- */

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static unsigned
hurries_of(struct shipper *shipper)
{
    (void)pthread_mutex_lock(&shipper->lock);
    unsigned hurries = shipper->hurries;
    (void)pthread_mutex_unlock(&shipper->lock);
    return hurries;
}

/* Waits until then, or until somebody asks for hurry. */
static void
wait_for_hurry(struct shipper *shipper, unsigned hurries, int64_t until)
{
    bool in_time = true;
    (void)pthread_mutex_lock(&shipper->lock);
    while (in_time && hurries == shipper->hurries)
        in_time = condition_wait(&shipper->changed, &shipper->lock, until);
    (void)pthread_mutex_unlock(&shipper->lock);
}

/* Waits until then, or until hurry is asked for where that counts, or the end. The spool stays
 * durable meanwhile: while it is, only an event ends the sleep. */
static void
pause_until(struct shipper *shipper, int64_t until, bool may_hurry)
{
    unsigned begun = hurries_of(shipper), hurries = begun;
    while (!is_stopping(shipper) && clock_monotonic() < until && !(may_hurry && hurries != begun)) {
        struct spool *spool = spool_of(shipper, SHIPPER_SPOOL);
        if (spool == NULL || shipper->sync_due >= until) {
            wait_for_hurry(shipper, hurries, until);
        } else if (spool_wait_unsynced(spool, until)) {
            wait_for_hurry(shipper, hurries, earlier(shipper->sync_due, until));
            shipper_keep_synced(shipper);
        }
        hurries = hurries_of(shipper);
    }
}

static void
back_off(struct shipper *shipper)
{
    const struct transport_answer *answer = &shipper->answer;
    uint32_t asked = answer->wait_ms;
    if (answer->denied && asked < DENIED_MS)
        asked = DENIED_MS;
    uint32_t random;
    random_bytes(&random, sizeof random);
    uint32_t wait_ms = backoff_next(&shipper->backoff, asked, random);
    pause_until(shipper, clock_monotonic() + MS((int64_t)wait_ms), asked == 0);
}

/* When to look again; INT64_MAX once the trail rests. `rested` is set first: who uses the trail
 * meanwhile clears it. */
static int64_t
rest_when_due(struct shipper *shipper, int64_t now)
{
    int64_t due = atomic_load(&shipper->used) + REST_NS;
    if (atomic_load(&shipper->rested))
        return INT64_MAX;
    if (now < due)
        return due;
    atomic_store(&shipper->rested, true);
    transport_rest(shipper->transport);
    return INT64_MAX;
}

/* Whether enough has gathered in one spool or the other. */
static bool
is_worth_a_request(struct shipper *shipper)
{
    for (unsigned i = SHIPPER_SPOOL; i <= SHIPPER_MEMORY; i++) {
        struct spool *spool = spool_of(shipper, (enum shipper_source)i);
        struct spool_state state = { 0 };
        if (spool != NULL)
            spool_get_state(spool, &state);
        if (state.queued >= GATHER_EVENTS)
            return true;
    }
    return false;
}

/* Lets events gather after a run that was all there was. */
static void
gather(struct shipper *shipper)
{
    int64_t until = shipper->shipped + GATHER_NS;
    int64_t now;
    while (!shipper->more && (now = clock_monotonic()) < until &&
           atomic_load(&shipper->flushers) == 0 && !is_stopping(shipper) &&
           !is_worth_a_request(shipper))
        pause_until(shipper, earlier(now + LOOK_NS, until), true);
}

/* There is nothing to send. */
static void
idle(struct shipper *shipper)
{
    int64_t now = clock_monotonic();
    int64_t until = earlier(shipper->adopt_due, rest_when_due(shipper, now));
    struct spool *spool = spool_of(shipper, SHIPPER_SPOOL);
    if (spool == NULL)
        spool = spool_of(shipper, SHIPPER_MEMORY);
    if (!is_stopping(shipper) && spool_wait(spool, until))
        shipper_put_off_sync(shipper, clock_monotonic()); /* it was empty */
}

/* ---- the thread ---- */

/* One run of each spool; false where there was none. */
static bool
ship_round(struct shipper *shipper)
{
    bool any = false;
    shipper->more = false;
    for (unsigned source = 0; source < SHIPPER_SOURCES && !is_stopping(shipper); source++) {
        switch (shipper_send(shipper, (enum shipper_source)source)) {
        case SHIPPED_NOTHING:
            if (source == SHIPPER_ADOPTED && spool_of(shipper, SHIPPER_ADOPTED) != NULL)
                adopt(shipper);
            break;
        case SHIPPED_SOME:
            any = true;
            break;
        case SHIPPED_FAILED:
            back_off(shipper);
            return true;
        }
    }
    return any;
}

void *
shipper_run(void *context)
{
    struct shipper *shipper = context;
    (void)pthread_setname_np(pthread_self(), "tally-ship");
    while (!is_stopping(shipper)) {
        shipper_keep_synced(shipper);
        if (spool_of(shipper, SHIPPER_SPOOL) != NULL &&
            spool_of(shipper, SHIPPER_ADOPTED) == NULL && clock_monotonic() >= shipper->adopt_due)
            adopt(shipper);
        gather(shipper);
        if (!ship_round(shipper) && !is_stopping(shipper))
            idle(shipper);
    }
    return NULL;
}
