/*
 * A data folder in place of a server: the trail is embedded in the process that records.
 */
#include "recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct recording recording; /* its server serves another folder */
static char folder[512];

static int
begin(void **state)
{
    (void)state;
    recording_begin(&recording, NULL);
    (void)snprintf(folder, sizeof folder, "%s/embedded", recording.scratch);
    assert_int_equal(child_run((const char *const[]){ "init", folder, NULL }, NULL), 0);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    recording_end(&recording);
    return 0;
}

/* What the command line finds, NDJSON in the order of the trail; free it. */
static char *
query(const char *filter)
{
    struct buffer out = { 0 };
    const char *words[] = { "export", folder, filter, NULL };
    assert_int_equal(child_run(words, &out), 0);
    buffer_byte(&out, '\0');
    return (char *)out.data;
}

/* As recording_count(), in the folder. */
static unsigned
count_series(const char *series)
{
    static const char key[] = "\"resource_id\":\"";
    char filter[64];
    unsigned count = 0;
    (void)snprintf(filter, sizeof filter, "correlation_id:%s", series);
    char *found = query(filter);
    for (const char *at = found; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        assert_int_equal(strtoul(at, NULL, 10), count);
        count++;
    }
    free(found);
    return count;
}

static void
every_mode_reaches_the_folder(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, folder, &options);
    struct tally_receipt receipt;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(recording_event(client, "spool", i, TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
        assert_int_equal(recording_event(client, "memory", i, TALLY_MODE_MEMORY, NULL, NULL),
                         TALLY_OK);
    }
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(recording_event(client, "sync", i, TALLY_MODE_SYNC, &receipt, NULL),
                         TALLY_OK);
        assert_true(receipt.index < 2 * COUNT + 21);
    }
    recording_flush(client);
    assert_int_equal(recording_statistics(client).sent, 2 * COUNT + 20);
    tally_client_close(client, 0);
    assert_int_equal(count_series("spool"), COUNT);
    assert_int_equal(count_series("memory"), COUNT);
    assert_int_equal(count_series("sync"), 20);
}

