/*
 * A full spool's three ways, and a full queue in memory.
 */
#include "group.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SPOOL_SIZE ((uint64_t)8 << 20)
#define WAIT_MS    60000

static char padding[4001];

static int
set_up(void **state)
{
    memset(padding, 'x', sizeof padding - 1);
    return proxied_set_up(state);
}

static int
cut_off(void **state)
{
    (void)state;
    proxy_target(proxy, 0);
    recording_hush(&recording);
    return 0;
}

static tally_status
record_large(struct tally_client *client, const char *series, unsigned number, enum tally_mode mode,
             struct tally_error *error)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    return tally_client_record(client,
                               TALLY_EVENT(.action = "test.large", .correlation_id = series,
                                           .resource_type = "number", .resource_id = text,
                                           .message = padding),
                               mode, NULL, error);
}

/* Records until there is no room; how many found some. */
static unsigned
fill(struct tally_client *client, const char *series, enum tally_mode mode,
     struct tally_error *error)
{
    for (unsigned i = 0;; i++) {
        tally_status status = record_large(client, series, i, mode, error);
        assert_true(i < 20000);
        if (status == TALLY_OK)
            continue;
        assert_int_equal(status, TALLY_FULL);
        return i;
    }
}

static void
refusing_loses_what_comes_last(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.full = TALLY_FULL_REFUSE;
    options.spool_size_max = SPOOL_SIZE;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct tally_error error = { 0 };
    unsigned kept = fill(client, "refuse", TALLY_MODE_DEFAULT, &error);
    assert_true(kept > 1000);
    assert_true(error.text[0] != '\0');
    assert_true(recording_said(&recording, "events are lost: ") > 0);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.lost, 1);
    assert_int_equal(statistics.queued, kept);

    proxy_target(proxy, recording.served.port);
    recording_flush(client);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "refuse"), kept);
}

static void
memory_refuses_as_well(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.mode = TALLY_MODE_MEMORY;
    options.memory_size_max = SPOOL_SIZE;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct tally_error error = { 0 };
    unsigned kept = fill(client, "memory", TALLY_MODE_DEFAULT, &error);
    assert_true(kept > 1000);
    assert_int_equal(recording_statistics(client).lost, 1);
    tally_client_close(client, 0);
    assert_true(recording_said(&recording, "that were only in memory are lost") > 0);
}

static bool
ask(void *context)
{
    unsigned *asked = context;
    return ++*asked == 2;
}

/* … and nobody waits for an hour who does not want to. */
static void
blocking_ends_where_it_is_interrupted(void **state)
{
    (void)state;
    unsigned asked = 0;
    struct tally_client_options options = recording_options(&recording);
    options.spool_size_max = SPOOL_SIZE;
    options.timeout_ms = 3600000;
    options.interrupted = ask;
    options.interrupted_context = &asked;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    unsigned kept = fill(client, "interrupted", TALLY_MODE_DEFAULT, NULL);
    assert_int_equal(asked, 2);
    assert_int_equal(recording_statistics(client).lost, 1);

    proxy_target(proxy, recording.served.port);
    recording_flush(client);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "interrupted"), kept);
}

/* How many events there is room for, of a series with as long a name. */
static unsigned
room_for(const char *series)
{
    char *spools;
    struct tally_client_options options = recording_options(&recording);
    assert_true(asprintf(&spools, "%s/room", recording.scratch) > 0);
    options.full = TALLY_FULL_REFUSE;
    options.spool_folder = spools;
    options.spool_size_max = SPOOL_SIZE;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    unsigned count = fill(client, series, TALLY_MODE_DEFAULT, NULL);
    tally_client_close(client, 0);
    free(spools);
    return count;
}

/* A thread that records more than there is room for. */
struct recorder {
    struct tally_client *client;
    unsigned count;
    atomic_uint recorded;
    atomic_int thread; /* its number; 0: it has not begun */
};

static void *
record_all(void *context)
{
    struct recorder *recorder = context;
    atomic_store(&recorder->thread, (int)gettid());
    for (unsigned i = 0; i < recorder->count; i++) {
        if (record_large(recorder->client, "block", i, TALLY_MODE_DEFAULT, NULL) != TALLY_OK)
            break;
        atomic_fetch_add(&recorder->recorded, 1);
    }
    return NULL;
}

