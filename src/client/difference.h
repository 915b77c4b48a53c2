/*
 * difference.h - what changed between two states of a resource.
 */
#ifndef DIFFERENCE_H
#define DIFFERENCE_H

#include "buffer.h"
#include "bytes.h"
#include "tally/status.h"

/* Appends an event's `changes` to `out`: of two JSON objects the members that differ, as
 *
 *     {"name":{"before":…,"after":…}, …}
 *
 * in the order of RFC 8785 by name. Values are compared whole and in canonical form: the order of
 * members and the spelling of strings make no difference, the digits of a number do (1.0 is not 1).
 * The side that has no such member is left out. A state with data NULL is one without
 * members: a creation, a deletion.
 * TALLY_INVALID with the place where one is no JSON object, and which of them; then nothing is
 * appended. */
TALLY_MUST_CHECK tally_status difference_write(struct bytes before, struct bytes after,
                                               struct buffer *out, struct tally_error *error);

/* TALLY_INVALID where this is no JSON object. */
TALLY_MUST_CHECK tally_status difference_check(struct bytes state, struct tally_error *error);

#endif
