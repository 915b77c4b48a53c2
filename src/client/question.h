/*
 * question.h - a trail answers what the HTTP API answers to two of its targets, without a server:
 * /api/events with its filters, orders and pages, and /api/events/INDEX (docs/api.md).
 */
#ifndef QUESTION_H
#define QUESTION_H

#include "buffer.h"
#include "tally/status.h"
#include "trail.h"

/* Appends the answer. TALLY_INVALID for what a server answers with 400; TALLY_ABSENT: no such entry;
 * TALLY_UNSUPPORTED: another target; TALLY_BUSY: not until the monotonic time `until`. */
TALLY_MUST_CHECK tally_status question_answer(struct trail *trail, const char *target,
                                              int64_t until, struct buffer *answer,
                                              struct tally_error *error);

#endif
