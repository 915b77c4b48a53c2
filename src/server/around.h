/*
 * around.h - which entries belong to an entry: those that share a request, a session or a user.
 */
#ifndef AROUND_H
#define AROUND_H

#include "buffer.h"
#include "field.h"

/* Appends the filter of the entries that have one of these in common with an entry of these values:
 * request_id, correlation_id, trace_id, session_id, user_id. Nothing where it has none of them. */
void around_filter(const struct bytes values[FIELD_COUNT], struct buffer *out);

/* How a list of `limit` entries, at least 1, is shared out: half before the entry, which is one of
 * them, and the others behind it. */
struct around_share {
    size_t before, after;
};
struct around_share around_share(size_t limit);

#endif