/* Whether it waits for something (proc_pid_stat(5)), and is not only without a processor. */
static bool
sleeps(int thread)
{
    char path[64], text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") S", 3) == 0;
}

/* Waits a generous time until the call after `full` events does not come back. */
static void
wait_until_it_waits(struct recorder *recorder, unsigned full)
{
    bool waits = false;
    for (int i = 0; i < WAIT_MS && !waits; i++) {
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
        waits = atomic_load(&recorder->recorded) == full && sleeps(atomic_load(&recorder->thread));
    }
    assert_int_equal(atomic_load(&recorder->recorded), full);
    assert_true(waits);
}

static void
blocking_waits_for_room(void **state)
{
    (void)state;
    unsigned full = room_for("count");
    struct tally_client_options options = recording_options(&recording);
    options.full = TALLY_FULL_BLOCK;
    options.spool_size_max = SPOOL_SIZE;
    options.timeout_ms = 10 * WAIT_MS;
    struct recorder recorder = {
        .client = recording_client(&recording, proxied, &options),
        .count = 3 * full,
    };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, record_all, &recorder), 0);
    wait_until_it_waits(&recorder, full);
    assert_int_equal(recording_statistics(recorder.client).queued, full);
    proxy_target(proxy, recording.served.port);
    (void)pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&recorder.recorded), recorder.count);
    recording_flush(recorder.client);
    assert_int_equal(recording_statistics(recorder.client).sent, recorder.count);
    tally_client_close(recorder.client, 0);
    assert_int_equal(recording_count(&recording, "block"), recorder.count);
}

static void
blocking_ends_when_the_time_is_over(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.spool_size_max = SPOOL_SIZE;
    options.timeout_ms = 1;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    struct tally_error error = { 0 };
    unsigned kept = fill(client, "over", TALLY_MODE_DEFAULT, &error);
    assert_int_equal(recording_statistics(client).lost, 1);
    proxy_target(proxy, recording.served.port);
    recording_flush(client);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "over"), kept);
}

/* What stands behind the last `"lost_in_all":`. */
static unsigned long
last_sum(const char *text)
{
    static const char key[] = "\"lost_in_all\":";
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, key)) != NULL; at += strlen(key))
        last = at + strlen(key);
    assert_non_null(last);
    return strtoul(last, NULL, 10);
}

static void
dropping_the_oldest_is_on_record(void **state)
{
    (void)state;
    enum {
        COUNT = 6000
    };
    struct tally_client_options options = recording_options(&recording);
    options.full = TALLY_FULL_DROP_OLDEST;
    options.spool_size_max = SPOOL_SIZE;
    struct tally_client *client = recording_client(&recording, proxied, &options);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(record_large(client, "drop", i, TALLY_MODE_DEFAULT, NULL), TALLY_OK);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_true(statistics.lost > 1000);
    proxy_target(proxy, recording.served.port);
    recording_flush(client);
    statistics = recording_statistics(client);
    tally_client_close(client, 0);

    char *gaps = recording_find(&recording, "q=action%3Aaudit.gap&limit=100");
    assert_int_equal(last_sum(gaps), statistics.lost);
    assert_non_null(strstr(gaps, "\"severity\":\"high\""));
    assert_non_null(strstr(gaps, "\"since\":\"20"));
    tally_text_free(gaps);
    assert_true(statistics.recorded > COUNT);
    assert_int_equal(statistics.sent, statistics.recorded - statistics.lost);

    /* The newest are there. */
    char *newest = recording_find(&recording, "q=correlation_id%3Adrop%20resource_id%3A5999");
    assert_non_null(strstr(newest, "\"resource_id\":\"5999\""));
    tally_text_free(newest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refusing_loses_what_comes_last, cut_off),
        cmocka_unit_test_setup(memory_refuses_as_well, cut_off),
        cmocka_unit_test_setup(blocking_waits_for_room, cut_off),
        cmocka_unit_test_setup(blocking_ends_when_the_time_is_over, cut_off),
        cmocka_unit_test_setup(blocking_ends_where_it_is_interrupted, cut_off),
        cmocka_unit_test_setup(dropping_the_oldest_is_on_record, cut_off),
    };
    return cmocka_run_group_tests(tests, set_up, proxied_tear_down);
}
