#include "openapi.h"

#include "embedded.h"
#include "field.h"
#include "filter.h"

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static json_t *
reference(const char *kind, const char *name)
{
    char text[128];
    (void)snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    return json_pack("{s:s}", "$ref", text);
}

/* ---- parameters ---- */

/* Open segments, by the segment before them. */
static const struct {
    const char *before;
    const char *name;
    const char *schema;
    const char *text;
} segments[] = {
    { "events", "index", "Index", "The entry's place in its trail, from 0." },
    { "trails", "trail", "TrailName", "The trail's name." },
    { "keys", "id", "KeyNumber", "The key's number." },
    { "user", "user_id", "UserName", "The user's id." },
};

static size_t
segment_row(const struct route *route)
{
    const char *star = strchr(route->pattern, '*');
    if (star == NULL)
        return COUNT_OF(segments);
    for (size_t i = 0; i < COUNT_OF(segments); i++) {
        size_t size = strlen(segments[i].before);
        if (strncmp(star - size - 1, segments[i].before, size) == 0)
            return i;
    }
    return COUNT_OF(segments);
}

const char *
openapi_segment(const struct route *route)
{
    size_t row = segment_row(route);
    return row == COUNT_OF(segments) ? NULL : segments[row].name;
}

static json_t *
segment_parameter(size_t row)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", segments[row].name, "in", "path",
                     "required", 1, "description", segments[row].text, "schema",
                     reference("schemas", segments[row].schema));
}

static json_t *
words_of(const struct parameter *parameter)
{
    json_t *words = json_array();
    for (size_t i = 0; parameter->words[i] != NULL; i++)
        (void)json_array_append_new(words, json_string(parameter->words[i]));
    return words;
}

static json_t *
count_schema(const struct parameter *parameter)
{
    json_t *schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
                               (json_int_t)parameter->low, "maximum", (json_int_t)parameter->high);
    if (parameter->standard != NULL)
        (void)json_object_set_new(schema, "default",
                                  json_integer(strtoll(parameter->standard, NULL, 10)));
    return schema;
}

static json_t *
parameter_schema(const struct parameter *parameter)
{
    json_t *schema = NULL;
    switch (parameter->type) {
    case PARAMETER_COUNT:
        return count_schema(parameter);
    case PARAMETER_FLAG:
        return json_pack("{s:s, s:b}", "type", "boolean", "default", 0);
    case PARAMETER_WORD:
        schema = json_pack("{s:s, s:o}", "type", "string", "enum", words_of(parameter));
        break;
    case PARAMETER_TEXT:
    case PARAMETER_TIME:
        schema = strcmp(parameter->name, "trail") == 0
                     ? reference("schemas", "TrailName")
                     : json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
        break;
    }
    if (parameter->standard != NULL)
        (void)json_object_set_new(schema, "default", json_string(parameter->standard));
    return schema;
}

static json_t *
parameter_object(const char *name, const char *text, json_t *schema)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "name", name, "in", "query", "description", text,
                     "schema", schema);
}

/* ---- what a filter takes ---- */

/* Parameters that are no field. */
static const struct {
    const char *name;
    const char *text;
} filter_terms[] = {
    { "q", "A filter: `action:user.* status:failure`, `\"free text\"`, in which only a colon "
           "makes a term: `user=bob` is free text. docs/api.md has the grammar." },
    { "start_date", "At this time or later: RFC 3339, a date, `now-1h`, `-7d`, `today`." },
    { "end_date", "At this time or earlier; a date is the whole day." },
    { "from", "The same as start_date." },
    { "to", "The same as end_date." },
    { "success", "`true`: status success; `false`: failure or error." },
};

/* As components.parameters, for all routes that take a filter. */
static json_t *
filter_parameters(void)
{
    json_t *list = json_object();
    for (size_t i = 0; i < COUNT_OF(filter_terms); i++)
        (void)json_object_set_new(list, filter_terms[i].name,
                                  parameter_object(filter_terms[i].name, filter_terms[i].text,
                                                   json_pack("{s:s}", "type", "string")));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        const char *name = (const char *)field->name.data;
        if (!filter_parameter_known(field->name))
            continue;
        char text[128];
        (void)snprintf(text, sizeof text,
                       "As `%s:` in a filter: a value, `a,b`, `a*`, a range; `-` before it is "
                       "part of it.",
                       name);
        (void)json_object_set_new(
            list, name, parameter_object(name, text, json_pack("{s:s}", "type", "string")));
        if (field->alias == NULL)
            continue;
        (void)snprintf(text, sizeof text, "The same as %s.", name);
        (void)json_object_set_new(
            list, field->alias,
            parameter_object(field->alias, text, json_pack("{s:s}", "type", "string")));
    }
    return list;
}

