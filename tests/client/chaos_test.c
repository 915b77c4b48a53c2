/*
 * Everything goes wrong for TALLY_CHAOS_SECONDS (15): the network cuts, delays and loses answers, the
 * server is killed and started again, processes that record are killed and others begin. In the end
 * every event that was taken stands in the trail exactly once, in the order of its thread. The server
 * is one that forgets ids soon, so that only `again` keeps events from being stored twice.
 *
 * TALLY_CHAOS_SEED makes it another run.
 */
#include "group.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES 3
#define THREADS   3
#define LIVES_MAX 2000
#define SECONDS   15

/* What each life of a process has recorded, by thread. Shared with the processes. */
struct life {
    atomic_uint recorded[THREADS];
};

struct ledger {
    atomic_bool stop;
    struct life lives[LIVES_MAX];
};

static struct ledger *ledger;
static unsigned seed;

static int
begin(void **state)
{
    const char *text = getenv("TALLY_CHAOS_SEED");
    seed = text == NULL ? 1 : (unsigned)strtoul(text, NULL, 10);
    ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(ledger != MAP_FAILED);
    assert_int_equal(proxied_set_up(state), 0);
    served_stop(&recording.served);
    assert_int_equal(setenv("TALLY", getenv("FORGETFUL"), 1), 0);
    served_start(&recording.served, NULL);
    proxy_target(proxy, recording.served.port);
    return 0;
}

static int
end(void **state)
{
    (void)proxied_tear_down(state);
    (void)munmap(ledger, sizeof *ledger);
    return 0;
}

static void
sleep_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void
name_series(char *series, size_t size, unsigned life, unsigned thread)
{
    (void)snprintf(series, size, "chaos-%u-%u", life, thread);
}

/* ---- who records ---- */

struct worker {
    struct tally_client *client;
    unsigned life, thread;
    pthread_t id;
};

static void *
record_on(void *context)
{
    struct worker *worker = context;
    char series[32];
    unsigned random = seed * 31 + worker->life * 7 + worker->thread;
    name_series(series, sizeof series, worker->life, worker->thread);
    for (unsigned i = 0; !atomic_load(&ledger->stop); i++) {
        if (recording_event(worker->client, series, i, TALLY_MODE_SPOOL, NULL, NULL) != TALLY_OK)
            _exit(1);
        atomic_store(&ledger->lives[worker->life].recorded[worker->thread], i + 1);
        if (rand_r(&random) % 16 == 0)
            sleep_ms(rand_r(&random) % 20);
    }
    return NULL;
}

__attribute__((noreturn)) static void
live(unsigned life)
{
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ client, life, i, 0 };
        if (pthread_create(&workers[i].id, NULL, record_on, &workers[i]) != 0)
            _exit(2);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(workers[i].id, NULL);
    /* Half of them leave what they have to others. */
    tally_client_close(client, life % 2 == 0 ? 0 : 60000);
    _exit(0);
}

static unsigned lives;

static pid_t
begin_life(void)
{
    assert_true(lives < LIVES_MAX);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        live(lives);
    lives++;
    return pid;
}

/* ---- what goes wrong ---- */

static void
kill_server(void)
{
    proxy_target(proxy, 0);
    (void)child_stop(recording.served.child, SIGKILL, 60000);
    recording.served.child = NULL;
    sleep_ms(rand_r(&seed) % 300);
    served_start(&recording.served, NULL);
    proxy_target(proxy, recording.served.port);
}

static void
kill_process(pid_t processes[PROCESSES])
{
    unsigned which = (unsigned)rand_r(&seed) % PROCESSES;
    assert_int_equal(kill(processes[which], SIGKILL), 0);
    assert_int_equal(waitpid(processes[which], NULL, 0), processes[which]);
    processes[which] = begin_life();
}

static void
do_harm(pid_t processes[PROCESSES])
{
    switch (rand_r(&seed) % 6) {
    case 0:
        proxy_drop_answers(proxy, 1 + rand_r(&seed) % 4);
        break;
    case 1:
        proxy_harm(proxy, rand_r(&seed) % 100, rand_r(&seed) % 30);
        break;
    case 2:
        proxy_harm(proxy, 0, 0);
        break;
    case 3:
        proxy_target(proxy, 0);
        sleep_ms(rand_r(&seed) % 500);
        proxy_target(proxy, recording.served.port);
        break;
    case 4:
        kill_server();
        break;
    default:
        kill_process(processes);
        break;
    }
}

