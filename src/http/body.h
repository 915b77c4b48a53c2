/*
 * body.h - from the bytes of a request's body to the events in it.
 *
 * Two steps, both bounded. body_decode() undoes a content coding (RFC 9110, section 8.4): gzip or
 * zstd, one member or frame after another, never beyond `size_max`, whatever the ratio. events_*
 * cuts what came out into the texts of single events. Pure but for the buffers.
 */
#ifndef BODY_H
#define BODY_H

#include "buffer.h"
#include "tally/status.h"

enum body_coding {
    CODING_NONE, /* identity, or no such header */
    CODING_GZIP, /* gzip, x-gzip */
    CODING_ZSTD,
};

/* Reads a Content-Encoding (absent: data NULL). False for any other coding, or more than one. */
bool body_coding_find(struct bytes value, enum body_coding *coding_out);

enum body_type {
    BODY_JSON,   /* application/json, or no such header: one object, or an array of objects */
    BODY_NDJSON, /* application/x-ndjson, application/ndjson, application/jsonl: an object a line */
};

/* Reads a Content-Type (absent: data NULL); parameters other than charset=utf-8 are refused. False
 * for any other type. */
bool body_type_find(struct bytes value, enum body_type *type_out);

/* Appends what `coded` holds to `out`, which grows by `size_max` bytes at most. TALLY_INVALID where
 * it is damaged, cut short or has something behind it; TALLY_FULL where it would be more than
 * size_max (that much memory is never taken for it); TALLY_NO_MEMORY. zstd windows above 8 MiB are
 * refused. */
TALLY_MUST_CHECK tally_status body_decode(enum body_coding coding, struct bytes coded,
                                          size_t size_max, struct buffer *out,
                                          struct tally_error *error);

/* The events of a body, one after another. */
struct body_events {
    struct bytes text; /* lent */
    enum body_type type;
    size_t at;
    uint64_t line;     /* where `at` is, 1-based */
    uint64_t position; /* of the next event, 0-based */
    bool array;
    bool ended;
};

struct body_event {
    struct bytes text; /* from its first byte to its last, no blanks around it; lent */
    uint64_t line;     /* where it begins, 1-based */
    uint64_t position; /* among the body's events, 0-based */
    bool in_array;     /* pointers into it begin with its position */
};

void body_events_begin(struct body_events *events, struct bytes text, enum body_type type);

/* The next event's text: what stands between brackets and commas, or on a line; whether it is an
 * object of strict JSON is for batch_add(). One without an end reaches to the body's and is never
 * JSON. TALLY_ABSENT at the end. TALLY_INVALID with line and pointer where the structure between
 * events is broken (no array, no comma, something behind the end, a byte order mark before all):
 * nothing follows then. Lines end in LF or CRLF, the last one need not; empty ones are passed over
 * and are no event. An empty body and an empty array have none.
 *
 * Law: if every event is a JSON object and TALLY_ABSENT ends them, the body is strict JSON (NDJSON:
 * every line is). */
TALLY_MUST_CHECK tally_status body_events_next(struct body_events *events,
                                               struct body_event *event_out,
                                               struct tally_error *error);

/* Turns the place of an error that batch_add() met in an event into the body's: adds the event's
 * line, puts its position before the pointer where it stands in an array. The column is lost: where
 * on its line the event begins is not known. */
void body_event_place(const struct body_event *event, struct tally_error *error);

#endif