static void
ids_are_held_against_what_is_there(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, folder, &options);
    struct tally_receipt first, second;
    struct tally_error error = { 0 };
    const struct tally_event *event =
        TALLY_EVENT(.action = "test.id", .id = "id-1", .timestamp = "2026-01-02T03:04:05Z");
    const struct tally_event *other =
        TALLY_EVENT(.action = "test.other", .id = "id-1", .timestamp = "2026-01-02T03:04:05Z");
    assert_int_equal(tally_client_record(client, event, TALLY_MODE_SYNC, &first, &error), TALLY_OK);
    assert_int_equal(tally_client_record(client, event, TALLY_MODE_SYNC, &second, &error),
                     TALLY_OK);
    assert_true(second.repeated);
    assert_int_equal(second.index, first.index);
    assert_int_equal(tally_client_record(client, other, TALLY_MODE_SYNC, &second, &error),
                     TALLY_CONFLICT);
    assert_non_null(strstr(error.text, "has this id and other content"));
    /* In the background, among others. */
    assert_int_equal(recording_event(client, "ids", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    assert_int_equal(tally_client_record(client, other, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    assert_int_equal(recording_event(client, "ids", 1, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    recording_flush(client);
    struct tally_client_statistics statistics = recording_statistics(client);
    assert_int_equal(statistics.refused, 2);
    assert_int_equal(statistics.sent, 4);
    tally_client_close(client, 0);
    assert_int_equal(count_series("ids"), 2);
}

/* Waits until the command line can write the trail. */
static void
record_by_command(void)
{
    char file[600];
    (void)snprintf(file, sizeof file, "%s/event.json", recording.scratch);
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    assert_true(fputs("{\"action\":\"test.command\"}\n", out) >= 0);
    (void)fclose(out);
    for (int i = 0; i < 60; i++)
        if (child_run((const char *const[]){ "record", folder, file, NULL }, NULL) == 0)
            return;
    fail_msg("the trail is never let go of");
}

static void
others_may_write_when_it_rests(void **state)
{
    (void)state;
    static const enum tally_mode modes[] = { TALLY_MODE_SPOOL, TALLY_MODE_SYNC };
    for (unsigned i = 0; i < 2; i++) {
        char series[32];
        struct tally_client_options options = recording_options(&recording);
        struct tally_client *client = recording_client(&recording, folder, &options);
        (void)snprintf(series, sizeof series, "rest-%u", i);
        for (unsigned round = 0; round < 2; round++) {
            assert_int_equal(recording_event(client, series, round, modes[i], NULL, NULL),
                             TALLY_OK);
            recording_flush(client);
            record_by_command();
        }
        tally_client_close(client, 0);
        assert_int_equal(count_series(series), 2);
    }
}

/* ---- processes ---- */

__attribute__((noreturn)) static void
be_child(struct tally_client *client, unsigned number, unsigned count)
{
    char series[32];
    (void)snprintf(series, sizeof series, "family-%u", number);
    for (unsigned i = 0; i < count; i++)
        if (recording_event(client, series, i, TALLY_MODE_SPOOL, NULL, NULL) != TALLY_OK)
            _exit(1);
    _exit(tally_client_flush(client, 200000, NULL) == TALLY_OK ? 0 : 2);
}

/* Parent and children want the same lock; a child must not hold its parent's. */
static void
processes_take_turns(void **state)
{
    (void)state;
    enum {
        CHILDREN = 3,
        COUNT = 500
    };
    /* The trail has threads: a sanitizer's allocator keeps the lock that one had at the fork. */
    if (getenv("TALLY_SANITIZED") != NULL) {
        print_message("# skipped under a sanitizer\n");
        return;
    }
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, folder, &options);
    pid_t children[CHILDREN];
    assert_int_equal(recording_event(client, "family-parent", 0, TALLY_MODE_SYNC, NULL, NULL),
                     TALLY_OK);
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            be_child(client, i, COUNT);
    }
    for (unsigned i = 1; i < COUNT; i++)
        assert_int_equal(recording_event(client, "family-parent", i, TALLY_MODE_SPOOL, NULL, NULL),
                         TALLY_OK);
    recording_flush(client);
    for (unsigned i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    tally_client_close(client, 0);
    assert_int_equal(count_series("family-parent"), COUNT);
    for (unsigned i = 0; i < CHILDREN; i++) {
        char series[32];
        (void)snprintf(series, sizeof series, "family-%u", i);
        assert_int_equal(count_series(series), COUNT);
    }
}

/* ---- what is not there ---- */

static void
a_missing_folder_is_said_and_waited_for(void **state)
{
    (void)state;
    char missing[600];
    struct tally_error error = { 0 };
    (void)snprintf(missing, sizeof missing, "%s/missing", recording.scratch);
    struct tally_client_options options = recording_options(&recording);
    recording_hush(&recording);
    struct tally_client *client = recording_client(&recording, missing, &options);
    assert_int_equal(recording_event(client, "missing", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    assert_non_null(strstr(error.text, "tally init"));
    assert_int_equal(recording_event(client, "missing", 0, TALLY_MODE_SPOOL, NULL, NULL), TALLY_OK);
    recording_wait_said(&recording, "make one with `tally init");
    assert_int_equal(child_run((const char *const[]){ "init", missing, NULL }, NULL), 0);
    recording_flush(client);
    tally_client_close(client, 0);

    options.trail = "other";
    client = recording_client(&recording, folder, &options);
    assert_int_equal(recording_event(client, "missing", 0, TALLY_MODE_SYNC, NULL, &error),
                     TALLY_DENY);
    assert_non_null(strstr(error.text, "create other"));
    tally_client_close(client, 0);
}

/* ---- asking ---- */

static void
a_folder_answers_as_a_server_does(void **state)
{
    (void)state;
    static const char *const wrong[] = { "/api/events?limit=0",  "/api/events?nothing=1",
                                         "/api/events?q=%28",    "/api/events?cursor=x",
                                         "/api/events?order=up", "/api/events?count=all" };
    struct tally_client_options options = recording_options(&recording);
    struct tally_client *client = recording_client(&recording, folder, &options);
    struct tally_error error = { 0 };
    char *text = NULL;
    size_t size;
    assert_int_equal(tally_client_get(client,
                                      "/api/events?correlation_id=spool&limit=2&order=index"
                                      "&count=exact",
                                      &text, &size, &error),
                     TALLY_OK);
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "{\"data\":["));
    assert_non_null(strstr(text, "\"resource_id\":\"1\""));
    assert_null(strstr(text, "\"resource_id\":\"2\""));
    assert_non_null(strstr(text, "\"total\":3000"));

    /* The next page goes on. */
    char target[1024];
    const char *next = strstr(text, "\"next\":\"") + strlen("\"next\":\"");
    (void)snprintf(target, sizeof target,
                   "/api/events?correlation_id=spool&limit=2&order=index&cursor=%.*s",
                   (int)strcspn(next, "\""), next);
    tally_text_free(text);
    assert_int_equal(tally_client_get(client, target, &text, &size, &error), TALLY_OK);
    assert_non_null(strstr(text, "\"resource_id\":\"2\""));
    tally_text_free(text);

    assert_int_equal(tally_client_get(client, "/api/events/1", &text, &size, &error), TALLY_OK);
    assert_memory_equal(text, "{\"index\":1,", 11);
    tally_text_free(text);
    assert_int_equal(tally_client_get(client, "/api/events/99999999", &text, &size, &error),
                     TALLY_ABSENT);
    assert_int_equal(tally_client_get(client, "/api/stats", &text, &size, &error),
                     TALLY_UNSUPPORTED);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(tally_client_get(client, wrong[i], &text, &size, &error), TALLY_INVALID);
    tally_client_close(client, 0);
}

/* The same question to both, about the same events. */
static void
a_folder_answers_the_same_bytes(void **state)
{
    (void)state;
    struct tally_client_options options = recording_options(&recording);
    const char *wheres[] = { folder, recording.url };
    char *texts[2];
    for (size_t i = 0; i < 2; i++) {
        struct tally_client *client = recording_client(&recording, wheres[i], &options);
        struct tally_receipt receipt;
        size_t size;
        const struct tally_event *event =
            TALLY_EVENT(.action = "test.same", .id = "same-1", .timestamp = "2026-03-04T05:06:07Z",
                        .user_id = "u1", .details = "{\"b\":1.50,\"a\":[null,\"\\u00e9\"]}");
        assert_int_equal(tally_client_record(client, event, TALLY_MODE_SYNC, &receipt, NULL),
                         TALLY_OK);
        assert_int_equal(tally_client_get(client, "/api/events?action=test.same&count=exact",
                                          &texts[i], &size, NULL),
                         TALLY_OK);
        tally_client_close(client, 0);
    }
    /* But for where, when and by whom they were received. */
    static const char from[] = "\"timestamp\":", behind[] = "\"next\":";
    assert_string_equal(strstr(texts[0], behind), strstr(texts[1], behind));
    const char *details = strstr(texts[0], "\"details\":");
    assert_non_null(details);
    assert_non_null(strstr(texts[0], from));
    assert_memory_equal(details, strstr(texts[1], "\"details\":"), strcspn(details, "}"));
    tally_text_free(texts[0]);
    tally_text_free(texts[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_reaches_the_folder),
        cmocka_unit_test(ids_are_held_against_what_is_there),
        cmocka_unit_test(a_folder_answers_as_a_server_does),
        cmocka_unit_test(a_folder_answers_the_same_bytes),
        cmocka_unit_test(others_may_write_when_it_rests),
        cmocka_unit_test(processes_take_turns),
        cmocka_unit_test(a_missing_folder_is_said_and_waited_for),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