static json_t *
parameters_of(const struct route *route, json_t *components)
{
    json_t *list = json_array();
    size_t row = segment_row(route);
    if (row < COUNT_OF(segments))
        (void)json_array_append_new(list, segment_parameter(row));
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++)
        (void)json_array_append_new(list, parameter_object(p->name, p->text, parameter_schema(p)));
    if (route->filter) {
        const char *name;
        json_t *value;
        json_object_foreach (json_object_get(components, "parameters"), name, value)
            (void)json_array_append_new(list, reference("parameters", name));
    }
    return list;
}

/* ---- answers ---- */

static json_t *
headers_of(const char *status)
{
    json_t *headers = json_object();
    (void)json_object_set_new(headers, "X-Request-Id", reference("headers", "RequestId"));
    if (strcmp(status, "429") == 0 || strcmp(status, "503") == 0)
        (void)json_object_set_new(headers, "Retry-After", reference("headers", "RetryAfter"));
    if (strcmp(status, "401") == 0)
        (void)json_object_set_new(headers, "WWW-Authenticate",
                                  reference("headers", "Authenticate"));
    return headers;
}

/* Makes components.responses whole: each is a problem. */
static void
complete_problems(json_t *responses)
{
    const char *status;
    json_t *response;
    json_object_foreach (responses, status, response) {
        (void)json_object_set_new(response, "headers", headers_of(status));
        (void)json_object_set_new(response, "content",
                                  json_pack("{s:{s:o}}", "application/problem+json", "schema",
                                            reference("schemas", "Problem")));
    }
}

/* Writes one answer of openapi.json out. */
static json_t *
answer_of(const char *status, json_t *given)
{
    json_t *answer = json_deep_copy(given);
    json_t *content = NULL;
    const char *schema = json_string_value(json_object_get(given, "json"));
    const char *type = json_string_value(json_object_get(given, "text"));
    if (schema != NULL)
        content =
            json_pack("{s:{s:o}}", "application/json", "schema", reference("schemas", schema));
    if (type != NULL)
        content = json_pack("{s:{s:{s:s}}}", type, "schema", "type", "string");
    (void)json_object_del(answer, "json");
    (void)json_object_del(answer, "text");
    (void)json_object_set_new(answer, "headers", headers_of(status));
    if (content != NULL)
        (void)json_object_set_new(answer, "content", content);
    return answer;
}

static bool
names_a_thing(const struct route *route)
{
    for (const struct parameter *p = route->parameters; p != NULL && p->name != NULL; p++)
        if (strcmp(p->name, "trail") == 0)
            return true;
    return strchr(route->pattern, '*') != NULL;
}

