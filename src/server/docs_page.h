/*
 * docs_page.h - the OpenAPI document as a page for people.
 *
 * One HTML page that needs nothing else: no script, no other host; its style is docs.css. Pure.
 */
#ifndef DOCS_PAGE_H
#define DOCS_PAGE_H

#include "buffer.h"

#include <jansson.h>

/* Appends the page of a document from openapi_create(). */
void docs_page_write(json_t *document, struct buffer *out);

#endif
