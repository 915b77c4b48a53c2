/*
 * append.c - who commits: the queue of batches, and the thread that leads.
 *
 * Whoever appends puts an append into the queue. If nobody has the order, that thread takes it,
 * becomes the leader and commits everything that is in the queue as one record with one sync
 * (commit.c); the others wait and, when it is done, one of those that came meanwhile leads the
 * next. So an idle trail syncs at once, and a busy one syncs once for all that came during the last
 * sync, without any timer. For those who do not wait (trail_append_begin()) a thread of the trail's
 * own leads.
 */
#include "fault.h"
#include "trail_core.h"

#include <assert.h>

/* Batches join one record up to this size; a larger batch is a record of its own. */
#define GROUP_SIZE_MAX (2u << 20)

/* Takes from the queue what one record may hold: at least one batch, and only batches that agree on
 * whether to wait. Under the mutex. */
static struct append *
take_group(struct trail *trail)
{
    struct append *group = trail->queue;
    struct append *last = group;
    size_t size = group->batch->body.size;
    uint32_t count = group->batch->count;
    while (last->next != NULL && last->next->wait == group->wait &&
           size + last->next->batch->body.size <= GROUP_SIZE_MAX &&
           count + last->next->batch->count <= BATCH_ENTRIES_MAX) {
        last = last->next;
        size += last->batch->body.size;
        count += last->batch->count;
    }
    trail->queue = last->next;
    if (trail->queue == NULL)
        trail->queue_end = &trail->queue;
    last->next = NULL;
    return group;
}

/* While a leader waits for the sealer it has given up the order, but nobody else may lead: what is
 * in the queue came later than what it took. */
static bool
may_lead(const struct trail *trail)
{
    return trail->queue != NULL && !trail->ordered && !trail->leading;
}

/* Takes what is settled off the group: threads that wait are told at once, and what does not wait
 * is returned, to be called without the mutex. */
static struct append *
settle(struct append *group)
{
    struct append *called = NULL, **end = &called;
    for (struct append *next; group != NULL; group = next) {
        next = group->next; /* its thread may end as soon as it is settled */
        if (group->done == NULL) {
            group->settled = true;
            continue;
        }
        group->next = NULL;
        *end = group;
        end = &group->next;
    }
    return called;
}

/* Commits what the queue holds, as far as it fits one record, and tells everybody. Under the mutex,
 * with nobody having the order; gives the mutex up in between. */
static void
lead(struct trail *trail)
{
    trail->leading = true;
    trail->ordered = true;
    struct append *group = take_group(trail);
    (void)pthread_mutex_unlock(&trail->mutex);
    commit_group(trail, group);
    (void)pthread_mutex_lock(&trail->mutex);
    struct append *called = settle(group);
    trail->ordered = false;
    trail->leading = false;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    for (struct append *next; called != NULL; called = next) {
        next = called->next;
        called->done(called);
    }
    (void)pthread_mutex_lock(&trail->mutex);
}

/* Leads for those that do not wait. */
static void *
committer_main(void *context)
{
    struct trail *trail = context;
    (void)pthread_setname_np(pthread_self(), "tally-commit");
    (void)pthread_mutex_lock(&trail->mutex);
    while (!trail->closing || trail->queue != NULL) {
        if (may_lead(trail))
            lead(trail);
        else
            (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    return NULL;
}

void
committer_stop(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    bool running = trail->committing;
    trail->closing = true;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    if (running)
        (void)pthread_join(trail->committer, NULL);
    trail->committing = false;
}

static void
enqueue(struct trail *trail, struct append *append)
{
    append->next = NULL;
    *trail->queue_end = append;
    trail->queue_end = &append->next;
}

void
trail_append_begin(struct trail *trail, struct append *append)
{
    assert(trail->mode == TRAIL_WRITE && append->batch->count > 0 && append->done != NULL);
    batch_complete(append->batch);
    (void)pthread_mutex_lock(&trail->mutex);
    if (!trail->committing)
        trail->committing = pthread_create(&trail->committer, NULL, committer_main, trail) == 0;
    bool begun = trail->committing;
    if (begun) {
        enqueue(trail, append);
        (void)pthread_cond_broadcast(&trail->changed);
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    if (!begun) {
        append->status = fault(&append->error, TALLY_NO_MEMORY, "no thread could be started");
        append->done(append);
    }
}

bool
trail_append_withdraw(struct trail *trail, struct append *append)
{
    (void)pthread_mutex_lock(&trail->mutex);
    struct append **link = &trail->queue;
    while (*link != NULL && *link != append)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found) {
        *link = append->next;
        if (trail->queue_end == &append->next)
            trail->queue_end = link;
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    return found;
}

tally_status
trail_append(struct trail *trail, struct batch *batch, enum append_wait wait,
             struct receipt *receipts, struct append_result *result_out, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    struct append append = { .batch = batch, .receipts = receipts, .wait = wait };
    if (batch->count == 0)
        return fault(error, TALLY_INVALID, "there is no event to record");

    batch_complete(batch);
    (void)pthread_mutex_lock(&trail->mutex);
    enqueue(trail, &append);
    while (!append.settled) {
        if (may_lead(trail))
            lead(trail);
        else
            (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    }
    (void)pthread_mutex_unlock(&trail->mutex);

    *result_out = append.result;
    if (append.status != TALLY_OK && append.status != TALLY_REPEATED && error != NULL)
        *error = append.error;
    return append.status;
}
