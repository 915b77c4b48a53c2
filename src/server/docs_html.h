/*
 * docs_html.h - pieces of the page of docs_page.h.
 */
#ifndef DOCS_HTML_H
#define DOCS_HTML_H

#include "buffer.h"

#include <jansson.h>

/* Text for an element or an attribute; `…` becomes code. NULL is nothing. */
void html_text(struct buffer *out, const char *text);

/* The text of a member that is a string. */
const char *html_member(json_t *object, const char *name);

/* What a value of this schema is, in a few words; schemas by name are links. */
void html_type(struct buffer *out, json_t *schema);

/* The members of an object's schema, as a table; nothing where it has none. */
void html_members(struct buffer *out, json_t *schema);

/* The last name of a reference ("#/components/schemas/Key" gives "Key"), or NULL where the node is
 * none. */
const char *html_reference(json_t *node);

#endif
