#include "workers.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A job that says it began and waits until it may end. */
struct gate {
    struct job job;
    sem_t begun;
    sem_t may_end;
};

static void
wait_at_gate(struct job *job)
{
    struct gate *gate = (struct gate *)job;
    (void)sem_post(&gate->begun);
    while (sem_wait(&gate->may_end) != 0)
        continue;
}

static void
gate_init(struct gate *gate)
{
    gate->job = (struct job){ .run = wait_at_gate };
    assert_int_equal(sem_init(&gate->begun, 0, 0), 0);
    assert_int_equal(sem_init(&gate->may_end, 0, 0), 0);
}

/* A job that notes when its turn was. */
struct turn {
    struct job job;
    unsigned number;
};

static atomic_uint turns;

static void
note_turn(struct job *job)
{
    ((struct turn *)job)->number = atomic_fetch_add(&turns, 1);
}

static void
first_come_first_served_within_the_limit(void **state)
{
    (void)state;
    enum {
        QUEUE = 5
    };
    struct workers *workers;
    assert_int_equal(workers_create(1, QUEUE, &workers, NULL), TALLY_OK);
    struct gate gate;
    gate_init(&gate);
    assert_true(workers_submit(workers, &gate.job));
    assert_int_equal(sem_wait(&gate.begun), 0);
    assert_int_equal(workers_waiting(workers), 0);

    struct turn waiting[QUEUE + 1];
    turns = 0;
    for (unsigned i = 0; i <= QUEUE; i++) {
        waiting[i] = (struct turn){ .job.run = note_turn, .number = 1000 };
        assert_int_equal(workers_submit(workers, &waiting[i].job), i < QUEUE);
    }
    assert_int_equal(workers_waiting(workers), QUEUE);
    (void)sem_post(&gate.may_end);
    workers_destroy(workers); /* does what is queued */
    for (unsigned i = 0; i < QUEUE; i++)
        assert_int_equal(waiting[i].number, i);
    assert_int_equal(waiting[QUEUE].number, 1000); /* was refused */
}

/* Whoever has no thread comes before who has one, and nobody fills the queue alone. */
static void
each_owner_gets_a_turn(void **state)
{
    (void)state;
    enum {
        QUEUE = 6
    };
    struct workers *workers;
    assert_int_equal(workers_create(2, QUEUE, &workers, NULL), TALLY_OK);
    struct gate greedy[2];
    for (unsigned i = 0; i < 2; i++) {
        gate_init(&greedy[i]);
        greedy[i].job.owner = 7;
        assert_true(workers_submit(workers, &greedy[i].job));
        assert_int_equal(sem_wait(&greedy[i].begun), 0);
    }
    struct turn waiting[QUEUE];
    turns = 0;
    for (unsigned i = 0; i < QUEUE / 2; i++) {
        waiting[i] = (struct turn){ .job = { .run = note_turn, .owner = 7 } };
        assert_true(workers_submit(workers, &waiting[i].job));
    }
    struct turn more = { .job = { .run = note_turn, .owner = 7 } };
    assert_false(workers_submit(workers, &more.job));
    struct turn other = { .job = { .run = note_turn, .owner = 8 }, .number = 1000 };
    assert_true(workers_submit(workers, &other.job));
    (void)sem_post(&greedy[0].may_end);
    while (atomic_load(&turns) == 0)
        (void)sched_yield();
    (void)sem_post(&greedy[1].may_end);
    workers_destroy(workers);
    assert_int_equal(turns, QUEUE / 2 + 1);
    assert_int_equal(other.number, 0);
}

static void
every_thread_works(void **state)
{
    (void)state;
    enum {
        THREADS = 3
    };
    struct workers *workers;
    assert_int_equal(workers_create(THREADS, 10, &workers, NULL), TALLY_OK);
    struct gate gates[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        gate_init(&gates[i]);
        assert_true(workers_submit(workers, &gates[i].job));
    }
    for (unsigned i = 0; i < THREADS; i++) /* all at once, or this hangs */
        assert_int_equal(sem_wait(&gates[i].begun), 0);
    for (unsigned i = 0; i < THREADS; i++)
        (void)sem_post(&gates[i].may_end);
    workers_destroy(workers);
    workers_destroy(NULL);
}

/* A job may hand its own memory on as soon as it runs. */
static void
count_and_free(struct job *job)
{
    atomic_fetch_add(&turns, 1);
    free(job);
}

#define SENDERS 3
#define JOBS    3000

static void *
submit(void *context)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < JOBS; i++) {
        struct job *job = malloc(sizeof *job);
        *job = (struct job){ .run = count_and_free };
        if (workers_submit(context, job))
            taken++;
        else
            free(job);
    }
    return (void *)(uintptr_t)taken;
}

static void
nothing_is_lost_and_nothing_is_done_twice(void **state)
{
    (void)state;
    struct workers *workers;
    assert_int_equal(workers_create(2, 50, &workers, NULL), TALLY_OK);
    turns = 0;
    pthread_t threads[SENDERS];
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit, workers), 0);
    uintptr_t taken = 0;
    for (size_t i = 0; i < SENDERS; i++) {
        void *own;
        assert_int_equal(pthread_join(threads[i], &own), 0);
        taken += (uintptr_t)own;
    }
    workers_destroy(workers);
    assert_int_equal(turns, taken);
    assert_true(taken > 0);
}

static void
look_at_mask(struct job *job)
{
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ((struct turn *)job)->number = (unsigned)sigismember(&mask, SIGTERM);
}

static void
signals_are_left_to_others(void **state)
{
    (void)state;
    struct workers *workers;
    assert_int_equal(workers_create(1, 1, &workers, NULL), TALLY_OK);
    struct turn turn = { .job.run = look_at_mask };
    assert_true(workers_submit(workers, &turn.job));
    workers_destroy(workers);
    assert_int_equal(turn.number, 1);
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGTERM), 0); /* here they still arrive */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served_within_the_limit),
        cmocka_unit_test(each_owner_gets_a_turn),
        cmocka_unit_test(every_thread_works),
        cmocka_unit_test(nothing_is_lost_and_nothing_is_done_twice),
        cmocka_unit_test(signals_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
