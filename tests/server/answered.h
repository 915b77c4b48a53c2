/*
 * answered.h - questions whose answers are JSON, for tests of a server.
 *
 * What cannot happen fails the test (cmocka). Every reply's JSON is the caller's.
 */
#ifndef ANSWERED_H
#define ANSWERED_H

#include "http.h"

#include <jansson.h>

#define JSON_TYPE   "Content-Type: application/json\r\n"
#define NDJSON_TYPE "Content-Type: application/x-ndjson\r\n"

/* An answer's status, and its body as JSON. */
struct reply {
    unsigned status;
    json_t *json;
};
/* On a connection of its own. */
struct reply reply_of(uint16_t port, const struct http_request *request);

/* The JSON of a reply that must have this status; `asked` is for people. */
json_t *reply_must(struct reply reply, unsigned status, const char *asked);

/* Members of a reply, which must be there, but for a text: "(none)". */
json_int_t number(const json_t *object, const char *name);
const char *text(const json_t *object, const char *name);
json_t *item(const json_t *object, const char *name, size_t i);

#endif
