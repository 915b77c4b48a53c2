/*
 * credential.h - secrets in texts that say so themselves.
 *
 * By the name before them, as queries, forms, settings, headers and JSON within a text write it:
 * `token=x`, `password: x`, `{"api_key": "x"}`, `Authorization: Bearer x`; and the password of a URL:
 * `https://user:x@host`. Which names are a secret's, mask.h says. A name with a colon and no quotes
 * wants a blank behind it: an ARN has none. Where the value is in quotes or brackets it ends with
 * them, of the headers Authorization and Cookie it is the rest of the line, else it is a word.
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "mask.h"

/* The first secret whose name or URL is seen at or after `from`: its bytes are [*start_out, *end_out),
 * at least one. */
bool credential_find(const struct mask *mask, struct bytes text, size_t from, size_t *start_out,
                     size_t *end_out);

#endif
