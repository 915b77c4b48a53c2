/*
 * sse.h - entries as server-sent events (WHATWG HTML, section 9.2.5): text/event-stream.
 *
 *     id: 1234                      an entry: its index, for Last-Event-ID
 *     data: {"index":1234,…}        the row that entries.h writes as NDJSON
 *
 *     event: lagging                anything else: a name and a JSON object
 *     data: {"detail":"…"}
 *
 *     : nothing new                 a comment, so that a line without news is known to be alive
 *
 * Each ends with an empty line. No row has a line break in it.
 */
#ifndef SSE_H
#define SSE_H

#include "entries.h"

#define SSE_TYPE "text/event-stream; charset=utf-8"

struct sse;

/* `stream` is borrowed. Caller owns. */
TALLY_MUST_CHECK tally_status sse_create(struct stream *stream, struct sse **sse_out,
                                         struct tally_error *error);
void sse_destroy(struct sse *sse); /* NULL is allowed */

/* Appends an entry and commits the stream: what it hands on ends with an event's end. */
TALLY_MUST_CHECK tally_status sse_entry(struct sse *sse, const struct run_entry *entry,
                                        struct tally_error *error);

/* Appends how long a client waits before it comes back, in milliseconds. */
void sse_retry(struct buffer *out, uint64_t ms);

/* Appends what moves Last-Event-ID without an event: entries up to this index need not be looked at
 * again. */
void sse_position(struct buffer *out, uint64_t index);

/* Appends a comment, which means nothing: the line is used. */
void sse_comment(struct buffer *out);

/* The object's only member is `detail`, a text. */
void sse_event(struct buffer *out, const char *name, struct bytes detail);

/* Reads a line of such a stream, without its end: what it gives, and its value. SSE_OTHER is to be
 * passed over, as the standard says. */
enum sse_line {
    SSE_OTHER,
    SSE_ID,
    SSE_DATA,
    SSE_EVENT,
    SSE_END, /* the empty line that ends an event */
};
enum sse_line sse_read_line(struct bytes line, struct bytes *value_out);

#endif
