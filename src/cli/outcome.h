/*
 * outcome.h - how a command ends: its exit status, and the words on standard error.
 *
 * Only commands print, and only they decide the exit status; everything below hands statuses up.
 * Texts on standard error begin with "tally: ", are escaped (escape.h), because names and values in
 * them may come from strangers, and say what to do next.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "tally/status.h"

/* The exit statuses, the same for all commands. */
enum outcome {
    DONE = 0,
    DISPROVED = 1, /* tampered, or a proof that fails, or an index that is wrong */
    MISUSED = 2,   /* wrong usage or invalid input; nothing was stored */
    UNABLE = 3,    /* no folder, refused, no space, cannot be checked */
    NOT_THERE = 4, /* an entry or key asked for is not there */
};

/* Prints a line. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Prints a line and returns `outcome`, so that it can be returned at once. */
__attribute__((format(printf, 2, 3))) int fail(enum outcome outcome, const char *format, ...);

/* Prints what `error` says, with its line, column and pointer, behind `place` (a file's name; NULL
 * for none). Returns the outcome of the error's status. */
int fail_with(const struct tally_error *error, const char *place);

/* What a fault ends a command with: MISUSED for TALLY_INVALID, UNABLE for the others. */
enum outcome outcome_of(tally_status status);

#endif
