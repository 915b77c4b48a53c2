/*
 * Children after fork(), of a process with threads, and processes that are killed.
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

#define HEIR_LOOKS 12000 /* ten milliseconds apart */

/* ---- fork ---- */

/* In a child: records so many events, ends well if all of them arrive. */
__attribute__((noreturn)) static void
be_child(struct tally_client *client, unsigned number, unsigned count, const char *parents_spool)
{
    char series[32];
    struct tally_client_statistics statistics;
    (void)snprintf(series, sizeof series, "child-%u", number);
    tally_client_statistics(client, &statistics);
    if (statistics.recorded != 0 || statistics.queued != 0)
        _exit(2);
    for (unsigned i = 0; i < count; i++)
        if (recording_event(client, series, i, TALLY_MODE_DEFAULT, NULL, NULL) != TALLY_OK)
            _exit(3);
    if (strcmp(tally_client_spool(client), parents_spool) == 0)
        _exit(4);
    struct tally_receipt receipt;
    if (recording_event(client, "asked", number, TALLY_MODE_SYNC, &receipt, NULL) != TALLY_OK ||
        receipt.index == TALLY_INDEX_UNKNOWN)
        _exit(5);
    if (tally_client_flush(client, 100000, NULL) != TALLY_OK)
        _exit(6);
    tally_client_statistics(client, &statistics);
    if (statistics.recorded != count + 1)
        _exit(7);
    if (number % 2 == 0)
        tally_client_close(client, 1000);
    _exit(0);
}

static void
children_record_on_their_own(void **state)
{
    (void)state;
    enum {
        CHILDREN = 12,
        THREADS = 4
    };
    /* A sanitizer's allocator keeps the lock that another thread had at the fork. */
    if (getenv("TALLY_SANITIZED") != NULL) {
        print_message("# skipped under a sanitizer\n");
        return;
    }
    /* Expressions have locks as well. */
    static const char *const patterns[] = { "sk_[a-z]+", "(x|y)*z", NULL };
    struct tally_client_options options = recording_options(&recording);
    options.mask_patterns = patterns;
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct recording_task tasks[THREADS];
    pid_t children[CHILDREN];
    assert_int_equal(recording_event(client, "parent", 0, TALLY_MODE_DEFAULT, NULL, NULL),
                     TALLY_OK);
    char *spool = strdup(tally_client_spool(client));
    for (unsigned i = 0; i < THREADS; i++) {
        tasks[i] = (struct recording_task){ client, i == 0 ? TALLY_MODE_SYNC : TALLY_MODE_SPOOL,
                                            i == 0 ? 300 : 5000, "", 0 };
        (void)snprintf(tasks[i].series, sizeof tasks[i].series, "beside-%u", i);
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, recording_work, &tasks[i]), 0);
    }
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            be_child(client, i, 200, spool);
    }
    for (unsigned i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(tasks[i].thread, NULL);
    assert_int_equal(recording_event(client, "parent", 1, TALLY_MODE_DEFAULT, NULL, NULL),
                     TALLY_OK);
    recording_flush(client);
    assert_string_equal(tally_client_spool(client), spool);
    struct tally_client_statistics statistics;
    tally_client_statistics(client, &statistics);
    assert_int_equal(statistics.recorded, 2 + 300 + 3 * 5000);
    tally_client_close(client, 0);
    free(spool);

    assert_int_equal(recording_count(&recording, "parent"), 2);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(recording_count(&recording, tasks[i].series), tasks[i].count);
    for (unsigned i = 0; i < CHILDREN; i++) {
        char series[32];
        (void)snprintf(series, sizeof series, "child-%u", i);
        assert_int_equal(recording_count(&recording, series), 200);
    }
}

/* ---- killed ---- */

/* In a child: records without end and says how far it is. */
__attribute__((noreturn)) static void
record_until_killed(const char *series, atomic_uint *recorded)
{
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    for (unsigned i = 0;; i++) {
        if (recording_event(client, series, i, TALLY_MODE_DEFAULT, NULL, NULL) != TALLY_OK)
            _exit(1);
        atomic_store(recorded, i + 1);
        if (i % 64 == 0)
            (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
}

/* Ships what others left, until so many of a series are there. Spools of earlier rounds may be left, too, whose
 * events had arrived before: that one spool is empty says nothing of the next. */
static void
ship_what_is_left(unsigned round, const char *left, unsigned count)
{
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, proxied, &options);
    char series[32];
    (void)snprintf(series, sizeof series, "heir-%u", round);
    assert_int_equal(recording_event(client, series, 0, TALLY_MODE_DEFAULT, NULL, NULL), TALLY_OK);
    recording_flush(client);
    for (unsigned i = 0; i < HEIR_LOOKS && recording_count(&recording, left) < count; i++)
        (void)nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    tally_client_close(client, 60000);
}

static void
the_spool_of_a_killed_process_is_adopted(void **state)
{
    (void)state;
    enum {
        ROUNDS = 6
    };
    atomic_uint *recorded =
        mmap(NULL, sizeof *recorded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(recorded != MAP_FAILED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char series[32];
        (void)snprintf(series, sizeof series, "killed-%u", round);
        /* Nothing arrives; everything does; answers are lost as well. */
        proxy_target(proxy, round % 3 == 0 ? 0 : recording.served.port);
        proxy_drop_answers(proxy, round % 3 == 2 ? 1000000 : 0);
        atomic_store(recorded, 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            record_until_killed(series, recorded);
        while (atomic_load(recorded) < 500 + 200 * round)
            (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

        proxy_drop_answers(proxy, 0);
        proxy_target(proxy, recording.served.port);
        /* Perhaps all of it was shipped already. */
        if (recording_count(&recording, series) < atomic_load(recorded))
            ship_what_is_left(round, series, atomic_load(recorded));
        unsigned count = recording_count(&recording, series);
        /* One may have been spooled whose call did not return any more. */
        if (count != atomic_load(recorded) && count != atomic_load(recorded) + 1)
            fail_msg("round %u: %u of %u events are there", round, count, atomic_load(recorded));
    }
    (void)munmap(recorded, sizeof *recorded);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_record_on_their_own),
        cmocka_unit_test(the_spool_of_a_killed_process_is_adopted),
    };
    return cmocka_run_group_tests(tests, proxied_set_up, proxied_tear_down);
}
