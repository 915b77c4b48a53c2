#include "tally/scope.h"

#include "recorder_fixture.h"
#include "tally/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLIENT recorder_client
#define ACTION TALLY_EVENT(.action = "a")

static struct tally_error error;

/* The program is linked so that these come before the C library's. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static bool memory_is_short;

void *
__wrap_calloc(size_t count, size_t size)
{
    return memory_is_short ? NULL : __real_calloc(count, size);
}

char *
__wrap_strdup(const char *text)
{
    return memory_is_short ? NULL : __real_strdup(text);
}

static void
check(const char *members)
{
    assert_int_equal(recorded.calls, 1);
    assert_string_equal(recorded.members, members);
    recorder_forget();
    assert_null(tally_context_current());
}

static void
end(struct tally_scope *scope, const char *members)
{
    struct tally_receipt receipt = { .id = "" };
    assert_int_equal(recorded.calls, 0);
    assert_int_equal(tally_scope_end(scope, &receipt, &error), TALLY_OK);
    assert_int_equal(strlen(receipt.id), 36);
    assert_true(recorded.response_time_ms >= 0);
    assert_true(recorded.correlation_id[0] != '\0');
    check(members);
}

static void
how_it_ended(void **state)
{
    (void)state;
    struct tally_scope *scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_SYNC);
    tally_scope_succeed(scope);
    assert_int_equal(tally_scope_end(scope, NULL, NULL), TALLY_OK);
    assert_int_equal(recorded.mode, TALLY_MODE_SYNC);
    check("{\"action\":\"a\",\"status\":\"success\"}");

    end(tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT),
        "{\"action\":\"a\",\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    tally_scope_fail(scope, "disk full");
    end(scope, "{\"action\":\"a\",\"error_message\":\"disk full\",\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    tally_scope_succeed(scope);
    tally_scope_fail(scope, NULL);
    end(scope, "{\"action\":\"a\",\"status\":\"failure\"}");

    assert_int_equal(tally_scope_end(NULL, NULL, NULL), TALLY_OK);
    recorder_forget();
}

static void
a_status_that_is_given(void **state)
{
    (void)state;
    const struct tally_event *failed = TALLY_EVENT(.action = "a", .status = "error");
    struct tally_scope *scope = tally_scope_begin(CLIENT, failed, TALLY_MODE_DEFAULT);
    end(scope, "{\"action\":\"a\",\"status\":\"error\"}");
    scope = tally_scope_begin(CLIENT, failed, TALLY_MODE_DEFAULT);
    tally_scope_succeed(scope);
    end(scope, "{\"action\":\"a\",\"status\":\"error\"}");
    scope = tally_scope_begin(CLIENT, TALLY_EVENT(.action = "a", .status = "SUCCESS"),
                              TALLY_MODE_DEFAULT);
    end(scope, "{\"action\":\"a\",\"status\":\"failure\"}");
}

/* What was given may change afterwards; later values win. */
static void
members_are_copied(void **state)
{
    (void)state;
    char action[] = "a", resource[] = "r1", details[] = "{\"x\":1}";
    double duration = 7;
    struct tally_event event = TALLY_EVENT_INIT;
    event.action = action;
    event.resource_id = resource;
    event.user_id = "u";
    struct tally_scope *scope = tally_scope_begin(CLIENT, &event, TALLY_MODE_DEFAULT);
    action[0] = resource[0] = '?';
    tally_scope_add(scope, TALLY_EVENT(.resource_id = "r2", .status_code = 201));
    tally_scope_add(scope, TALLY_EVENT(.details = details, .response_time_ms = &duration));
    details[2] = '?';
    duration = 8;
    tally_scope_succeed(scope);
    assert_int_equal(tally_scope_end(scope, NULL, &error), TALLY_OK);
    assert_true(recorded.response_time_ms == 7);
    check("{\"action\":\"a\",\"details\":{\"x\":1},\"resource_id\":\"r2\",\"status\":\"success\","
          "\"status_code\":201,\"user_id\":\"u\"}");
}

