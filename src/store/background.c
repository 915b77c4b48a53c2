/*
 * background.c - the two threads that serve the open trails of a data folder.
 *
 * The signer wakes when a trail has something to sign, waits three quarters of the checkpoint
 * interval so that one signature covers what comes together, and signs; the sealer wakes when a
 * head is frozen, and when the heads of all trails together take too much. Each walks the list of
 * trails; a trail that is being worked on (busy) waits in folder_remove() until it is let go.
 */
#include "folder_core.h"

#include "clock.h"
#include "condition.h"

#include <time.h>

/* What the background threads do. */
enum work {
    WORK_SIGN,
    WORK_SEAL,    /* frozen heads */
    WORK_RELIEVE, /* the head too, though it is not full */
};

/* Whether there is some, that was there at `began` (monotonic): a trail that is written to all the
 * time would else be signed all the time. */
static bool
has_work(struct trail *trail, enum work work, int64_t began)
{
    (void)pthread_mutex_lock(&trail->mutex);
    bool due = !is_poisoned(trail);
    if (work == WORK_SIGN)
        due = due && trail->unsigned_since != 0 && trail->unsigned_since <= began;
    else if (work == WORK_SEAL)
        due = due && trail->frozen_count > 0;
    else
        due = due && head_count(trail->head) > 0;
    (void)pthread_mutex_unlock(&trail->mutex);
    return due;
}

/* Does one trail's work without the folder's mutex. A fault has poisoned the trail or will be met
 * again; whoever appends next is told. */
static bool
serve(struct folder *folder, struct trail *trail, enum work work)
{
    trail->busy++;
    (void)pthread_mutex_unlock(&folder->mutex);
    tally_status status;
    if (work == WORK_SIGN) {
        status = trail_sign(trail, NULL);
    } else if (work == WORK_RELIEVE) {
        status = trail_seal(trail, SEAL_ALL, NULL);
    } else {
        sealing_take(trail);
        status = seal_frozen(trail, NULL);
        sealing_release(trail);
    }
    (void)pthread_mutex_lock(&folder->mutex);
    trail->busy--;
    (void)pthread_cond_broadcast(&folder->idle);
    return status == TALLY_OK;
}

/* Waits under the mutex until something may be due, or for a second. */
static void
wait_for_work(struct folder *folder, pthread_cond_t *work)
{
    (void)condition_wait(work, &folder->mutex, clock_monotonic() + CLOCK_SECOND);
}

/* Serves every trail that has work. Because the list may change while one is served, it starts over
 * after each, but for trails that failed, which wait for the next round. */
static void
serve_all(struct folder *folder, enum work work)
{
    int64_t began = clock_monotonic();
    for (struct trail *trail = folder->trails; trail != NULL;) {
        if (!has_work(trail, work, began)) {
            trail = trail->next;
            continue;
        }
        if (!serve(folder, trail, work))
            return;
        trail = folder->trails;
    }
}

/* The trail with rows in its head whose heads take the most. */
static struct trail *
largest(struct folder *folder)
{
    struct trail *found = NULL;
    size_t most = 0;
    for (struct trail *trail = folder->trails; trail != NULL; trail = trail->next) {
        (void)pthread_mutex_lock(&trail->mutex);
        size_t memory = trail->heads_memory;
        (void)pthread_mutex_unlock(&trail->mutex);
        if (memory > most && has_work(trail, WORK_RELIEVE, INT64_MAX)) {
            most = memory;
            found = trail;
        }
    }
    return found;
}

/* Seals the largest heads, whoever has let them grow, until the budget is kept: a trail that only
 * begins must not pay for one that is idle. */
static void
relieve(struct folder *folder)
{
    while (folder_memory_short(folder) && !folder->closing) {
        struct trail *trail = largest(folder);
        if (trail == NULL || !serve(folder, trail, WORK_RELIEVE))
            return;
    }
}

