#include "openapi.h"

#include "embedded.h"
#include "field.h"
#include "filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *document;

static int
make_document(void **state)
{
    (void)state;
    document = openapi_create();
    return document == NULL ? -1 : 0;
}

static int
free_document(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

static json_t *
at(json_t *node, const char *first, const char *second)
{
    return json_object_get(json_object_get(node, first), second);
}

/* The operation of this name. */
static json_t *
operation_of(const char *name)
{
    const char *path, *method;
    json_t *methods, *operation;
    json_object_foreach (json_object_get(document, "paths"), path, methods)
        json_object_foreach (methods, method, operation)
            if (strcmp(json_string_value(json_object_get(operation, "operationId")), name) == 0)
                return operation;
    return NULL;
}

/* Every route is described, and nothing else is. */
static void
routes_and_operations_are_the_same(void **state)
{
    (void)state;
    json_t *fixed = json_loadb((const char *)openapi_text, openapi_text_size, 0, NULL);
    json_t *given = json_object_get(fixed, "operations");
    for (size_t i = 0; i < route_count; i++) {
        json_t *one = json_object_get(given, routes[i].name);
        if (one == NULL)
            fail_msg("openapi.json has no operation %s", routes[i].name);
        json_t *operation = operation_of(routes[i].name);
        assert_non_null(operation);
        bool body = json_object_get(one, "body") != NULL || json_object_get(one, "requestBody");
        assert_int_equal(body, routes[i].body);
        assert_true(json_object_size(json_object_get(one, "responses")) > 0);
        assert_true(json_is_string(json_object_get(one, "tag")));
        if (strchr(routes[i].pattern, '*') != NULL)
            assert_non_null(openapi_segment(&routes[i]));
    }
    assert_int_equal(json_object_size(given), route_count);
    json_decref(fixed);
}

/* Looks up "#/a/b/c". */
static bool
leads_somewhere(const char *reference)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s", reference);
    json_t *node = document;
    char *rest = path + 1;
    if (path[0] != '#')
        return false;
    for (char *name = strtok_r(rest, "/", &rest); name != NULL; name = strtok_r(NULL, "/", &rest))
        node = json_object_get(node, name);
    return node != NULL;
}

static size_t
check_references(json_t *node)
{
    size_t count = 0;
    const char *name;
    size_t i;
    json_t *child;
    json_object_foreach (node, name, child) {
        if (strcmp(name, "$ref") == 0 && !leads_somewhere(json_string_value(child)))
            fail_msg("%s leads nowhere", json_string_value(child));
        count += strcmp(name, "$ref") == 0;
        count += check_references(child);
    }
    json_array_foreach (node, i, child)
        count += check_references(child);
    return count;
}

static void
references_lead_somewhere(void **state)
{
    (void)state;
    assert_true(check_references(document) > 100);
}

static void
operations_say_who_and_what(void **state)
{
    (void)state;
    json_t *record = operation_of("recordEvents");
    assert_int_equal(json_array_size(json_object_get(record, "x-roles")), 2);
    assert_null(json_object_get(record, "security")); /* a key, as everywhere */
    assert_non_null(at(record, "responses", "415"));
    assert_non_null(at(record, "responses", "507"));
    assert_null(at(operation_of("listEvents"), "responses", "413"));
    assert_null(at(operation_of("listKeys"), "responses", "404"));
    assert_non_null(at(operation_of("showTrail"), "responses", "404"));
    assert_int_equal(json_array_size(json_object_get(operation_of("showLife"), "security")), 0);
    assert_null(at(operation_of("showLife"), "responses", "401"));
    assert_int_equal(json_array_size(json_object_get(operation_of("showCheckpoint"), "security")),
                     2);
}

/* limit of listEvents: 1 to 1000, 50. */
static void
parameters_have_their_bounds(void **state)
{
    (void)state;
    size_t i, filters = 0;
    json_t *parameter, *limit = NULL;
    json_array_foreach (json_object_get(operation_of("listEvents"), "parameters"), i, parameter) {
        const char *name = json_string_value(json_object_get(parameter, "name"));
        filters += name == NULL;
        if (name != NULL && strcmp(name, "limit") == 0)
            limit = json_object_get(parameter, "schema");
    }
    assert_int_equal(json_integer_value(json_object_get(limit, "minimum")), 1);
    assert_int_equal(json_integer_value(json_object_get(limit, "maximum")), 1000);
    assert_int_equal(json_integer_value(json_object_get(limit, "default")), 50);
    assert_int_equal(filters, json_object_size(at(document, "components", "parameters")));
}

/* Whatever a filter takes as a parameter is there, and nothing else. */
static void
filters_are_whole(void **state)
{
    (void)state;
    json_t *parameters = at(document, "components", "parameters");
    const char *name;
    json_t *parameter;
    json_object_foreach (parameters, name, parameter)
        if (strcmp(name, "q") != 0 && !filter_parameter_known(bytes_text(name)))
            fail_msg("%s is no parameter of a filter", name);
    static const char *const others[] = { "q", "from", "to", "start_date", "end_date", "success" };
    size_t count = sizeof others / sizeof others[0];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        bool known = filter_parameter_known(fields[i].name);
        count += known;
        count += known && fields[i].alias != NULL;
        if (known)
            assert_non_null(json_object_get(parameters, (const char *)fields[i].name.data));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_non_null(json_object_get(parameters, others[i]));
    assert_int_equal(json_object_size(parameters), count);
}

static void
fields_are_those_of_the_table(void **state)
{
    (void)state;
    json_t *schemas = at(document, "components", "schemas");
    json_t *event = at(schemas, "Event", "properties");
    json_t *entry = at(schemas, "Entry", "properties");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *name = (const char *)fields[i].name.data;
        bool brought = (fields[i].flags & FIELD_SERVER_SET) == 0;
        assert_int_equal(json_object_get(event, name) != NULL, brought);
        assert_non_null(json_object_get(entry, name));
    }
    /* index and erased are no fields. */
    assert_int_equal(json_object_size(entry), FIELD_COUNT + 2);

    size_t i;
    json_t *name;
    json_t *names =
        json_object_get(at(json_object_get(schemas, "Event"), "propertyNames", "not"), "enum");
    json_array_foreach (names, i, name)
        assert_true(field_reserved(bytes_text(json_string_value(name))));
    for (i = 0; i < FIELD_COUNT; i++)
        assert_int_equal(field_reserved(fields[i].name), (fields[i].flags & FIELD_SERVER_SET) != 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_and_operations_are_the_same),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(operations_say_who_and_what),
        cmocka_unit_test(parameters_have_their_bounds),
        cmocka_unit_test(filters_are_whole),
        cmocka_unit_test(fields_are_those_of_the_table),
    };
    return cmocka_run_group_tests(tests, make_document, free_document);
}
