/*
 * spool_crash_test.c - processes are killed while they append, send and take out, and so are those
 * who adopt what they left.
 *
 * What a process knows of itself it writes into memory shared with the test: a number before it
 * calls ("maybe"), and one when the call has returned ("sure"). What is found afterwards has to lie
 * between the two.
 */
#include "clock.h"
#include "spool.h"
#include "spool_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DESTINATION "unix:/run/tally main"
#define FILE_SIZE   16384u
#define THREADS     4u
#define ROUNDS      30u

struct bounds {
    _Atomic uint64_t appended; /* calls that returned */
    _Atomic uint64_t sending_maybe, sending_sure;
    _Atomic uint64_t done_maybe, done_sure;
};

struct shared {
    struct bounds threads[THREADS];
    _Atomic uint64_t steps; /* appended or taken out */
};

struct appender {
    struct shared *shared;
    struct spool *spool;
    unsigned thread;
};

static char root[SCRATCH_SIZE];

static void *
append_for_ever(void *context)
{
    struct appender *appender = context;
    struct bounds *bounds = &appender->shared->threads[appender->thread];
    uint8_t room[STAMP_SIZE_MAX];
    for (;;) {
        uint64_t number = atomic_load(&bounds->appended);
        struct bytes event = stamp_event(appender->thread, number, room);
        tally_status status = spool_append(appender->spool, event, NULL);
        if (status == TALLY_FULL)
            (void)spool_wait_room(appender->spool, clock_monotonic() + CLOCK_SECOND);
        else if (status != TALLY_OK)
            _exit(1);
        else {
            atomic_store(&bounds->appended, number + 1);
            (void)atomic_fetch_add(&appender->shared->steps, 1);
        }
    }
    return NULL;
}

/* Raises a bound of each thread to behind its last event among the first `count` of the run. */
static void
raise_bounds(struct shared *shared, const struct spool_run *run, size_t count, size_t offset)
{
    for (size_t i = 0; i < count; i++) {
        unsigned thread;
        uint64_t number;
        if (!stamp_read(run->events[i], &thread, &number))
            _exit(2);
        uint8_t *bounds = (uint8_t *)&shared->threads[thread];
        _Atomic uint64_t *bound = (_Atomic uint64_t *)(void *)(bounds + offset);
        if (atomic_load(bound) < number + 1)
            atomic_store(bound, number + 1);
    }
}

#define RAISE(member) raise_bounds(shared, &run, count, offsetof(struct bounds, member))

static void
take_out(struct shared *shared, struct spool *spool, uint64_t seed)
{
    struct spool_run run;
    for (;;) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (!spool_wait(spool, clock_monotonic() + CLOCK_SECOND / 10) ||
            spool_read(spool, 1 + (seed >> 40) % 100, SIZE_MAX, &run) != TALLY_OK)
            continue;
        size_t count = 1 + (seed >> 20) % run.count;
        RAISE(sending_maybe);
        spool_sending(spool, count);
        RAISE(sending_sure);
        count = (seed >> 10) % (count + 1);
        RAISE(done_maybe);
        /* What is done is lent no more, so it is noted from a copy. */
        struct bounds before[THREADS];
        memcpy(before, shared->threads, sizeof before);
        spool_done(spool, count);
        for (unsigned t = 0; t < THREADS; t++)
            atomic_store(&shared->threads[t].done_sure, before[t].done_maybe);
        (void)atomic_fetch_add(&shared->steps, count);
    }
}

static void
live_and_append(struct shared *shared, uint64_t seed)
{
    struct spool *spool;
    struct spool_options options = { root, DESTINATION, 64 * FILE_SIZE, FILE_SIZE };
    struct appender appenders[THREADS];
    if (spool_create(&options, &spool, NULL) != TALLY_OK)
        _exit(3);
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_t thread;
        appenders[t] = (struct appender){ shared, spool, t };
        if (pthread_create(&thread, NULL, append_for_ever, &appenders[t]) != 0)
            _exit(4);
    }
    /* One in three never takes anything out. */
    if (seed % 3 == 0)
        for (;;)
            (void)pause();
    take_out(shared, spool, seed);
}

