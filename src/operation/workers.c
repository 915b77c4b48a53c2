#include "workers.h"

#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job waits, or `ending` */
    struct job *first;
    struct job *last;
    size_t waiting;
    size_t waiting_max;
    bool ending;
    unsigned count; /* of threads */
    pthread_t threads[];
};

/* The oldest job; NULL at the end, when none is left. Waits for one. */
static struct job *
next_job(struct workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    while (workers->first == NULL && !workers->ending)
        (void)pthread_cond_wait(&workers->changed, &workers->lock);
    struct job *job = workers->first;
    if (job != NULL) {
        workers->first = job->next;
        if (workers->first == NULL)
            workers->last = NULL;
        workers->waiting--;
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *
work(void *context)
{
    struct job *job;
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
    while (workers->count < count && result == 0) {
        pthread_t *thread = &workers->threads[workers->count];
        result = pthread_create(thread, NULL, work, workers);
        if (result == 0) {
            (void)pthread_setname_np(*thread, "tally-worker");
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
    struct workers *workers = calloc(1, sizeof *workers + threads * sizeof workers->threads[0]);
    if (workers == NULL)
        return memory_fault(error);
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->changed, NULL);
    workers->waiting_max = queue_max;

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
        (void)pthread_join(workers->threads[i], NULL);
    (void)pthread_cond_destroy(&workers->changed);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}

bool
workers_submit(struct workers *workers, struct job *job)
{
    (void)pthread_mutex_lock(&workers->lock);
    bool room = workers->waiting < workers->waiting_max;
    if (room) {
        job->next = NULL;
        if (workers->last == NULL)
            workers->first = job;
        else
            workers->last->next = job;
        workers->last = job;
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
