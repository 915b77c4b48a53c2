/*
 * spool_root.h - the folder in which the spools of all of a user's processes stand.
 *
 * Its events are nobody else's business and nobody else's to change, so it must belong to this user
 * and be writable by nobody else.
 */
#ifndef SPOOL_ROOT_H
#define SPOOL_ROOT_H

#include "tally/status.h"

/* spool_root_default() is in spool.h. */

/* Makes the folder where it is not there, and those above it, 0700. Gives its absolute path without
 * symbolic links; the caller frees it. TALLY_DENIED says what is wrong with it. */
TALLY_MUST_CHECK tally_status spool_root_make(const char *root, char **path_out,
                                              struct tally_error *error);

/* The same of one that must be there; TALLY_ABSENT where it is not. */
TALLY_MUST_CHECK tally_status spool_root_find(const char *root, char **path_out,
                                              struct tally_error *error);

#endif
