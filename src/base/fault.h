/*
 * fault.h - fill a tally_error where the fault happens, in one expression.
 *
 *     return fault(error, TALLY_DAMAGED, "%s: block %u does not match its checksum", name, block);
 *
 * `error` may be NULL. Each returns the status it was given, so that it can be returned at once.
 */
#ifndef FAULT_H
#define FAULT_H

#include "bytes.h"
#include "tally/status.h"

__attribute__((format(printf, 3, 4))) tally_status fault(struct tally_error *error,
                                                         tally_status status, const char *format,
                                                         ...);

/* TALLY_IO with errno's text appended after ": " (TALLY_FULL for ENOSPC and EDQUOT, TALLY_DENIED
 * for EACCES, EPERM and EROFS). Reads errno at once. */
__attribute__((format(printf, 2, 3))) tally_status io_fault(struct tally_error *error,
                                                            const char *format, ...);

tally_status memory_fault(struct tally_error *error);

/* Adds the place to an error that was filled without one: `line` when it has none yet. */
void fault_at_line(struct tally_error *error, uint64_t line);

#endif
