/*
 * scratch.h - a folder to work in for a while.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "outcome.h"

#include <stddef.h>

/* Makes a fresh folder (0700) in `parent`, or in TMPDIR or the system's own where that is NULL; its
 * name begins with "tally-" and `what`. DONE, or UNABLE after saying why. */
int scratch_make(const char *parent, const char *what, char *path, size_t size);

/* Removes it and all that is in it, as far as that goes. */
void scratch_remove(const char *path);

#endif
