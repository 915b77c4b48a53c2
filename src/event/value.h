/*
 * value.h - the rules of single values: from a scanned node to what is kept of it.
 */
#ifndef VALUE_H
#define VALUE_H

#include "arena.h"
#include "event.h"

/* Reads node `node` as an event's value of `field`, by the rule of the field's type (docs/api.md,
 * "Values and limits"): sets values[field] and, for a time, `timestamp`. The value points into the
 * tape's text or into `arena`. Of TYPE_OBJECT only the kind is checked and the token is given; the
 * caller makes it canonical. TALLY_INVALID with a place, TALLY_NO_MEMORY. */
TALLY_MUST_CHECK tally_status value_read(enum field_id field, const struct json_tape *tape,
                                         uint32_t node, struct arena *arena, struct event *event,
                                         struct tally_error *error);

/* What a JSON kind is called in messages: "a number". Static. */
const char *value_kind_text(enum json_kind kind);

#endif