static void
live_and_adopt(struct shared *shared, uint64_t seed)
{
    struct spool *spool;
    if (spool_adopt(root, DESTINATION, &spool, NULL) != TALLY_OK)
        _exit(5);
    take_out(shared, spool, seed);
}

/* Runs a child until it has made so many steps, or has made some and no more for a while, because
 * there is nothing left to do, and kills it. */
static void
run_and_kill(void (*live)(struct shared *, uint64_t), struct shared *shared, uint64_t seed,
             uint64_t steps)
{
    uint64_t first = atomic_load(&shared->steps);
    uint64_t target = first + steps;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live(shared, seed);
        _exit(6);
    }
    uint64_t seen = first;
    for (unsigned idle = 0; idle < 500 && atomic_load(&shared->steps) < target; idle++) {
        int ended;
        if (waitpid(child, &ended, WNOHANG) != 0)
            fail_msg("the child ended by itself: status %#x", (unsigned)ended);
        if (atomic_load(&shared->steps) != seen || seen == first)
            idle = 0;
        seen = atomic_load(&shared->steps);
        (void)nanosleep(&(struct timespec){ .tv_nsec = 300000 + (long)(seed % 1000) * 100 }, NULL);
    }
    int ended;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
}

static void
check_event(struct shared *shared, struct bytes event, bool again, uint64_t next[THREADS])
{
    unsigned thread = 0;
    uint64_t number = 0;
    assert_true(stamp_read(event, &thread, &number));
    struct bounds *bounds = &shared->threads[thread];
    if (next[thread] == UINT64_MAX)
        assert_true(number >= bounds->done_sure && number <= bounds->done_maybe);
    else
        assert_int_equal(number, next[thread]);
    if (number < bounds->sending_sure)
        assert_true(again);
    if (number >= bounds->sending_maybe)
        assert_false(again);
    next[thread] = number + 1;
}

/* What is left is all that was appended and not taken out, once, in order, with its notes. */
static void
check_rest(struct shared *shared)
{
    uint64_t next[THREADS] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
    struct spool *spool;
    tally_status status;
    while ((status = spool_adopt(root, DESTINATION, &spool, NULL)) == TALLY_OK) {
        struct spool_run run;
        struct spool_state now;
        while (spool_read(spool, 64, SIZE_MAX, &run) == TALLY_OK) {
            for (size_t i = 0; i < run.count; i++)
                check_event(shared, run.events[i], run.again, next);
            spool_done(spool, run.count);
        }
        spool_get_state(spool, &now);
        assert_int_equal(now.damaged, 0);
        assert_int_equal(now.queued, 0);
        spool_close(spool);
    }
    assert_int_equal(status, TALLY_ABSENT);
    for (unsigned t = 0; t < THREADS; t++) {
        struct bounds *bounds = &shared->threads[t];
        uint64_t end = next[t] == UINT64_MAX ? bounds->done_maybe : next[t];
        assert_true(end >= bounds->appended && end <= bounds->appended + 1);
    }
    assert_int_equal(scratch_count(root), 0);
}

/* How many events nobody has taken out. One may be done whose appending did not return any more. */
static uint64_t
left_for_certain(struct shared *shared)
{
    uint64_t left = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        uint64_t appended = shared->threads[t].appended, done = shared->threads[t].done_maybe;
        left += appended > done ? appended - done : 0;
    }
    return left;
}

static void
nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    scratch_make(root);
    uint64_t seed = (uint64_t)clock_now();
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        memset(shared, 0, sizeof *shared);
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        run_and_kill(live_and_append, shared, seed >> 8, 1 + (seed >> 32) % 3000);
        uint64_t left = left_for_certain(shared);
        if (round % 2 == 0 && left > 0)
            run_and_kill(live_and_adopt, shared, seed >> 7, 1 + (seed >> 33) % left);
        check_rest(shared);
    }
    scratch_remove(root);
    (void)munmap(shared, sizeof *shared);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
