#include "context.h"

#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

static struct tally_error error;

static struct tally_context *
create(const struct tally_event *members, const struct tally_context *outer)
{
    struct tally_context *context;
    if (tally_context_create(members, outer, &context, &error) != TALLY_OK)
        fail_msg("%s: %s", error.pointer, error.text);
    return context;
}

static struct tally_context *
create_json(const char *json)
{
    struct tally_context *context;
    if (tally_context_create_json(json, strlen(json), NULL, &context, &error) != TALLY_OK)
        fail_msg("%s: %s", error.pointer, error.text);
    return context;
}

static void
check_json(const struct tally_context *context, const char *wanted)
{
    if (!bytes_is(context->json, wanted))
        fail_msg("%.*s", BYTES_ARG(context->json));
    size_t size = 0;
    for (size_t i = 0; i < context->count; i++) {
        const struct context_member *member = &context->members[i];
        assert_ptr_equal(member->json.data, context->json.data + size);
        assert_ptr_equal(context_find(context, member->field), member);
        size += member->json.size;
    }
    assert_int_equal(size, context->json.size);
}

static void
of_members(void **state)
{
    (void)state;
    double duration = 1.5;
    struct tally_context *context =
        create(TALLY_EVENT(.user_id = "u\"1", .action = "a.b", .status_code = 200,
                           .response_time_ms = &duration, .ip_address = "", .severity = "HIGH"),
               NULL);
    check_json(context, "\"action\":\"a.b\",\"ip_address\":\"\",\"response_time_ms\":1.5,"
                        "\"severity\":\"HIGH\",\"status_code\":200,\"user_id\":\"u\\\"1\",");
    assert_true(bytes_is(context_find(context, FIELD_USER_ID)->text, "u\"1"));
    assert_null(context_find(context, FIELD_USER_EMAIL));
    assert_null(context_find(NULL, FIELD_USER_ID));
    tally_context_release(context);

    context = create(TALLY_EVENT(.user_id = NULL), NULL);
    check_json(context, "");
    tally_context_release(context);
}

static void
of_json(void **state)
{
    (void)state;
    struct tally_context *context = create_json(
        " { \"\\u0075ser_id\" : \"u\\u00e9\" ,\n\"crud\":null, \"status_code\" : 404 } ");
    check_json(context, "\"status_code\":404,\"user_id\":\"u\\u00e9\",");
    assert_true(bytes_is(context_find(context, FIELD_USER_ID)->text, "u\xc3\xa9"));
    tally_context_release(context);
}

static void
what_is_lacking_comes_from_outside(void **state)
{
    (void)state;
    struct tally_context *outer =
        create(TALLY_EVENT(.user_id = "outer", .request_id = "r", .status_code = 500), NULL);
    struct tally_context *inner = create(TALLY_EVENT(.user_id = "inner", .group_id = "g"), outer);
    tally_context_release(outer);
    check_json(inner, "\"group_id\":\"g\",\"request_id\":\"r\",\"status_code\":500,"
                      "\"user_id\":\"inner\",");
    assert_true(bytes_is(context_find(inner, FIELD_REQUEST_ID)->text, "r"));
    tally_context_release(inner);
}

static void
refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *pointer;
        const char *text;
    } rows[] = {
        { "{\"id\":\"x\"}", "/id", "id is nothing that a context can have" },
        { "{\"timestamp\":null}", "/timestamp", "timestamp is nothing" },
        { "{\"details\":{}}", "/details", "details is nothing" },
        { "{\"changes\":{}}", "/changes", "changes is nothing" },
        { "{\"v\":1}", "/v", "v is nothing" },
        { "{\"user_id\":\"u\",\"color\":\"red\"}", "/color", "color is nothing" },
        { "{\"user_id\":7}", "/user_id", "user_id is a string, not a number" },
        { "{\"crud\":\"X\"}", "/crud", "crud is one of C, R, U, D" },
        { "{\"status_code\":1}", "/status_code", "from 100 to 999" },
        { "[]", "", "a context is a JSON object, not an array" },
        { "{", "", "quotes is missing" },
    };
    struct tally_context *context = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *json = rows[i].json;
        assert_int_equal(tally_context_create_json(json, strlen(json), NULL, &context, &error),
                         TALLY_INVALID);
        if (strcmp(error.pointer, rows[i].pointer) != 0 || strstr(error.text, rows[i].text) == NULL)
            fail_msg("%s: %s: %s", json, error.pointer, error.text);
    }

    const struct tally_event *members = TALLY_EVENT(.user_id = "u", .status = "maybe");
    assert_int_equal(tally_context_create(members, NULL, &context, &error), TALLY_INVALID);
    assert_string_equal(error.pointer, "/status");
    assert_int_equal(error.line, 0);
    members = TALLY_EVENT(.details = "{}");
    assert_int_equal(tally_context_create(members, NULL, &context, &error), TALLY_INVALID);
    assert_string_equal(error.pointer, "/details");
    members = TALLY_EVENT(.user_id = "\xff");
    assert_int_equal(tally_context_create(members, NULL, &context, &error), TALLY_INVALID);
    assert_string_equal(error.pointer, "/user_id");
    assert_int_equal(tally_context_create(NULL, NULL, &context, &error), TALLY_INVALID);
    assert_null(context);
}

