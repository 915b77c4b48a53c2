/*
 * event.h - read events: JSON in, normalised values out.
 *
 * A reader is for one thread. Reading is strict where a mistake would change what is on record and
 * lenient where spelling does not matter; docs/api.md, "Values and limits", has all the rules.
 * Errors are TALLY_INVALID with line, column, pointer and a sentence that says what would be
 * accepted.
 */
#ifndef EVENT_H
#define EVENT_H

#include "catalogue.h"
#include "field.h"
#include "json.h"

/* Values one event's JSON may hold; more does not fit an entry's parts. */
#define EVENT_NODES_MAX (UINT32_C(1) << 20)

/* Fraction digits of the times that Tallystick sets itself (`received`, a missing `timestamp`). */
#define EVENT_CLOCK_DIGITS 6
#define EVENT_CLOCK_UNIT   1000 /* nanoseconds */

/* An event's values, by field: decoded text, a number's token, or canonical JSON text (see enum
 * field_type). A field that is not there has data NULL; an empty text has data and size 0. Bit f of
 * `present` says the same as values[f].data != NULL. */
struct event {
    uint64_t present;
    uint64_t sent; /* of those, the fields that came with the event; the others were filled in */
    struct bytes values[FIELD_COUNT];
    int64_t timestamp; /* nanoseconds since 1970 */
};

/* An instant without the digits that Tallystick does not keep of its own clock. */
static inline int64_t
event_clock_cut(int64_t now)
{
    int64_t rest = now % EVENT_CLOCK_UNIT;
    return now - (rest < 0 ? rest + EVENT_CLOCK_UNIT : rest);
}

struct event_reader;

/* Caller owns. `catalogue` is borrowed until the reader is destroyed and its events are used; with
 * catalogue_none() only a missing id and timestamp are given. */
TALLY_MUST_CHECK tally_status event_reader_create(const struct catalogue *catalogue,
                                                  struct event_reader **reader_out,
                                                  struct tally_error *error);
void event_reader_destroy(struct event_reader *reader);

/* Fills in from another catalogue from now on, borrowed in the same way. */
void event_reader_use(struct event_reader *reader, const struct catalogue *catalogue);

/* Lets go of everything that events read so far point to. Call it once per batch. */
void event_reader_reset(struct event_reader *reader);

/* The reader's tape, for json_scan and event_read_node; its content lasts until the reader's next
 * call. Of a JSON array scanned there whole, an element's errors have the array's lines and
 * pointers that begin with its index. */
struct json_tape *event_reader_tape(struct event_reader *reader);

/* Reads one event from a text that is one JSON object. `now` (nanoseconds) becomes the timestamp of
 * an event without one. The values are views into `json` and into the reader's memory: lent until
 * event_reader_reset, and as long as `json` stays. After a refusal the reader goes on as before. */
TALLY_MUST_CHECK tally_status event_read(struct event_reader *reader, struct bytes json,
                                         int64_t now, struct event *event_out,
                                         struct tally_error *error);

/* The same, from object `node` of the reader's own tape. Places in errors count from the tape's
 * text. */
TALLY_MUST_CHECK tally_status event_read_node(struct event_reader *reader, uint32_t node,
                                              int64_t now, struct event *event_out,
                                              struct tally_error *error);

/* What an event with neither is refused with. */
#define EVENT_SAYS_NOTHING "an event needs action or event_type: what happened?"

/* Checks object `node` of the reader's own tape as event_read_node would, but for what an event
 * must have: whoever asks has more members to add. Nothing is filled in; `details` and `changes`
 * are as the text has them, without the members that will go there. `next` in the name node of each
 * member is its field then. */
TALLY_MUST_CHECK tally_status event_check_node(struct event_reader *reader, uint32_t node,
                                               struct event *event_out, struct tally_error *error);

/* The same of an event that was composed on the reader's tape (compose.h). */
TALLY_MUST_CHECK tally_status event_check_composed(struct event_reader *reader,
                                                   struct event *event_out,
                                                   struct tally_error *error);

/* The field that a member's name node spells, in whatever escapes, or FIELD_COUNT. */
enum field_id event_name_field(const struct json_tape *tape, uint32_t name);

/* The event of a control entry: `control` is a JSON object whose member `type` is a string. Gets a
 * fresh id and `now` as timestamp. Written like any other with entry_write. */
TALLY_MUST_CHECK tally_status event_read_control(struct event_reader *reader, struct bytes control,
                                                 int64_t now, struct event *event_out,
                                                 struct tally_error *error);

/* Whether an event says what the stored values of the same id say: then it is a repeat. Every
 * member must be equal after normalisation, in both directions, but for what Tallystick sets (v,
 * received, writer, private) and the timestamp of an event that brought none. A control entry
 * equals no event. `unknown` names fields whose stored values cannot be read any more (erased):
 * they are not compared. */
bool event_equal(const struct event *event, const struct bytes stored[FIELD_COUNT],
                 uint64_t unknown);

#endif