static void
states(void **state)
{
    (void)state;
    struct tally_scope *scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    char before[] = "{\"a\":1,\"b\":2}";
    assert_int_equal(tally_scope_before(scope, "{\"old\":1}", &error), TALLY_OK);
    assert_int_equal(tally_scope_before(scope, before, &error), TALLY_OK);
    before[5] = '9';
    assert_int_equal(tally_scope_after(scope, "[]", &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "not an array"));
    assert_int_equal(tally_scope_after(scope, "{\"b\":3,\"a\":1}", &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"changes\":{\"b\":{\"after\":3,\"before\":2}},"
               "\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_after(scope, "{\"a\":1}", &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"changes\":{\"a\":{\"after\":1}},\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_before(scope, "{\"a\":1}", &error), TALLY_OK);
    tally_scope_succeed(scope);
    end(scope, "{\"action\":\"a\",\"changes\":{\"a\":{\"before\":1}},\"status\":\"success\"}");

    /* What failed with the first state only did not delete. */
    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_before(scope, "{\"a\":1}", &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"status\":\"failure\"}");

    /* Nothing differs; it is taken back; changes are given. */
    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_before(scope, "{\"a\":1}", &error), TALLY_OK);
    assert_int_equal(tally_scope_after(scope, " {\"a\": 1}", &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_before(scope, "{\"a\":1}", &error), TALLY_OK);
    assert_int_equal(tally_scope_before(scope, NULL, &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"status\":\"failure\"}");

    scope = tally_scope_begin(CLIENT, TALLY_EVENT(.action = "a", .changes = "{\"x\":{}}"),
                              TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_before(scope, "{\"a\":1}", &error), TALLY_OK);
    end(scope, "{\"action\":\"a\",\"changes\":{\"x\":{}},\"status\":\"failure\"}");
}

static void
inner_event(char correlation_id[300])
{
    struct recorded outer = recorded;
    assert_int_equal(
        tally_client_record(CLIENT, TALLY_EVENT(.action = "inner"), TALLY_MODE_DEFAULT, NULL, NULL),
        TALLY_OK);
    (void)snprintf(correlation_id, 300, "%s", recorded.correlation_id);
    recorded = outer;
}

static void
correlation(void **state)
{
    (void)state;
    char inner[300];
    /* Made. */
    struct tally_scope *scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    inner_event(inner);
    assert_int_equal(strlen(inner), 36);
    assert_int_equal(tally_scope_end(scope, NULL, NULL), TALLY_OK);
    assert_string_equal(recorded.correlation_id, inner);
    check("{\"action\":\"a\",\"status\":\"failure\"}");
    inner_event(inner);
    assert_string_equal(inner, "");

    /* The event's. */
    scope = tally_scope_begin(CLIENT, TALLY_EVENT(.action = "a", .correlation_id = "mine"),
                              TALLY_MODE_DEFAULT);
    inner_event(inner);
    assert_string_equal(inner, "mine");
    assert_int_equal(tally_scope_end(scope, NULL, NULL), TALLY_OK);
    assert_string_equal(recorded.correlation_id, "mine");
    recorder_forget();

    /* The context's; and the outer scope's is the inner one's. */
    assert_int_equal(
        tally_context_push(TALLY_EVENT(.correlation_id = "theirs", .user_id = "u"), NULL),
        TALLY_OK);
    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    struct tally_scope *second =
        tally_scope_begin(CLIENT, TALLY_EVENT(.action = "b"), TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_end(second, NULL, NULL), TALLY_OK);
    assert_string_equal(recorded.correlation_id, "theirs");
    assert_string_equal(recorded.members,
                        "{\"action\":\"b\",\"status\":\"failure\",\"user_id\":\"u\"}");
    assert_int_equal(tally_scope_end(scope, NULL, NULL), TALLY_OK);
    assert_string_equal(recorded.correlation_id, "theirs");
    tally_context_pop();
    assert_null(tally_context_current());
    recorder_forget();
}

/* A stack that is full does not keep a scope from recording. */
static void
inside_too_much(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TALLY_CONTEXT_DEPTH_MAX; i++)
        assert_int_equal(tally_context_enter(NULL, NULL), TALLY_OK);
    struct tally_scope *scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    assert_int_equal(tally_scope_end(scope, NULL, NULL), TALLY_OK);
    assert_int_equal(strlen(recorded.correlation_id), 36);
    for (unsigned i = 0; i < TALLY_CONTEXT_DEPTH_MAX; i++)
        tally_context_leave();
    check("{\"action\":\"a\",\"status\":\"failure\"}");
}

static int
block(bool succeed)
{
    TALLY_SCOPE(scope, CLIENT, TALLY_EVENT(.action = "block"));
    assert_int_equal(recorded.calls, 0);
    if (!succeed)
        return -1;
    tally_scope_succeed(scope);
    return 0;
}

static void
blocks(void **state)
{
    (void)state;
    assert_int_equal(block(true), 0);
    check("{\"action\":\"block\",\"status\":\"success\"}");
    assert_int_equal(block(false), -1);
    check("{\"action\":\"block\",\"status\":\"failure\"}");
}

/* What cannot be recorded is answered at the end, and counted. */
static void
refused(void **state)
{
    (void)state;
    const struct tally_event no_size = { .action = "a" };
    const struct tally_event *wrong[] = { NULL, &no_size };
    for (unsigned i = 0; i < 2; i++) {
        struct tally_scope *scope = tally_scope_begin(CLIENT, wrong[i], TALLY_MODE_DEFAULT);
        tally_scope_add(scope, ACTION);
        assert_int_equal(tally_scope_end(scope, NULL, &error), TALLY_INVALID);
        assert_int_equal(recorded.calls, 0);
        assert_int_equal(recorded.undrafted, 1);
        assert_null(tally_context_current());
        recorder_forget();
    }
    assert_non_null(strstr(error.text, "TALLY_EVENT_INIT"));

    struct tally_scope *scope =
        tally_scope_begin(CLIENT, TALLY_EVENT(.action = "a", .status = "x"), TALLY_MODE_DEFAULT);
    tally_scope_succeed(scope);
    assert_int_equal(tally_scope_end(scope, NULL, &error), TALLY_INVALID);
    assert_string_equal(error.pointer, "/status");
    recorder_forget();

    recorder_answer = TALLY_DENY;
    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_SYNC);
    assert_int_equal(tally_scope_end(scope, NULL, &error), TALLY_DENY);
    recorder_forget();
}

static void
check_lost(struct tally_scope *scope)
{
    assert_int_equal(tally_scope_end(scope, NULL, &error), TALLY_NO_MEMORY);
    assert_int_equal(recorded.calls, 0);
    assert_int_equal(recorded.undrafted, 1);
    assert_null(tally_context_current());
    recorder_forget();
}

static void
without_memory(void **state)
{
    (void)state;
    memory_is_short = true;
    struct tally_scope *scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    struct tally_scope *second = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    memory_is_short = false;
    assert_non_null(scope);
    tally_scope_add(scope, TALLY_EVENT(.user_id = "u"));
    assert_int_equal(tally_scope_before(scope, "{}", &error), TALLY_OK);
    assert_int_equal(tally_scope_after(scope, "[]", &error), TALLY_INVALID);
    tally_scope_fail(scope, "reason");
    tally_scope_succeed(scope);
    check_lost(second);
    check_lost(scope);

    /* Short only for a while. */
    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    memory_is_short = true;
    tally_scope_add(scope, TALLY_EVENT(.user_id = "u"));
    memory_is_short = false;
    check_lost(scope);

    scope = tally_scope_begin(CLIENT, ACTION, TALLY_MODE_DEFAULT);
    memory_is_short = true;
    assert_int_equal(tally_scope_before(scope, "{}", &error), TALLY_NO_MEMORY);
    memory_is_short = false;
    check_lost(scope);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_it_ended),
        cmocka_unit_test(a_status_that_is_given),
        cmocka_unit_test(members_are_copied),
        cmocka_unit_test(states),
        cmocka_unit_test(correlation),
        cmocka_unit_test(inside_too_much),
        cmocka_unit_test(blocks),
        cmocka_unit_test(refused),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, recorder_create, recorder_destroy);
}
