#include "routes.h"

#include "excerpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The segments of a path without anything encoded. */
static struct target
target_of(const char *path)
{
    struct target target = { 0 };
    while (*path == '/' && strcmp(path, "/") != 0) {
        size_t size = strcspn(path + 1, "/");
        target.segments[target.segment_count++] = bytes_of(path + 1, size);
        path += 1 + size;
        if (strcmp(path, "/") == 0)
            target.segments[target.segment_count++] = bytes_of(path + 1, 0);
    }
    return target;
}

static tally_status
find(enum method method, const char *path, const struct route **route_out, char *allowed)
{
    struct target target = target_of(path);
    return route_find(method, &target, route_out, allowed);
}

static void
paths_lead_to_routes(void **state)
{
    (void)state;
    static const struct {
        enum method method;
        const char *path;
        void (*run)(struct request *request);
    } rows[] = {
        { METHOD_GET, "/api/events", events_list },
        { METHOD_HEAD, "/api/events", events_list },
        { METHOD_GET, "/api/events/17", event_show },
        { METHOD_GET, "/api/events/17/proof", event_prove },
        { METHOD_GET, "/api/events/17/around", event_around },
        { METHOD_GET, "/api/events/proof", event_show }, /* a bad index, for event_show to say */
        { METHOD_POST, "/api/trails", trails_create },
        { METHOD_GET, "/api/trails", trails_list },
        { METHOD_GET, "/trails/main/checkpoint", checkpoint_show },
        { METHOD_GET, "/audit-logs", audit_logs_list },
        { METHOD_GET, "/audit-logs/user/u1", audit_logs_of_user },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct route *route = NULL;
        char allowed[ROUTES_ALLOWED_SIZE];
        assert_int_equal(find(rows[i].method, rows[i].path, &route, allowed), TALLY_OK);
        assert_ptr_equal(route->run, rows[i].run);
    }
}

static void
paths_that_lead_nowhere(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api",
        "/api/event",
        "/api/eventss",
        "/api/events/",          /* an empty index */
        "/api/events//proof",    /* … */
        "/api/events/17/proof/", /* another resource */
        "/api/events/17/proof/x",
        "/api/export/x",
        "/Api/Events", /* paths are compared by case */
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct route *route = NULL;
        char allowed[ROUTES_ALLOWED_SIZE] = "as it was";
        assert_int_equal(find(METHOD_GET, paths[i], &route, allowed), TALLY_ABSENT);
        assert_null(route);
        assert_string_equal(allowed, "as it was");
    }
}

static void
other_methods_are_told_those_there_are(void **state)
{
    (void)state;
    const struct route *route = NULL;
    char allowed[ROUTES_ALLOWED_SIZE];
    assert_int_equal(find(METHOD_OTHER, "/api/trails", &route, allowed), TALLY_DISAGREES);
    assert_string_equal(allowed, "GET, HEAD, POST");
    assert_int_equal(find(METHOD_POST, "/api/export", &route, allowed), TALLY_DISAGREES);
    assert_string_equal(allowed, "GET, HEAD");
    assert_null(route);
}

static void
values_are_held_against_the_table(void **state)
{
    (void)state;
    static const char *const words[] = { "one", "two", NULL };
    static const struct parameter count = { "n", PARAMETER_COUNT, .low = 2, .high = 10 };
    static const struct parameter flag = { "f", PARAMETER_FLAG, .text = "" };
    static const struct parameter word = { "w", PARAMETER_WORD, .words = words };
    static const struct parameter text = { "t", PARAMETER_TEXT, .text = "" };
    static const struct {
        const struct parameter *parameter;
        const char *value;
        const char *wanted; /* NULL: it is taken */
    } rows[] = {
        { &count, "2", NULL },
        { &count, "10", NULL },
        { &count, "007", NULL },
        { &count, "1", "a number from 2 to 10" },
        { &count, "11", "a number from 2 to 10" },
        { &count, "", "a number from 2 to 10" },
        { &count, "+3", "a number from 2 to 10" },
        { &count, "3 ", "a number from 2 to 10" },
        { &count, "18446744073709551619", "a number from 2 to 10" }, /* 3, if it wrapped */
        { &flag, "true", NULL },
        { &flag, "false", NULL },
        { &flag, "TRUE", "true or false" },
        { &flag, "1", "true or false" },
        { &word, "two", NULL },
        { &word, "tw", "one, two" },
        { &word, "", "one, two" },
        { &text, "", NULL }, /* for the route to say */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[PARAMETER_WANTED_SIZE] = "";
        bool taken = parameter_takes(rows[i].parameter, bytes_text(rows[i].value), wanted);
        assert_true(taken == (rows[i].wanted == NULL));
        assert_string_equal(wanted, rows[i].wanted == NULL ? "" : rows[i].wanted);
    }
}

/* A number that is taken where none is given must be one that would be taken. */
static void
check_parameter(const struct route *route, const struct parameter *parameter)
{
    assert_non_null(parameter->text);
    if (route->filter)
        assert_false(filter_parameter_known(bytes_text(parameter->name)));
    if (parameter->type == PARAMETER_COUNT) {
        assert_true(parameter->low <= parameter->high);
        if (parameter->standard != NULL) {
            uint64_t standard = strtoull(parameter->standard, NULL, 10);
            assert_true(standard >= parameter->low && standard <= parameter->high);
        }
    }
    if (parameter->type != PARAMETER_WORD)
        return;
    bool found = parameter->standard == NULL;
    for (size_t i = 0; parameter->words[i] != NULL; i++)
        found = found || strcmp(parameter->words[i], parameter->standard) == 0;
    assert_true(found);
}

static void
the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        assert_non_null(route->run);
        assert_non_null(route->name);
        assert_non_null(route->summary);
        assert_int_not_equal(route->who, 0);
        assert_int_equal(route->pattern[0], '/');
        for (const struct parameter *parameter = route->parameters;
             parameter != NULL && parameter->name != NULL; parameter++)
            check_parameter(route, parameter);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(routes[j].name, route->name);
            assert_false(routes[j].method == route->method &&
                         strcmp(routes[j].pattern, route->pattern) == 0);
        }
    }
}

/* Nothing but what is meant for anybody may be had without a key, and nobody but an admin changes
 * what is there. */
static void
access_is_narrow(void **state)
{
    (void)state;
    static const char *const open[] = { "/trails/*/checkpoint", "/livez", "/readyz", "/metrics",
                                        "/openapi.json",        "/docs",  "/" };
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        bool listed = false;
        for (size_t j = 0; j < sizeof open / sizeof open[0]; j++)
            listed = listed || strcmp(route->pattern, open[j]) == 0;
        assert_true(listed || (route->who & (WHO_ANYONE | WHO_LOOPBACK)) == 0);
        if (route->method != METHOD_GET && strcmp(route->pattern, "/api/events") != 0)
            assert_int_equal(route->who, WHO_ADMIN);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_lead_to_routes),
        cmocka_unit_test(paths_that_lead_nowhere),
        cmocka_unit_test(other_methods_are_told_those_there_are),
        cmocka_unit_test(values_are_held_against_the_table),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(access_is_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
