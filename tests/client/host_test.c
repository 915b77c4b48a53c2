/*
 * What a program may do around the library: close descriptors that libraries take for granted, go to
 * another folder, and cancel threads that record.
 */
#include "group.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A file or connection of the moment may have any number. */
#define LOOKS 50

static void
rest_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ---- standard descriptors ---- */

/* Whether what is written there gets into a file, or to a server. */
static bool
leads_somewhere(int fd)
{
    struct stat about;
    struct sockaddr peer;
    socklen_t size = sizeof peer;
    if (fstat(fd, &about) != 0)
        return false;
    if (S_ISREG(about.st_mode))
        return (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    return getpeername(fd, &peer, &size) == 0 && peer.sa_family == AF_INET;
}

static bool
leads_somewhere_for_long(int fd)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        if (!leads_somewhere(fd))
            return false;
        rest_ms(1);
    }
    return true;
}

/* In a child: 0 where all is well. */
static int
record_without_standard_descriptors(const char *folder)
{
    struct tally_client *client, *embedded;
    struct tally_client_options options = recording_options(&recording);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)close(fd);
    if (tally_client_open(recording.url, &options, &client, NULL) != TALLY_OK ||
        tally_client_open(folder, &options, &embedded, NULL) != TALLY_OK)
        return 1;
    const enum tally_mode modes[] = { TALLY_MODE_SPOOL, TALLY_MODE_SYNC };
    for (unsigned i = 0; i < 2; i++)
        if (recording_event(client, "closed", i, modes[i], NULL, NULL) != TALLY_OK ||
            recording_event(embedded, "closed", i, modes[i], NULL, NULL) != TALLY_OK)
            return 2;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (leads_somewhere_for_long(fd))
            return 10 + fd;
    tally_client_close(client, 60000);
    tally_client_close(embedded, 60000);
    return 0;
}

static void
nothing_has_the_number_of_a_standard_descriptor(void **state)
{
    (void)state;
    char folder[256];
    int status;
    (void)snprintf(folder, sizeof folder, "%s/embedded", recording.scratch);
    assert_int_equal(child_run((const char *const[]){ "init", folder, NULL }, NULL), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(record_without_standard_descriptors(folder));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- another folder ---- */

/* In a child: 0 where all is well. */
static int
record_from_another_folder(void)
{
    struct tally_client *client;
    struct tally_client_statistics statistics;
    struct tally_client_options options = recording_options(&recording);
    options.spool_folder = "there/spool";
    if (chdir(recording.scratch) != 0 ||
        tally_client_open("elsewhere", &options, &client, NULL) != TALLY_OK || chdir("/") != 0)
        return 1;
    const enum tally_mode modes[] = { TALLY_MODE_SPOOL, TALLY_MODE_SYNC };
    for (unsigned i = 0; i < 2; i++)
        if (recording_event(client, "moved", i, modes[i], NULL, NULL) != TALLY_OK)
            return 2;
    size_t size = strlen(recording.scratch);
    if (strncmp(tally_client_spool(client), recording.scratch, size) != 0)
        return 3;
    if (tally_client_flush(client, 60000, NULL) != TALLY_OK)
        return 4;
    tally_client_statistics(client, &statistics);
    tally_client_close(client, 0);
    return statistics.sent == 2 ? 0 : 5;
}

/* As daemon() does. */
static void
paths_are_of_the_folder_where_the_client_was_opened(void **state)
{
    (void)state;
    char folder[256];
    int status;
    (void)snprintf(folder, sizeof folder, "%s/elsewhere", recording.scratch);
    assert_int_equal(child_run((const char *const[]){ "init", folder, NULL }, NULL), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(record_from_another_folder());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- cancelled ---- */

static char padding[4001];

struct work {
    struct tally_client *client;
    atomic_uint recorded;
};

static tally_status
record_large(struct work *work)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", atomic_load(&work->recorded));
    tally_status status = tally_client_record(
        work->client,
        TALLY_EVENT(.action = "test.event", .correlation_id = "cancelled",
                    .resource_type = "number", .resource_id = text, .message = padding),
        TALLY_MODE_DEFAULT, NULL, NULL);
    if (status == TALLY_OK)
        (void)atomic_fetch_add(&work->recorded, 1);
    return status;
}

static void *
record_until_cancelled(void *context)
{
    for (;;) {
        if (record_large(context) != TALLY_OK)
            return NULL;
        pthread_testcancel();
    }
}

/* Until it waits for room, as far as can be told. */
static void
wait_until_stuck(struct work *work)
{
    unsigned before;
    do {
        before = atomic_load(&work->recorded);
        rest_ms(300);
    } while (before < 1000 || atomic_load(&work->recorded) != before);
}

/* A call is finished first, and leaves the client to others. */
static void
a_thread_is_cancelled_between_calls(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    memset(padding, 'x', sizeof padding - 1);
    options.spool_size_max = (uint64_t)8 << 20;
    options.timeout_ms = 250000;
    proxy_target(proxy, 0);
    struct work work = { .client = recording_client(&recording, proxied, &options) };
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, record_until_cancelled, &work), 0);
    wait_until_stuck(&work);
    assert_int_equal(pthread_cancel(thread), 0);
    rest_ms(100);
    proxy_target(proxy, recording.served.port);
    (void)pthread_join(thread, &result);
    assert_ptr_equal(result, PTHREAD_CANCELED);

    assert_int_equal(record_large(&work), TALLY_OK);
    recording_flush(work.client);
    unsigned recorded = atomic_load(&work.recorded);
    assert_int_equal(recording_statistics(work.client).sent, recorded);
    tally_client_close(work.client, 0);
    assert_int_equal(recording_count(&recording, "cancelled"), recorded);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_the_number_of_a_standard_descriptor),
        cmocka_unit_test(paths_are_of_the_folder_where_the_client_was_opened),
        cmocka_unit_test(a_thread_is_cancelled_between_calls),
    };
    return cmocka_run_group_tests(tests, proxied_set_up, proxied_tear_down);
}
