/*
 * Two copies of libtally in one process, as where one is linked into the program and another comes with
 * a module of it: each has its clients, its spools and its part in fork(), and knows nothing of the
 * other. Here one is the test's own, the other libtally.so.
 */
#include "group.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 120000

struct copy {
    const char *name;
    __typeof__(&tally_client_open) open;
    __typeof__(&tally_client_record) record;
    __typeof__(&tally_client_flush) flush;
    __typeof__(&tally_client_statistics) statistics;
    __typeof__(&tally_client_close) close;
};

enum {
    OWN,
    OTHER,
    COPIES
};
static struct copy copies[COPIES] = {
    { "own", tally_client_open, tally_client_record, tally_client_flush, tally_client_statistics,
      tally_client_close },
    { .name = "other" },
};

static int
set_up(void **state)
{
    struct copy *other = &copies[OTHER];
    void *library = dlopen(getenv("LIBTALLY"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        print_error("%s\n", dlerror());
    assert_non_null(library);
    *(void **)&other->open = dlsym(library, "tally_client_open");
    *(void **)&other->record = dlsym(library, "tally_client_record");
    *(void **)&other->flush = dlsym(library, "tally_client_flush");
    *(void **)&other->statistics = dlsym(library, "tally_client_statistics");
    *(void **)&other->close = dlsym(library, "tally_client_close");
    assert_ptr_not_equal(other->open, tally_client_open);
    return proxied_set_up(state);
}

/* The server is away. */
static int
begin(void **state)
{
    (void)state;
    proxy_target(proxy, 0);
    recording_hush(&recording);
    return 0;
}

static void
sleep_shortly(void)
{
    (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static struct tally_client *
open_client(const struct copy *copy)
{
    struct tally_client *client = NULL;
    struct tally_client_options options = recording_options(&recording);
    return copy->open(proxied, &options, &client, NULL) == TALLY_OK ? client : NULL;
}

/* Records events 0 to count - 1 of a series, "WHOSE-NAME"; false where that fails. */
static bool
record(const struct copy *copy, struct tally_client *client, const char *whose, unsigned count)
{
    char series[32];
    (void)snprintf(series, sizeof series, "%s-%s", whose, copy->name);
    for (unsigned i = 0; i < count; i++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%u", i);
        if (client == NULL ||
            copy->record(client,
                         TALLY_EVENT(.action = "test.step", .correlation_id = series,
                                     .resource_type = "number", .resource_id = number),
                         TALLY_MODE_DEFAULT, NULL, NULL) != TALLY_OK)
            return false;
    }
    return true;
}

static uint64_t
queued_of(const struct copy *copy, struct tally_client *client)
{
    struct tally_client_statistics statistics;
    copy->statistics(client, &statistics);
    return statistics.queued;
}

/* A client looks for spools to adopt before it sends the first time; so once its failure was said, it
 * has looked. */
static bool
have_looked(unsigned clients)
{
    for (unsigned i = 0; i < LONG_MS; i++) {
        if (recording_said(&recording, "does not take events") == clients)
            return true;
        sleep_shortly();
    }
    return false;
}

/* Each copy's series comes to so many, which somebody ships. */
static void
expect_shipped(const char *whose, unsigned count)
{
    for (unsigned i = 0; i < COPIES; i++) {
        char series[32];
        (void)snprintf(series, sizeof series, "%s-%s", whose, copies[i].name);
        for (unsigned ms = 0; ms < LONG_MS && recording_count(&recording, series) != count; ms++)
            sleep_shortly();
        assert_int_equal(recording_count(&recording, series), count);
    }
}

/* Ships what others left; a client of either copy does. What has arrived may have no answer yet when it
 * closes: then the spool is the next one's. */
static void
ship_what_is_left(unsigned heir, const char *whose, unsigned count)
{
    const struct copy *copy = &copies[heir];
    proxy_target(proxy, recording.served.port);
    unsigned heirs = 0;
    do {
        struct tally_client *client = open_client(copy);
        assert_true(record(copy, client, "heir", 1));
        expect_shipped(whose, count);
        for (unsigned ms = 0; ms < LONG_MS && queued_of(copy, client) > 0; ms++)
            sleep_shortly();
        copy->close(client, LONG_MS);
        assert_true(++heirs < 100);
    } while (!recording_spools_empty(&recording));
}

static void
copies_leave_each_others_spools_alone(void **state)
{
    (void)state;
    struct tally_client *clients[COPIES];
    for (unsigned i = 0; i < COPIES; i++) {
        clients[i] = open_client(&copies[i]);
        assert_true(record(&copies[i], clients[i], "beside", 300));
        assert_true(have_looked(i + 1));
    }
    for (unsigned i = 0; i < COPIES; i++)
        assert_int_equal(queued_of(&copies[i], clients[i]), 300);
    /* What one leaves the other adopts. */
    for (unsigned i = 0; i < COPIES; i++)
        copies[i].close(clients[i], 0);
    ship_what_is_left(OTHER, "beside", 300);
}

/* A sanitizer's allocator keeps the lock that another thread had at the fork. */
static bool
may_fork(void)
{
    if (getenv("TALLY_SANITIZED") != NULL)
        print_message("# skipped under a sanitizer\n");
    return getenv("TALLY_SANITIZED") == NULL;
}

/* In a child: records with both clients, which adopt nothing of the parent's that lives. */
__attribute__((noreturn)) static void
be_child(struct tally_client *const clients[COPIES], int ready)
{
    (void)alarm(600); /* if it is forgotten by a test that failed */
    recording_hush(&recording);
    for (unsigned i = 0; i < COPIES; i++)
        if (!record(&copies[i], clients[i], "child", 5) || !have_looked(i + 1))
            _exit(1);
    for (unsigned i = 0; i < COPIES; i++)
        if (queued_of(&copies[i], clients[i]) != 5)
            _exit(2);
    if (write(ready, "+", 1) != 1)
        _exit(3);
    for (;;)
        (void)pause();
}

static void
expect_ready(int ready)
{
    char byte;
    assert_int_equal(read(ready, &byte, 1), 1);
    (void)close(ready);
}

static void
a_child_of_both_has_spools_of_its_own(void **state)
{
    (void)state;
    struct tally_client *clients[COPIES];
    int ends[2];
    if (!may_fork())
        return;
    for (unsigned i = 0; i < COPIES; i++) {
        clients[i] = open_client(&copies[i]);
        assert_true(record(&copies[i], clients[i], "parent", 7));
    }
    assert_true(have_looked(COPIES));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        be_child(clients, ends[1]);
    (void)close(ends[1]);
    expect_ready(ends[0]);
    for (unsigned i = 0; i < COPIES; i++)
        assert_int_equal(queued_of(&copies[i], clients[i]), 7);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);

    proxy_target(proxy, recording.served.port);
    expect_shipped("parent", 7);
    for (unsigned i = 0; i < COPIES; i++)
        copies[i].close(clients[i], LONG_MS);
    ship_what_is_left(OWN, "child", 5);
}

/* A parent of a child that lives on; both are in a group of their own. */
__attribute__((noreturn)) static void
be_parent(int ready)
{
    (void)alarm(600);
    if (setpgid(0, 0) != 0)
        _exit(1);
    for (unsigned i = 0; i < COPIES; i++)
        if (!record(&copies[i], open_client(&copies[i]), "killed", 9))
            _exit(2);
    if (fork() == 0) {
        (void)alarm(600);
        if (write(ready, "+", 1) != 1)
            _exit(3);
    }
    for (;;)
        (void)pause();
}

static void
a_child_that_lives_on_does_not_keep_its_parents_spools(void **state)
{
    (void)state;
    int ends[2];
    if (!may_fork())
        return;
    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0)
        be_parent(ends[1]);
    (void)close(ends[1]);
    expect_ready(ends[0]);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    ship_what_is_left(OTHER, "killed", 9);
    assert_int_equal(kill(-parent, SIGKILL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(copies_leave_each_others_spools_alone, begin),
        cmocka_unit_test_setup(a_child_of_both_has_spools_of_its_own, begin),
        cmocka_unit_test_setup(a_child_that_lives_on_does_not_keep_its_parents_spools, begin),
    };
    return cmocka_run_group_tests(tests, set_up, proxied_tear_down);
}
