/*
 * dead_letter.h - ROOT/dead-letter.ndjson: events that the trail refused for good.
 *
 *     {"refused":"2026-11-21T03:44:00.123456789Z","reason":"…","event":{…}}
 *
 * One line each, in a file for its owner alone (0600). Any thread and any number of processes append
 * to it. At DEAD_LETTER_SIZE_MAX it becomes dead-letter.ndjson.1, in place of the one before.
 */
#ifndef DEAD_LETTER_H
#define DEAD_LETTER_H

#include "bytes.h"
#include "tally/status.h"

#define DEAD_LETTER_SIZE_MAX ((uint64_t)64 << 20)

/* Appends one event, a JSON object in one line; it is on stable storage on TALLY_OK. The folder
 * `root` is made where it is not there, and refused as spool_create() refuses it. What is not UTF-8
 * in `reason` is shown as \xff. */
TALLY_MUST_CHECK tally_status dead_letter_append(const char *root, const char *reason,
                                                 struct bytes event, struct tally_error *error);

#endif
