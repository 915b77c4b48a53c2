/*
 * What each mode promises, against a server that is there.
 */
#include "group.h"

#include "clock.h"

#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

#include <cmocka.h>

#define IN_MEMORY "is on a file system in memory"

static void
spooled_events_arrive_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 5000
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    assert_null(tally_client_spool(client));
    for (unsigned i = 0; i < COUNT; i++) {
        struct tally_receipt receipt;
        assert_int_equal(recording_event(client, "spooled", i, TALLY_MODE_DEFAULT, &receipt, NULL),
                         TALLY_OK);
        assert_int_equal(strlen(receipt.id), 36);
        assert_true(receipt.index == TALLY_INDEX_UNKNOWN);
    }
    assert_non_null(strstr(tally_client_spool(client), recording.spools));
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.recorded, COUNT);
    assert_int_equal(statistics.sent, COUNT);
    assert_int_equal(statistics.repeated, 0);
    assert_true(statistics.attempts > 0 && statistics.attempts < COUNT);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "spooled"), COUNT);
    assert_true(recording_spools_empty(&recording));
    /* But for where the spool is, if that is so here. */
    assert_int_equal(recording_said(&recording, "\n"), recording_said(&recording, IN_MEMORY));
}

/* The first goes at once, and the last when they are flushed. */
static void
events_that_trickle_go_together(void **state)
{
    (void)state;
    enum {
        COUNT = 200
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    int64_t begun = clock_monotonic();
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(recording_event(client, "trickle", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
        (void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    recording_flush(client);
    uint64_t half_seconds = (uint64_t)(clock_monotonic() - begun) / (CLOCK_SECOND / 2);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, COUNT);
    /* One more where an event comes in the moment in which a run is read. */
    assert_in_range(statistics.attempts, 1, 3 + half_seconds);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "trickle"), COUNT);
}

/* The spool is where it is by default, and that is in memory. */
static void
a_spool_on_tmpfs_is_told_once(void **state)
{
    (void)state;
    struct statfs about;
    char *home = strdup("/dev/shm/tally-test-XXXXXX");
    if (statfs("/dev/shm", &about) != 0 || about.f_type != TMPFS_MAGIC || mkdtemp(home) == NULL) {
        print_message("# no tmpfs at /dev/shm: skipped\n");
        free(home);
        return;
    }
    assert_int_equal(unsetenv("TALLY_SPOOL"), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", home, 1), 0);
    recording_hush(&recording);
    struct tally_client_options options = recording_options(&recording);
    options.spool_folder = NULL;
    struct tally_client *client = recording_client(&recording, NULL, &options);
    assert_int_equal(recording_said(&recording, "\n"), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(recording_event(client, "tmpfs", i, TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
        if (i % 25 == 0)
            recording_flush(client);
    }
    recording_flush(client);
    const char *spool = tally_client_spool(client);
    assert_int_equal(strncmp(spool, home, strlen(home)), 0);
    assert_int_equal(recording_said(&recording, spool), 1);
    assert_int_equal(recording_said(&recording, IN_MEMORY), 1);
    assert_int_equal(recording_said(&recording, "\n"), 1);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "tmpfs"), 100);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    child_remove(home);
}

static void
events_in_memory_arrive_and_leave_no_file(void **state)
{
    (void)state;
    enum {
        COUNT = 1000
    };
    struct tally_client_options options = recording_options(&recording);
    options.mode = TALLY_MODE_MEMORY;
    struct tally_client *client = recording_client(&recording, NULL, &options);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(recording_event(client, "memory", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
    assert_null(tally_client_spool(client));
    recording_flush(client);
    assert_int_equal(recording_statistics(client).sent, COUNT);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "memory"), COUNT);
}

static void
a_call_may_choose_its_mode(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "chosen-m", 0, TALLY_MODE_MEMORY, NULL, NULL),
                     TALLY_OK);
    recording_flush(client);
    assert_int_equal(recording_event(client, "chosen-s", 0, TALLY_MODE_SPOOL, NULL, NULL),
                     TALLY_OK);
    recording_flush(client);
    /* The thread waits at the spool now; what comes in memory must wake it as well. */
    assert_int_equal(recording_event(client, "chosen-m", 1, TALLY_MODE_MEMORY, NULL, NULL),
                     TALLY_OK);
    recording_flush(client);
    assert_int_equal(recording_event(client, "chosen-y", 0, TALLY_MODE_SYNC, &receipt, NULL),
                     TALLY_OK);
    assert_int_equal(recording_statistics(client).sent, 4);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "chosen-m"), 2);
    assert_int_equal(recording_count(&recording, "chosen-s"), 1);
    assert_int_equal(recording_count(&recording, "chosen-y"), 1);
}

