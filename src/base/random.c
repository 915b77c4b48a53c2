#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* The kernel takes some 3 µs for a kilobyte, which a thread that draws one id waits for as well; and a
 * system call for each 32 ids is next to nothing. */
#define POOL_SIZE 512

/* Unused bytes are the last `left` of `bytes`; those before them are zero. */
struct pool {
    size_t left;
    unsigned generation;
    uint8_t bytes[POOL_SIZE];
};

static _Thread_local struct pool pool;

/* Counts the forks between the first process and this one, from 1. A pool drawn in another
 * generation belongs to the parent too and must not be used. Comparing costs a load; getpid() would
 * cost a system call. */
static atomic_uint generation = 1;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void
count_fork(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void
watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, count_fork) != 0)
        abort();
}

static void
draw_from_kernel(uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        }
    }
}

static void
refill(unsigned now)
{
    (void)pthread_once(&watch_once, watch_forks);
    draw_from_kernel(pool.bytes, sizeof pool.bytes);
    pool.left = sizeof pool.bytes;
    pool.generation = now;
}

void
random_bytes(void *out, size_t size)
{
    if (size > POOL_SIZE / 4) {
        draw_from_kernel(out, size);
        return;
    }
    unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);
    if (pool.left < size || pool.generation != now)
        refill(now);
    uint8_t *from = pool.bytes + POOL_SIZE - pool.left;
    memcpy(out, from, size);
    explicit_bzero(from, size);
    pool.left -= size;
}