/* Ships whatever is left in spools. */
static void
ship_the_rest(void)
{
    struct tally_client_options options = recording_options(&recording);
    for (unsigned i = 0; i == 0 || !recording_spools_empty(&recording); i++) {
        struct tally_client *client = recording_client(&recording, proxied, &options);
        struct tally_client_statistics statistics;
        assert_int_equal(recording_event(client, "rest", i, TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
        recording_flush(client);
        do {
            sleep_ms(20);
            tally_client_statistics(client, &statistics);
        } while (statistics.queued > 0);
        tally_client_close(client, 60000);
        assert_true(i < 1000);
    }
}

static void
every_event_arrives_exactly_once(void **state)
{
    (void)state;
    const char *text = getenv("TALLY_CHAOS_SECONDS");
    time_t seconds = text == NULL ? SECONDS : (time_t)strtoul(text, NULL, 10);
    pid_t processes[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++)
        processes[i] = begin_life();
    for (time_t until = time(NULL) + seconds; time(NULL) < until;) {
        do_harm(processes);
        sleep_ms(50 + rand_r(&seed) % 300);
    }
    proxy_harm(proxy, 0, 0);
    proxy_drop_answers(proxy, 0);
    atomic_store(&ledger->stop, true);
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(processes[i], &status, 0), processes[i]);
        assert_int_equal(status, 0);
    }
    ship_the_rest();

    unsigned long sum = 0;
    for (unsigned life = 0; life < lives; life++) {
        for (unsigned thread = 0; thread < THREADS; thread++) {
            char series[32];
            name_series(series, sizeof series, life, thread);
            unsigned recorded = atomic_load(&ledger->lives[life].recorded[thread]);
            unsigned count = recording_count(&recording, series);
            /* One may have been taken whose call did not return any more. */
            if (count != recorded && count != recorded + 1)
                print_error("%s: %u recorded, %u in the trail\n", series, recorded, count);
            assert_true(count == recorded || count == recorded + 1);
            sum += count;
        }
    }
    print_message("# %lu events of %u processes\n", sum, lives);
}

/* Beyond what the server remembers, by the clock of nobody: one lost answer, many others' events. */
static void
an_answer_lost_long_ago_stores_nothing_twice(void **state)
{
    (void)state;
    enum {
        OTHERS = 3000
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *late = recording_client(&recording, proxied, &options);
    char direct[64];
    (void)snprintf(direct, sizeof direct, "http://127.0.0.1:%u", (unsigned)recording.served.port);
    struct tally_client *others = recording_client(&recording, direct, &options);

    proxy_drop_answers(proxy, 1000000);
    assert_int_equal(recording_event(late, "late", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    while (proxy_answers_to_drop(proxy) == 1000000)
        sleep_ms(1);
    proxy_target(proxy, 0);
    /* In requests that are small beside the window, so that the first ones are sealed and forgotten
     * before the last ones come. */
    for (unsigned i = 0; i < OTHERS; i++) {
        assert_int_equal(recording_event(others, "others", i, TALLY_MODE_MEMORY, NULL, NULL),
                         TALLY_OK);
        if (i % 100 == 99)
            recording_flush(others);
    }
    proxy_drop_answers(proxy, 0);
    proxy_target(proxy, recording.served.port);
    recording_flush(late);
    struct tally_client_statistics statistics;
    tally_client_statistics(late, &statistics);
    assert_int_equal(statistics.sent, 1);
    assert_int_equal(statistics.repeated, 1);
    tally_client_close(late, 0);
    tally_client_close(others, 0);
    assert_int_equal(recording_count(&recording, "late"), 1);
    assert_int_equal(recording_count(&recording, "others"), OTHERS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_lost_long_ago_stores_nothing_twice),
        cmocka_unit_test(every_event_arrives_exactly_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