static void
a_receipt_is_the_trails(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    options.mode = TALLY_MODE_SYNC;
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt, second;
    struct tally_error error = { 0 };
    const struct tally_event *event = TALLY_EVENT(.action = "test.receipt", .id = "receipt-1",
                                                  .timestamp = "2026-01-02T03:04:05Z");
    assert_int_equal(tally_client_record(client, event, TALLY_MODE_DEFAULT, &receipt, &error),
                     TALLY_OK);
    assert_string_equal(receipt.id, "receipt-1");
    assert_false(receipt.repeated);

    /* Again: the same place. */
    assert_int_equal(tally_client_record(client, event, TALLY_MODE_DEFAULT, &second, &error),
                     TALLY_OK);
    assert_true(second.repeated);
    assert_int_equal(second.index, receipt.index);
    assert_memory_equal(second.leaf.bytes, receipt.leaf.bytes, TALLY_HASH_SIZE);

    /* The trail says the same of it. */
    char target[64];
    char *text;
    size_t size;
    (void)snprintf(target, sizeof target, "/api/events/%llu?form=evidence",
                   (unsigned long long)receipt.index);
    assert_int_equal(tally_client_get(client, target, &text, &size, &error), TALLY_OK);
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "receipt-1"));
    char leaf[2 * TALLY_HASH_SIZE + 1];
    for (size_t i = 0; i < TALLY_HASH_SIZE; i++)
        (void)snprintf(leaf + 2 * i, 3, "%02x", receipt.leaf.bytes[i]);
    assert_non_null(strstr(text, leaf));
    tally_text_free(text);

    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.sent, 2);
    assert_int_equal(statistics.repeated, 1);
    tally_client_close(client, 0);
}

/* The client's trail goes along where the server takes one, and nowhere else. */
static void
anything_can_be_asked(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/api/events?limit=1",
        "/api/events/1",
        "/api/events/1/proof",
        "/api/events/1/around?limit=2",
        "/api/stats",
        "/api/stats?by=action",
        "/api/export?format=csv",
        "/api/verify",
        "/api/logs?page=1",
        "/audit-logs?limit=1",
        "/audit-logs/user/u42",
        "/api/events?limit=1&trail=main",
        "/api/stats?trail=main",
        "/api/trails",
        "/api/trails/main",
        "/trails/main/checkpoint",
        "/api/keys?all=true",
        "/api/keys",
        "/api/doctor",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    assert_int_equal(recording_event(client, "asked-for", 0, TALLY_MODE_SYNC, NULL, NULL),
                     TALLY_OK);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct tally_error error = { 0 };
        char *text;
        size_t size;
        if (tally_client_get(client, targets[i], &text, &size, &error) != TALLY_OK)
            fail_msg("%s: %s", targets[i], error.text);
        tally_text_free(text);
    }
    char *text;
    size_t size;
    assert_int_equal(tally_client_get(client, "/api/events?trail=none", &text, &size, NULL),
                     TALLY_ABSENT);
    tally_client_close(client, 0);
}

static void
many_receipts_come_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 2500
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    static struct tally_event events[COUNT];
    static const struct tally_event *pointers[COUNT];
    static char numbers[COUNT][8];
    static struct tally_receipt receipts[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%u", i);
        events[i] = *TALLY_EVENT(.action = "test.many", .correlation_id = "many",
                                 .resource_type = "number", .resource_id = numbers[i]);
        pointers[i] = &events[i];
    }
    struct tally_error error = { 0 };
    assert_int_equal(
        tally_client_record_many(client, pointers, COUNT, TALLY_MODE_SYNC, receipts, &error),
        TALLY_OK);
    for (unsigned i = 1; i < COUNT; i++)
        assert_true(receipts[i].index > receipts[i - 1].index);
    assert_int_equal(recording_count(&recording, "many"), COUNT);

    /* All or none. */
    pointers[1] = TALLY_EVENT(.user_id = "nobody");
    assert_int_equal(tally_client_record_many(client, pointers, 3, TALLY_MODE_SPOOL, NULL, &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "event 1: "));
    recording_flush(client);
    assert_int_equal(recording_count(&recording, "many"), COUNT);
    assert_int_equal(recording_statistics(client).invalid, 3);
    tally_client_close(client, 0);
}

static void
json_is_recorded_as_well(void **state)
{
    (void)state;
    static const char good[] = "{\"action\":\"test.json\",\n \"details\":{\"a\":[1,2.50]}}";
    static const char bad[] = "{\"action\":1}";
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt;
    struct tally_error error = { 0 };
    assert_int_equal(
        tally_client_record_json(client, good, strlen(good), TALLY_MODE_SYNC, &receipt, &error),
        TALLY_OK);
    assert_int_equal(
        tally_client_record_json(client, bad, strlen(bad), TALLY_MODE_SYNC, &receipt, &error),
        TALLY_INVALID);
    assert_string_equal(error.pointer, "/action");
    assert_int_equal(recording_statistics(client).invalid, 1);
    tally_client_close(client, 0);
    char *text = recording_find(&recording, "action=test.json");
    assert_non_null(strstr(text, "{\"a\":[1,2.50]}"));
    tally_text_free(text);
}

