/*
 * compose.h - write an event's JSON member by member, with the tape that reading it would give.
 *
 * For who has the members one by one and wants what json_scan() gives, without the scan. No field
 * is added twice; that is the caller's to know.
 */
#ifndef COMPOSE_H
#define COMPOSE_H

#include "field.h"
#include "json.h"

/* Both are the caller's. While members are added the text may move; the tape's nodes are right
 * from compose_end() on, or when an error is made of them. `next` in a name node is the field. */
struct composing {
    struct json_tape *tape;
    struct buffer *text;
};

/* Empties both and begins the object, which is node 0. */
void compose_begin(struct composing *composing);

/* Each adds a member. A string is escaped as RFC 8785 wants it; TALLY_INVALID where it is not valid
 * UTF-8. A number is given as its token, which the caller knows to be one. Of `json` there must be
 * one value, and blanks; line and column of the error are those within it. */
TALLY_MUST_CHECK tally_status compose_string(struct composing *composing, enum field_id field,
                                             struct bytes value, struct tally_error *error);
TALLY_MUST_CHECK tally_status compose_number(struct composing *composing, enum field_id field,
                                             struct bytes token, struct tally_error *error);
TALLY_MUST_CHECK tally_status compose_json(struct composing *composing, enum field_id field,
                                           struct bytes json, struct tally_error *error);

/* Ends the object. */
TALLY_MUST_CHECK tally_status compose_end(struct composing *composing, struct tally_error *error);

#endif
