/*
 * draft.h - an event as it will leave: one line of JSON with an id, a time, what its context adds,
 * and secrets masked.
 *
 * A draft belongs to one thread at a time and is used again; its memory grows to the largest event
 * and stays. What is refused here would be refused by the trail too; the trail refuses more (it
 * knows its policy).
 */
#ifndef DRAFT_H
#define DRAFT_H

#include "bytes.h"
#include "mask.h"
#include "tally/context.h"
#include "tally/event.h"
#include "tally/status.h"

struct draft;

/* `mask` is lent for the draft's life. */
TALLY_MUST_CHECK tally_status draft_create(const struct mask *mask, struct draft **draft_out,
                                           struct tally_error *error);
void draft_destroy(struct draft *draft); /* NULL is allowed */

/* Writes the event's line. What it lacks is taken from `context` (may be NULL), `service` (may be
 * NULL), the clock and a fresh UUIDv7. The line and the id are lent until the next call. TALLY_INVALID
 * with pointer and reason as event.h (src/event) gives them, line and column 0 but within details and
 * changes; also for a struct without `size` and a `service` that no event may have. */
TALLY_MUST_CHECK tally_status draft_write(struct draft *draft, const struct tally_event *event,
                                          const struct tally_context *context, const char *service,
                                          struct tally_error *error);
/* The same from the text of one JSON object, which need not be one line. Its members stay as they
 * are, in their order; those of null are dropped. */
TALLY_MUST_CHECK tally_status draft_write_json(struct draft *draft, struct bytes json,
                                               const struct tally_context *context,
                                               const char *service, struct tally_error *error);

struct bytes draft_line(const struct draft *draft); /* of the last write: no newline */
struct bytes draft_id(const struct draft *draft);
uint64_t draft_masked(const struct draft *draft); /* values masked in it */

#endif