/* The server listens at both; the key goes over the socket as over TLS. */
static void
a_unix_socket_will_do(void **state)
{
    (void)state;
    enum {
        COUNT = 500
    };
    char setting[600], where[600];
    const char *settings[] = { setting, NULL };
    (void)snprintf(setting, sizeof setting, "TALLY_SERVER_SOCKET=%s/socket", recording.scratch);
    (void)snprintf(where, sizeof where, "unix:%s/socket", recording.scratch);
    served_stop(&recording.served);
    served_start(&recording.served, settings);
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, where, &options);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(recording_event(client, "socket", i, TALLY_MODE_DEFAULT, NULL, NULL),
                         TALLY_OK);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "socket-sync", 0, TALLY_MODE_SYNC, &receipt, NULL),
                     TALLY_OK);
    recording_flush(client);
    char *text;
    size_t size;
    assert_int_equal(
        tally_client_get(client, "/api/events?action=test.step&limit=1", &text, &size, NULL),
        TALLY_OK);
    tally_text_free(text);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "socket"), COUNT);
    (void)snprintf(recording.url, sizeof recording.url, "http://127.0.0.1:%u",
                   (unsigned)recording.served.port);
}

static void
nothing_happens_before_the_first_event_or_where_disabled(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, "http://127.0.0.1:1", &options);
    assert_int_equal(tally_client_flush(client, 0, NULL), TALLY_OK);
    tally_client_close(client, 1000);

    options.disabled = true;
    client = recording_client(&recording, NULL, &options);
    struct tally_receipt receipt;
    assert_int_equal(recording_event(client, "off", 0, TALLY_MODE_SYNC, &receipt, NULL), TALLY_OK);
    assert_true(receipt.index == TALLY_INDEX_UNKNOWN);
    assert_int_equal(tally_client_flush(client, 0, NULL), TALLY_OK);
    assert_int_equal(recording_statistics(client).recorded, 0);
    tally_client_close(client, 0);
    assert_int_equal(recording_count(&recording, "off"), 0);
}

static void
wrong_options_are_named(void **state)
{
    (void)state;
    struct tally_client_options good = recording_options(&recording);
    struct {
        const char *what;
        const char *where;
        struct tally_client_options options;
    } cases[] = {
        { "size", NULL, good },
        { "mode", NULL, good },
        { "full", NULL, good },
        { "spool_size_max", NULL, good },
        { "no trail's name", NULL, good },
        { "the key", NULL, good },
        { "no URL", "http://a:b:c", good },
        { "socket", "unix:relative", good },
        { "without ? and #", "http://127.0.0.1/?a", good },
        { "plain HTTP", "http://192.0.2.1", good },
        { "mask_patterns", NULL, good },
        { "begins with http", "localhost:7878", good },
        { "begins with http", "127.0.0.1:7878/", good },
        { "begins with http", "htpp://127.0.0.1:7878", good },
        { "begins with http", "http//127.0.0.1:7878", good },
        { "begins with http", "https:/localhost", good },
        { "begins with http", "HTTP:localhost", good },
        { "spool_size_max", NULL, good },
        { "memory_size_max", NULL, good },
        { "memory_size_max", NULL, good },
        { "spool_sync_ms", NULL, good },
        { "timeout_ms", NULL, good },
        { "TALLY_KEY", NULL, good },
        { "service", NULL, good },
    };
    static const char *const patterns[] = { "(", NULL };
    cases[0].options.size = 0;
    cases[1].options.mode = (enum tally_mode)9;
    cases[2].options.full = (enum tally_full)9;
    cases[3].options.spool_size_max = 100;
    cases[4].options.trail = "No Name";
    cases[5].options.key = "a b";
    cases[10].options.mask_patterns = patterns;
    cases[17].options.spool_size_max = (uint64_t)-1;
    cases[18].options.memory_size_max = (uint64_t)-1;
    cases[19].options.memory_size_max = 1;
    cases[20].options.spool_sync_ms = (uint32_t)-1;
    cases[21].options.timeout_ms = (uint32_t)-1;
    cases[22].options.key = "";
    cases[23].options.service = "";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tally_client *client = NULL;
        struct tally_error error = { 0 };
        tally_status status =
            tally_client_open(cases[i].where == NULL ? recording.url : cases[i].where,
                              &cases[i].options, &client, &error);
        if (status != TALLY_INVALID || strstr(error.text, cases[i].what) == NULL)
            print_error("%s: %d %s\n", cases[i].what, status, error.text);
        assert_int_equal(status, TALLY_INVALID);
        assert_non_null(strstr(error.text, cases[i].what));
        assert_null(client);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spooled_events_arrive_in_order),
        cmocka_unit_test(events_that_trickle_go_together),
        cmocka_unit_test(a_spool_on_tmpfs_is_told_once),
        cmocka_unit_test(events_in_memory_arrive_and_leave_no_file),
        cmocka_unit_test(a_call_may_choose_its_mode),
        cmocka_unit_test(a_receipt_is_the_trails),
        cmocka_unit_test(anything_can_be_asked),
        cmocka_unit_test(many_receipts_come_in_order),
        cmocka_unit_test(json_is_recorded_as_well),
        cmocka_unit_test(a_unix_socket_will_do),
        cmocka_unit_test(nothing_happens_before_the_first_event_or_where_disabled),
        cmocka_unit_test(wrong_options_are_named),
    };
    return cmocka_run_group_tests(tests, recording_set_up, recording_tear_down);
}
