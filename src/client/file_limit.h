/*
 * file_limit.h - the limit of a file's size that this process may have (ulimit -f).
 *
 * Who writes beyond it gets a signal that ends the program, so a library asks before.
 */
#ifndef FILE_LIMIT_H
#define FILE_LIMIT_H

#include "tally/status.h"

/* TALLY_FULL, with words that name `path`, where a file may not have `size` bytes. */
TALLY_MUST_CHECK tally_status file_limit_check(uint64_t size, const char *path,
                                               struct tally_error *error);

#endif
