/*
 * One run of events: read, sent, and what came of each.
 *
 * `again` costs a trail much more than the usual look at its newest ids, and where many clients come
 * back to a trail that was overloaded it would be asked for all at once. So the shipper keeps in
 * mind which events at the front of a spool were sent in vain for certain (source.unsent): these go
 * out again as if for the first time. What may be stored goes out with `again`, also in the next
 * process, because the spool remembers what was sent.
 */
#include "clock.h"
#include "dead_letter.h"
#include "fault.h"
#include "shipper_parts.h"

/* An attempt is given up after so long. */
#define ATTEMPT_NS (60 * CLOCK_SECOND)

/* The first attempt after one that went wrong is made quietly. */
#define FAILURES_QUIET 2

/* Memory that is short now may be there in so long. */
#define MEMORY_WAIT_MS 1000

static struct spool *
spool_of(struct shipper *shipper, enum shipper_source source)
{
    return atomic_load_explicit(&shipper->sources[source].spool, memory_order_acquire);
}

/* ---- refused for good ---- */

static void
set_aside(struct shipper *shipper, struct bytes event, const char *reason)
{
    const struct shipper_options *options = &shipper->options;
    struct tally_error error = { 0 };
    counter_add(&options->counters->refused, 1);
    tally_status status = TALLY_OK;
    if (options->root != NULL)
        status = dead_letter_append(options->root, reason, event, &error);
    if (!notice_changes(&shipper->refusing, true))
        return;
    if (options->root == NULL)
        notice_say(options->notice, "%s refuses an event for good: %s", options->destination.where,
                   reason);
    else if (status == TALLY_OK)
        notice_say(options->notice,
                   "%s refuses an event for good: %s; such events are in %s/dead-letter.ndjson",
                   options->destination.where, reason, options->root);
    else
        notice_say(options->notice, "%s refuses an event for good: %s; and it cannot be kept: %s",
                   options->destination.where, reason, error.text);
}

/* ---- answers ---- */

static void
leave(struct shipper *shipper, enum shipper_source source, size_t count)
{
    struct source *from = &shipper->sources[source];
    spool_done(spool_of(shipper, source), count);
    from->unsent -= count < from->unsent ? count : from->unsent;
    shipper->shipped = clock_monotonic();
    atomic_store_explicit(&shipper->used, shipper->shipped, memory_order_relaxed);
    atomic_store_explicit(&shipper->rested, false, memory_order_relaxed);
    shipper->backoff = (struct backoff){ 0 };
    (void)pthread_mutex_lock(&shipper->lock);
    shipper->why[0] = '\0';
    (void)pthread_cond_broadcast(&shipper->changed);
    (void)pthread_mutex_unlock(&shipper->lock);
    if (notice_changes(&shipper->away, false))
        notice_say(shipper->options.notice, "%s takes events again",
                   shipper->options.destination.where);
}

static void
settle(struct shipper *shipper, enum shipper_source source, const struct spool_run *run)
{
    struct counters *counters = shipper->options.counters;
    uint64_t stored = 0, repeated = 0;
    for (size_t i = 0; i < run->count; i++) {
        enum transport_result result = shipper->answer.results[i];
        if (result == TRANSPORT_INVALID || result == TRANSPORT_CONFLICT) {
            set_aside(shipper, run->events[i], transport_reason(&shipper->answer, i));
            continue;
        }
        stored++;
        repeated += result == TRANSPORT_REPEATED;
    }
    if (stored == run->count)
        (void)notice_changes(&shipper->refusing, false);
    counter_add(&counters->sent, stored);
    counter_add(&counters->repeated, repeated);
    leave(shipper, source, run->count);
}

/* The request was refused as it is: too large. */
static void
divide(struct shipper *shipper, enum shipper_source source, const struct spool_run *run)
{
    if (run->count > 1) {
        shipper->sources[source].limit = run->count / 2;
        return;
    }
    set_aside(shipper, run->events[0], shipper->answer.error.text);
    leave(shipper, source, 1);
}

static void
fail(struct shipper *shipper, enum shipper_source source)
{
    const struct transport_answer *answer = &shipper->answer;
    const struct shipper_options *options = &shipper->options;
    (void)pthread_mutex_lock(&shipper->lock);
    memcpy(shipper->why, answer->error.text, sizeof shipper->why);
    (void)pthread_mutex_unlock(&shipper->lock);
    bool quiet = !answer->denied && shipper->backoff.failures + 1 < FAILURES_QUIET;
    if (quiet || !notice_changes(&shipper->away, true))
        return;
    const char *path = spool_path(spool_of(shipper, source));
    notice_say(options->notice, "%s does not take events: %s; they wait in %s",
               options->destination.where, answer->error.text, path == NULL ? "memory" : path);
}

enum shipped
shipper_send(struct shipper *shipper, enum shipper_source source)
{
    struct source *from = &shipper->sources[source];
    struct spool *spool = spool_of(shipper, source);
    struct spool_run run;
    int64_t begun = clock_monotonic();
    if (spool == NULL)
        return SHIPPED_NOTHING;
    tally_status status = spool_read(spool, from->limit, RUN_SIZE_MAX, &run);
    if (status == TALLY_ABSENT)
        return SHIPPED_NOTHING;
    if (status != TALLY_OK) {
        (void)memory_fault(&shipper->answer.error);
        shipper->answer.wait_ms = MEMORY_WAIT_MS;
        shipper->answer.denied = false;
        return SHIPPED_FAILED;
    }

    bool again = run.again && run.count > from->unsent;
    counter_add(&shipper->options.counters->attempts, 1);
    spool_sending(spool, run.count);
    switch (transport_send(shipper->transport, run.events, run.count, again, begun + ATTEMPT_NS,
                           &shipper->answer)) {
    case TRANSPORT_STORED:
        from->limit = from->limit < RUN_EVENTS_MAX / 2 ? from->limit * 2 : RUN_EVENTS_MAX;
        settle(shipper, source, &run);
        shipper->more |= !run.all || source == SHIPPER_ADOPTED; /* another may wait to be adopted */
        if (run.all && source == SHIPPER_SPOOL)
            shipper_put_off_sync(shipper, begun);
        return SHIPPED_SOME;
    case TRANSPORT_REFUSED:
        divide(shipper, source, &run);
        shipper->more = true;
        return SHIPPED_SOME;
    case TRANSPORT_LATER:
        if (!again && from->unsent < run.count)
            from->unsent = run.count;
        break;
    case TRANSPORT_UNKNOWN:
        from->unsent = 0;
        break;
    }
    fail(shipper, source);
    return SHIPPED_FAILED;
}