/* Whether a route may give an answer that openapi.json does not say of it. */
static bool
may_answer(const struct route *route, const char *status)
{
    bool keyed = (route->who & WHO_ANYONE) == 0;
    const struct {
        const char *status;
        bool possible;
    } rows[] = {
        { "400", true },        { "401", keyed },
        { "403", keyed },       { "404", names_a_thing(route) },
        { "413", route->body }, { "415", route->body },
        { "421", true },        { "429", keyed },
        { "500", true },        { "503", true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].possible;
    return false;
}

/* First what openapi.json has at length, then problems in order of their status. */
static json_t *
answers_of(const struct route *route, json_t *given, json_t *components)
{
    json_t *answers = json_object();
    json_t *own = json_object_get(given, "responses");
    const char *status;
    json_t *answer;
    json_object_foreach (own, status, answer)
        if (json_object_size(answer) > 0)
            (void)json_object_set_new(answers, status, answer_of(status, answer));
    json_object_foreach (json_object_get(components, "responses"), status, answer)
        if (json_object_get(answers, status) == NULL &&
            (json_object_get(own, status) != NULL || may_answer(route, status)))
            (void)json_object_set_new(answers, status, reference("responses", status));
    return answers;
}

/* ---- operations ---- */

static json_t *
roles_of(const struct route *route)
{
    json_t *roles = json_array();
    for (enum role role = ROLE_ADMIN; role < ROLE_NONE; role++)
        if ((route->who & 1u << role) != 0)
            (void)json_array_append_new(roles, json_string(role_name(role)));
    return roles;
}

/* Without a key, too: an empty requirement. */
static json_t *
security_of(const struct route *route)
{
    if ((route->who & WHO_ANYONE) != 0)
        return json_array();
    return json_pack("[{s:[]}, {}]", "key");
}

static void
add_body(json_t *given, json_t *operation)
{
    json_t *whole = json_object_get(given, "requestBody");
    const char *schema = json_string_value(json_object_get(given, "body"));
    if (whole != NULL)
        (void)json_object_set(operation, "requestBody", whole);
    if (schema != NULL)
        (void)json_object_set_new(operation, "requestBody",
                                  json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content",
                                            "application/json", "schema",
                                            reference("schemas", schema)));
}

static json_t *
operation_of(const struct route *route, json_t *given, json_t *components)
{
    json_t *operation =
        json_pack("{s:s, s:s}", "operationId", route->name, "summary", route->summary);
    json_t *text = json_object_get(given, "description");
    if (text != NULL)
        (void)json_object_set(operation, "description", text);
    (void)json_object_set_new(operation, "tags", json_pack("[O]", json_object_get(given, "tag")));
    if ((route->who & WHO_ANYONE) == 0)
        (void)json_object_set_new(operation, "x-roles", roles_of(route));
    if ((route->who & (WHO_ANYONE | WHO_LOOPBACK | WHO_PUBLIC)) != 0)
        (void)json_object_set_new(operation, "security", security_of(route));
    (void)json_object_set_new(operation, "parameters", parameters_of(route, components));
    if (route->body)
        add_body(given, operation);
    (void)json_object_set_new(operation, "responses", answers_of(route, given, components));
    return operation;
}

/* "/api/keys/{id}". */
static void
path_of(const struct route *route, char path[128])
{
    const char *star = strchr(route->pattern, '*');
    if (star == NULL)
        (void)snprintf(path, 128, "%s", route->pattern);
    else
        (void)snprintf(path, 128, "%.*s{%s}%s", (int)(star - route->pattern), route->pattern,
                       openapi_segment(route), star + 1);
}

static const char *
method_of(const struct route *route)
{
    switch (route->method) {
    case METHOD_POST:
        return "post";
    case METHOD_DELETE:
        return "delete";
    default:
        return "get";
    }
}

static json_t *
paths_of(json_t *operations, json_t *components)
{
    json_t *paths = json_object();
    for (size_t i = 0; i < route_count; i++) {
        char path[128];
        path_of(&routes[i], path);
        if (json_object_get(paths, path) == NULL)
            (void)json_object_set_new(paths, path, json_object());
        json_t *given = json_object_get(operations, routes[i].name);
        (void)json_object_set_new(json_object_get(paths, path), method_of(&routes[i]),
                                  operation_of(&routes[i], given, components));
    }
    return paths;
}

json_t *
openapi_create(void)
{
    json_error_t error;
    json_t *document = json_loadb((const char *)openapi_text, openapi_text_size, 0, &error);
    if (document == NULL)
        return NULL;
    json_t *components = json_object_get(document, "components");
    json_t *schemas = json_object_get(components, "schemas");
    (void)json_object_set_new(json_object_get(document, "info"), "version",
                              json_string(TALLY_VERSION));
    (void)json_object_set_new(schemas, "Event", openapi_event_schema());
    (void)json_object_set_new(schemas, "Entry", openapi_entry_schema());
    (void)json_object_set_new(schemas, "MovableField", openapi_movable_schema());
    (void)json_object_set_new(components, "parameters", filter_parameters());
    complete_problems(json_object_get(components, "responses"));
    json_t *paths = paths_of(json_object_get(document, "operations"), components);
    (void)json_object_del(document, "operations");
    (void)json_object_set_new(document, "paths", paths);
    return document;
}