static void *
sealer_main(void *context)
{
    struct folder *folder = context;
    (void)pthread_setname_np(pthread_self(), "tally-seal");
    (void)pthread_mutex_lock(&folder->mutex);
    while (!folder->closing) {
        uint64_t woken = folder->woken;
        serve_all(folder, WORK_SEAL);
        relieve(folder);
        if (woken == folder->woken && !folder->closing)
            wait_for_work(folder, &folder->to_seal);
    }
    (void)pthread_mutex_unlock(&folder->mutex);
    return NULL;
}

static void *
signer_main(void *context)
{
    struct folder *folder = context;
    (void)pthread_setname_np(pthread_self(), "tally-sign");
    int64_t pause = folder->options.checkpoint_interval / 4 * 3;
    (void)pthread_mutex_lock(&folder->mutex);
    while (!folder->closing) {
        bool due = false;
        for (struct trail *trail = folder->trails; trail != NULL && !due; trail = trail->next)
            due = has_work(trail, WORK_SIGN, INT64_MAX);
        if (!due) {
            wait_for_work(folder, &folder->to_sign);
            continue;
        }
        struct timespec nap = { .tv_sec = pause / CLOCK_SECOND, .tv_nsec = pause % CLOCK_SECOND };
        (void)pthread_mutex_unlock(&folder->mutex);
        (void)nanosleep(&nap, NULL);
        (void)pthread_mutex_lock(&folder->mutex);
        serve_all(folder, WORK_SIGN);
    }
    (void)pthread_mutex_unlock(&folder->mutex);
    return NULL;
}

/* Threads begin with the first trail that is written: readers need none. */
static void
start_threads(struct folder *folder)
{
    if (folder->threads || folder->options.manual)
        return;
    if (pthread_create(&folder->signer, NULL, signer_main, folder) != 0)
        return;
    if (pthread_create(&folder->sealer, NULL, sealer_main, folder) != 0) {
        folder->closing = true;
        (void)pthread_cond_signal(&folder->to_sign);
        (void)pthread_mutex_unlock(&folder->mutex);
        (void)pthread_join(folder->signer, NULL);
        (void)pthread_mutex_lock(&folder->mutex);
        folder->closing = false;
        return;
    }
    folder->threads = true;
}

void
background_end(struct folder *folder)
{
    if (!folder->threads)
        return;
    (void)pthread_mutex_lock(&folder->mutex);
    folder->closing = true;
    (void)pthread_cond_signal(&folder->to_sign);
    (void)pthread_cond_signal(&folder->to_seal);
    (void)pthread_mutex_unlock(&folder->mutex);
    (void)pthread_join(folder->signer, NULL);
    (void)pthread_join(folder->sealer, NULL);
}

void
folder_add(struct folder *folder, struct trail *trail)
{
    (void)pthread_mutex_lock(&folder->mutex);
    start_threads(folder);
    trail->next = folder->trails;
    folder->trails = trail;
    atomic_fetch_add_explicit(&folder->trail_count, 1, memory_order_relaxed);
    (void)pthread_cond_signal(&folder->to_sign);
    (void)pthread_cond_signal(&folder->to_seal);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_remove(struct folder *folder, struct trail *trail)
{
    (void)pthread_mutex_lock(&folder->mutex);
    struct trail **link = &folder->trails;
    while (*link != trail)
        link = &(*link)->next;
    *link = trail->next;
    atomic_fetch_sub_explicit(&folder->trail_count, 1, memory_order_relaxed);
    while (trail->busy > 0)
        (void)pthread_cond_wait(&folder->idle, &folder->mutex);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_wake_signer(struct folder *folder)
{
    (void)pthread_mutex_lock(&folder->mutex);
    (void)pthread_cond_signal(&folder->to_sign);
    (void)pthread_mutex_unlock(&folder->mutex);
}

void
folder_wake_sealer(struct folder *folder)
{
    (void)pthread_mutex_lock(&folder->mutex);
    folder->woken++;
    (void)pthread_cond_signal(&folder->to_seal);
    (void)pthread_mutex_unlock(&folder->mutex);
}
