#include "answered.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TIMEOUT_MS 60000

struct reply
reply_of(uint16_t port, const struct http_request *request)
{
    struct http *http = http_connect(port);
    struct http_answer answer;
    enum http_result result = http_ask(http, request, TIMEOUT_MS, &answer);
    if (result != HTTP_OK)
        fail_msg("%s: result %d, %s", request->target, result, http_why(http));
    struct reply reply = { answer.status,
                           json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL) };
    if (reply.json == NULL)
        fail_msg("%s: no JSON: %.*s", request->target, BYTES_ARG(answer.body));
    http_close(http);
    return reply;
}

json_t *
reply_must(struct reply reply, unsigned status, const char *asked)
{
    if (reply.status != status)
        fail_msg("%.200s: status %u, not %u: %s", asked, reply.status, status,
                 json_dumps(reply.json, 0));
    return reply.json;
}

json_int_t
number(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        fail_msg("%s is no number", name);
    return json_integer_value(value);
}

const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "(none)" : value;
}

json_t *
item(const json_t *object, const char *name, size_t i)
{
    json_t *array = json_object_get(object, name);
    if (json_array_size(array) <= i)
        fail_msg("%s has no item %zu", name, i);
    return json_array_get(array, i);
}
