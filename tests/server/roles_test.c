/*
 * roles_test.c - who may ask what, by the table of routes itself: every row with every kind of key.
 */
#include "askers.h"
#include "must.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

static void
ask_route(const struct route *route, const char *key, struct talk *exchange_out)
{
    char target[256] = "";
    fill_pattern(route->pattern, target, sizeof target);
    const struct http_request request = {
        .method = method_name(route->method),
        .target = target,
        .key = key,
        /* Refused by what would stream without an end. */
        .headers = route->body ? "Content-Type: application/json\r\n" : "Last-Event-ID: none\r\n",
        .body = route->body ? bytes_text(EVENT) : (struct bytes){ NULL, 0 },
    };
    talk_begin(&stage, &request, exchange_out);
}

static bool
takes_trail(const struct route *route)
{
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, "trail") == 0)
            return true;
    return strstr(route->pattern, "trails/*") != NULL;
}

static bool
has_text(json_t *object, const char *name, const char *part)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && strstr(text, part) != NULL;
}

/* 401 and 403 name the role that would do, which the table lets in, and how to make such a key. */
static void
check_refusal(const struct route *route, const struct http_answer *answer, const char *what)
{
    json_t *problem = json_loadb((const char *)answer->body.data, answer->body.size, 0, NULL);
    assert_non_null(problem);
    const char *named = json_string_value(json_object_get(problem, "role"));
    enum role role = ROLE_ADMIN;
    if (named == NULL || !role_find(named, &role) || (route->who & 1u << role) == 0)
        fail_msg("%s: the refusal names no role that would do", what);
    if (role == ROLE_ADMIN && (route->who & (1u << ROLE_AUDITOR | 1u << ROLE_WRITER)) != 0)
        fail_msg("%s: the refusal names more than is needed", what);
    if (!has_text(problem, "command", "tally key ") || !has_text(problem, "command", " add ") ||
        !has_text(problem, "command", named))
        fail_msg("%s: the refusal says no command", what);
    json_decref(problem);
    bool challenged = bytes_is(http_header(answer, "WWW-Authenticate"), "Bearer");
    if (challenged != (answer->status == 401))
        fail_msg("%s: WWW-Authenticate with status %u", what, answer->status);
}

static void
check_row(const struct route *route, enum asker asker)
{
    char what[256];
    (void)snprintf(what, sizeof what, "%s %s by %s", method_name(route->method), route->pattern,
                   askers[asker].name);
    struct talk exchange;
    ask_route(route, askers[asker].key, &exchange);
    unsigned status = exchange.answer.status;
    enum role role = askers[asker].role;
    check_headers(&exchange.answer, what);

    bool open =
        (route->who & WHO_ANYONE) != 0 || (asker == NO_KEY && (route->who & WHO_LOOPBACK) != 0);
    bool allowed = role != ROLE_NONE && (route->who & 1u << role) != 0;
    unsigned wanted = open || allowed ? 0 : role == ROLE_NONE ? 401 : 403;
    if (wanted == 0 && (status == 401 || status == 403 || status >= 500) && status != 503)
        fail_msg("%s: status %u", what, status);
    if (wanted != 0 && status != wanted)
        fail_msg("%s: status %u, not %u", what, status, wanted);
    if (wanted != 0)
        check_refusal(route, &exchange.answer, what);
    else if (!open && askers[asker].other && takes_trail(route) && status != 404)
        fail_msg("%s: status %u, not 404", what, status);
    talk_end(&exchange);
}

/* Waits until a key opens nothing: until it has run out, or its end is known. */
static void
await_end(enum asker asker)
{
    const struct http_request request = { .target = "/api/trails", .key = askers[asker].key };
    const struct timespec pause = { .tv_nsec = 50000000 };
    int64_t deadline = now_ms() + PATIENCE_MS;
    for (unsigned status = 0; status != 401;) {
        struct talk exchange;
        assert_true(now_ms() < deadline);
        talk_begin(&stage, &request, &exchange);
        status = exchange.answer.status;
        talk_end(&exchange);
        (void)nanosleep(&pause, NULL);
    }
}

static void
every_route_with_every_key(void **state)
{
    (void)state;
    const char *revoke[] = { "revoke", "3", NULL };
    assert_null(stage_key(&stage, revoke));
    await_end(EXPIRED_KEY);
    await_end(REVOKED_KEY);
    for (size_t i = 0; i < route_count; i++)
        for (unsigned asker = 0; asker < ASKERS; asker++)
            check_row(&routes[i], asker);
}

/* What is not in the table either: nothing but these is for anyone. */
static void
the_open_routes_are_few(void **state)
{
    (void)state;
    static const char *const open[] = { "/livez", "/readyz",  "/openapi.json",
                                        "/docs",  "/metrics", "/" };
    for (size_t i = 0; i < route_count; i++) {
        bool named = false;
        for (size_t j = 0; j < sizeof open / sizeof open[0]; j++)
            named = named || strcmp(routes[i].pattern, open[j]) == 0;
        if ((routes[i].who & (WHO_ANYONE | WHO_LOOPBACK)) != 0 && !named)
            fail_msg("%s is open", routes[i].pattern);
        if ((routes[i].who & WHO_PUBLIC) != 0)
            assert_string_equal(routes[i].pattern, "/trails/*/checkpoint");
        if ((routes[i].who & (WHO_ANYONE | WHO_ALL_KEYS)) == 0)
            fail_msg("%s is for nobody", routes[i].pattern);
        /* No row lets a writer read, and none an auditor write. */
        if (routes[i].method != METHOD_GET && (routes[i].who & 1u << ROLE_AUDITOR) != 0)
            fail_msg("an auditor may %s %s", method_name(routes[i].method), routes[i].pattern);
        if (routes[i].method == METHOD_GET && (routes[i].who & 1u << ROLE_WRITER) != 0)
            assert_string_equal(routes[i].pattern, "/api/trails");
    }
}

static void
nobody_writes_to_the_trail_tally(void **state)
{
    (void)state;
    const enum asker writers[] = { ADMIN, WRITER };
    for (size_t i = 0; i < 2; i++)
        expect_status(&(struct http_request){ .method = "POST",
                                              .target = "/api/events?trail=tally",
                                              .key = askers[writers[i]].key,
                                              .headers = "Content-Type: application/json\r\n",
                                              .body = bytes_text(EVENT) },
                      403);
    expect_status(
        &(struct http_request){ .target = "/api/events?trail=tally", .key = askers[AUDITOR].key },
        200);
}

static void
a_public_checkpoint_is_for_anyone(void **state)
{
    (void)state;
    const struct {
        const char *trail;
        enum asker asker;
        unsigned status;
    } rows[] = {
        { "open", NO_KEY, 200 },  { "open", WRONG_KEY, 401 }, /* who brings a key is told that it is none */
        { "open", AUDITOR, 200 }, { "open", WRITER, 403 },    { "main", NO_KEY, 401 },
        { "none", NO_KEY, 401 },  { "main", AUDITOR, 200 },   { "open", AUDITOR_OF_OTHER, 404 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/trails/%s/checkpoint", rows[i].trail);
        expect_status(&(struct http_request){ .target = target, .key = askers[rows[i].asker].key },
                      rows[i].status);
    }
    expect_status(&(struct http_request){ .target = "/api/trails/open" }, 401);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_with_every_key),
        cmocka_unit_test(the_open_routes_are_few),
        cmocka_unit_test(nobody_writes_to_the_trail_tally),
        cmocka_unit_test(a_public_checkpoint_is_for_anyone),
    };
    return cmocka_run_group_tests(tests, askers_set_up, askers_tear_down);
}