/* More names than a context has, and more than fit what it is read with. */
static void
too_many(void **state)
{
    (void)state;
    struct buffer json = { 0 };
    struct tally_context *context;
    for (unsigned i = 0; i < 200; i++)
        buffer_format(&json, "%s\"m%u\":1", i == 0 ? "{" : ",", i);
    buffer_text(&json, "}");
    assert_int_equal(
        tally_context_create_json((const char *)json.data, json.size, NULL, &context, &error),
        TALLY_INVALID);
    buffer_free(&json);
}

static void
a_stack_for_each_thread(void **state)
{
    (void)state;
    assert_null(tally_context_current());
    assert_int_equal(tally_context_push(TALLY_EVENT(.user_id = "u"), &error), TALLY_OK);
    struct tally_context *first = tally_context_current();
    check_json(first, "\"user_id\":\"u\",");
    assert_int_equal(tally_context_push(TALLY_EVENT(.group_id = "g"), &error), TALLY_OK);
    check_json(tally_context_current(), "\"group_id\":\"g\",\"user_id\":\"u\",");

    assert_int_equal(tally_context_enter(NULL, &error), TALLY_OK);
    assert_null(tally_context_current());
    assert_int_equal(tally_context_push(TALLY_EVENT(.method = "GET"), &error), TALLY_OK);
    check_json(tally_context_current(), "\"method\":\"GET\",");
    tally_context_pop();
    tally_context_leave();

    assert_int_equal(tally_context_push(TALLY_EVENT(.crud = "no"), &error), TALLY_INVALID);
    tally_context_pop();
    assert_ptr_equal(tally_context_current(), first);
    tally_context_pop();
    assert_null(tally_context_current());
}

static void
as_deep_as_it_goes(void **state)
{
    (void)state;
    struct tally_context *context = create(TALLY_EVENT(.user_id = "u"), NULL);
    for (unsigned i = 0; i < TALLY_CONTEXT_DEPTH_MAX; i++)
        assert_int_equal(tally_context_enter(context, &error), TALLY_OK);
    assert_int_equal(tally_context_enter(context, &error), TALLY_FULL);
    assert_int_equal(tally_context_push(TALLY_EVENT(.user_id = "v"), &error), TALLY_FULL);
    assert_int_equal(context->holders, 1 + TALLY_CONTEXT_DEPTH_MAX);
    for (unsigned i = 0; i < TALLY_CONTEXT_DEPTH_MAX; i++)
        tally_context_leave();
    assert_int_equal(context->holders, 1);
    tally_context_release(context);
    tally_context_release(NULL);
    assert_null(tally_context_retain(NULL));
}

#define THREADS 4
#define TIMES   20000

/* Enters and leaves a shared context; its own stack is empty before and after. */
static void *
share(void *argument)
{
    struct tally_context *context = argument;
    bool good = tally_context_current() == NULL;
    for (unsigned i = 0; i < TIMES; i++) {
        struct tally_context *held = tally_context_retain(context);
        good &= tally_context_enter(held, NULL) == TALLY_OK;
        tally_context_release(held);
        good &= tally_context_current() == context && tally_context_current()->count == 1;
        tally_context_leave();
    }
    good &= tally_context_current() == NULL;
    tally_context_release(context);
    return good ? context : NULL;
}

static void
shared_by_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct tally_context *context = create(TALLY_EVENT(.user_id = "u"), NULL);
    assert_int_equal(tally_context_enter(context, &error), TALLY_OK);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share, tally_context_retain(context)),
                         0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, context);
    }
    tally_context_release(context);
    assert_int_equal(tally_context_current()->holders, 1);
    tally_context_leave();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_members),
        cmocka_unit_test(of_json),
        cmocka_unit_test(what_is_lacking_comes_from_outside),
        cmocka_unit_test(refused),
        cmocka_unit_test(too_many),
        cmocka_unit_test(a_stack_for_each_thread),
        cmocka_unit_test(as_deep_as_it_goes),
        cmocka_unit_test(shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
