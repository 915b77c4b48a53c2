#include "workers.h"

#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct worker {
    pthread_t thread;
    struct workers *workers;
    bool busy;
    int64_t owner; /* of the job that it does */
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job waits, or `ending` */
    struct job *first;
    struct job **end;
    size_t waiting;
    size_t waiting_max;
    bool ending;
    unsigned count; /* of threads */
    struct worker workers[];
};

/* How many threads work for somebody. Under the lock. */
static unsigned
threads_of(const struct workers *workers, int64_t owner)
{
    unsigned count = 0;
    for (unsigned i = 0; i < workers->count; i++)
        count += workers->workers[i].busy && workers->workers[i].owner == owner;
    return count;
}

/* Takes the oldest job of whoever has the fewest threads. Under the lock; there is one. */
static struct job *
take_job(struct workers *workers)
{
    struct job **best = NULL;
    unsigned least = UINT_MAX;
    for (struct job **link = &workers->first; *link != NULL && least > 0; link = &(*link)->next) {
        unsigned threads = threads_of(workers, (*link)->owner);
        if (threads < least)
            best = link;
        least = threads < least ? threads : least;
    }
    struct job *job = *best;
    *best = job->next;
    if (workers->end == &job->next)
        workers->end = best;
    workers->waiting--;
    return job;
}

/* NULL at the end, when none is left. Waits for one. */
static struct job *
next_job(struct worker *worker)
{
    struct workers *workers = worker->workers;
    struct job *job = NULL;
    (void)pthread_mutex_lock(&workers->lock);
    worker->busy = false;
    while (workers->first == NULL && !workers->ending)
        (void)pthread_cond_wait(&workers->changed, &workers->lock);
    if (workers->first != NULL) {
        job = take_job(workers);
        worker->busy = true;
        worker->owner = job->owner;
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *
work(void *context)
{
    struct job *job;
    (void)pthread_setname_np(pthread_self(), "tally-read");
    while ((job = next_job(context)) != NULL)
        job->run(job); /* it may be gone afterwards */
    return NULL;
}

/* Signals are for the thread that waits for them. */
static int
start_threads(struct workers *workers, unsigned count)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = 0;
    for (unsigned i = 0; i < count && result == 0; i++) {
        struct worker *worker = &workers->workers[i];
        worker->workers = workers;
        result = pthread_create(&worker->thread, NULL, work, worker);
        if (result == 0) {
            (void)pthread_setname_np(worker->thread, "tally-worker");
            workers->count++;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

tally_status
workers_create(unsigned threads, size_t queue_max, struct workers **workers_out,
               struct tally_error *error)
{
    assert(threads > 0 && queue_max > 0);
    struct workers *workers = calloc(1, sizeof *workers + threads * sizeof workers->workers[0]);
    if (workers == NULL)
        return memory_fault(error);
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->changed, NULL);
    workers->waiting_max = queue_max;
    workers->end = &workers->first;

    int result = start_threads(workers, threads);
    if (result != 0) {
        workers_destroy(workers);
        errno = result;
        return io_fault(error, "cannot start %u threads", threads);
    }
    *workers_out = workers;
    return TALLY_OK;
}

void
workers_destroy(struct workers *workers)
{
    if (workers == NULL)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    (void)pthread_cond_broadcast(&workers->changed);
    (void)pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        (void)pthread_join(workers->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&workers->changed);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}

/* Under the lock. */
static bool
has_room(const struct workers *workers, int64_t owner)
{
    if (workers->waiting >= workers->waiting_max)
        return false;
    size_t own = 0;
    for (const struct job *job = workers->first; job != NULL && owner != 0; job = job->next)
        own += job->owner == owner;
    return own == 0 || own < workers->waiting_max / 2;
}

bool
workers_submit(struct workers *workers, struct job *job)
{
    (void)pthread_mutex_lock(&workers->lock);
    bool room = has_room(workers, job->owner);
    if (room) {
        job->next = NULL;
        *workers->end = job;
        workers->end = &job->next;
        workers->waiting++;
        (void)pthread_cond_signal(&workers->changed);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return room;
}

size_t
workers_waiting(struct workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    size_t waiting = workers->waiting;
    (void)pthread_mutex_unlock(&workers->lock);
    return waiting;
}
