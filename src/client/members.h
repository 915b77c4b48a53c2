/*
 * members.h - the members of a struct tally_event, by field.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "compose.h"
#include "tally/event.h"

/* Composes the JSON object of the members that are there. Values are not checked but for what JSON
 * itself asks of them (UTF-8, finite numbers; details and changes are one JSON value each).
 * TALLY_INVALID with the pointer, line and column 0 but within details and changes; TALLY_UNSUPPORTED
 * where the program was compiled with members that this library does not know. */
TALLY_MUST_CHECK tally_status members_compose(const struct tally_event *event,
                                              struct composing *composing,
                                              struct tally_error *error);

/* Whether there is an event, and one that this library knows all members of: as above. */
TALLY_MUST_CHECK tally_status members_check(const struct tally_event *event,
                                            struct tally_error *error);

/* The text members, in the order of struct tally_event: which field each is. */
#define MEMBERS_TEXTS 27
enum field_id members_field(unsigned i);

/* Text member `i`; NULL where it is absent, or beyond what the program was compiled with. */
const char *members_text(const struct tally_event *event, unsigned i);
void members_set_text(struct tally_event *event, unsigned i, const char *text);

/* Lays `over`, which is checked, over an event of this library's own: members that are there replace
 * what was. Pointers are copied, not texts. */
void members_overlay(struct tally_event *event, const struct tally_event *over);

#endif
