/*
 * spool.c - what appending an event to a client's spool costs, while one thread takes them out.
 *
 *     spool [FOLDER] [THREADS] [MILLIONS]
 *
 * Prints nanoseconds of wall and of processor time a call. The events are taken in batches, a
 * millisecond apart at least. Without a folder, or with "-", in memory.
 */
#include "spool.h"
#include "clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVENT_SIZE  620
#define THREADS_MAX 64

static struct spool *spool;
static uint64_t events_each;
static _Atomic bool ended;
static _Atomic int64_t busy; /* processor time of all appending threads */

static void *
append(void *context)
{
    char event[EVENT_SIZE];
    memset(event, 'x', sizeof event);
    (void)context;
    for (uint64_t i = 0; i < events_each; i++) {
        struct tally_error error;
        if (spool_append(spool, bytes_of(event, sizeof event), &error) != TALLY_OK) {
            (void)fprintf(stderr, "spool: %s\n", error.text);
            exit(1);
        }
    }
    struct timespec used;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    (void)atomic_fetch_add(&busy, used.tv_sec * CLOCK_SECOND + used.tv_nsec);
    return NULL;
}

static void *
take(void *context)
{
    struct spool_run run;
    (void)context;
    for (;;) {
        bool last = atomic_load(&ended);
        if (spool_read(spool, 500, 1 << 20, &run) == TALLY_OK) {
            spool_sending(spool, run.count);
            spool_done(spool, run.count);
        } else if (last) {
            return NULL;
        } else {
            (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
    }
}

int
main(int argc, char **argv)
{
    const char *root = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    double millions = argc > 3 ? strtod(argv[3], NULL) : 1;
    struct spool_options options = { root, "bench", UINT64_C(1) << 34, 0 };
    struct tally_error error;
    pthread_t taker, appenders[THREADS_MAX];
    if (threads == 0 || threads > THREADS_MAX)
        return 2;
    events_each = (uint64_t)(millions * 1e6 / threads);
    if (spool_create(&options, &spool, &error) != TALLY_OK) {
        (void)fprintf(stderr, "spool: %s\n", error.text);
        return 1;
    }
    int64_t began = clock_monotonic();
    if (pthread_create(&taker, NULL, take, NULL) != 0)
        return 1;
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&appenders[i], NULL, append, NULL) != 0)
            return 1;
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(appenders[i], NULL);
    int64_t took = clock_monotonic() - began;
    atomic_store(&ended, true);
    (void)pthread_join(taker, NULL);
    (void)printf("%u threads: %.0f ns of wall time, %.0f ns of processor time a call\n", threads,
                 (double)took / (double)events_each,
                 (double)atomic_load(&busy) / (double)(events_each * threads));
    spool_close(spool);
    return 0;
}
