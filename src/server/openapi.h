/*
 * openapi.h - the interface as an OpenAPI 3.1.0 document.
 *
 * What the server serves by is in two tables, and so is most of the document: paths, parameters and
 * roles come from routes[], events and entries from fields[]. What no table has, the shapes of
 * answers and a few sentences, stands in openapi.json, one member of "operations" a route:
 *
 *     "body": "Name"                                       a JSON body of that schema
 *     "responses": { "200": { "description": "…", "json": "Name" } }    a JSON answer of it
 *                  { "200": { "description": "…", "text": "TYPE" } }    text of that media type
 *                  { "409": {} }                           the problem of components.responses
 *
 * and else as OpenAPI has it. Answers that any such route may give are added. A test holds the two
 * against each other.
 */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "routes.h"

#include <jansson.h>

/* The whole document, or NULL when memory is short. Caller owns. */
json_t *openapi_create(void);

/* Schemas of the field table. */
json_t *openapi_event_schema(void);
json_t *openapi_entry_schema(void);
json_t *openapi_movable_schema(void); /* fields that a trail may have in its other part */

/* The name of the open segment of a route's pattern ("/api/keys/…" has "id"), or NULL where
 * it has none. Static. */
const char *openapi_segment(const struct route *route);

#endif
