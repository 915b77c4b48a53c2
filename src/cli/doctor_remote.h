/*
 * doctor_remote.h - a server's own findings, which doctor.c asks for where WHERE is a URL.
 */
#ifndef DOCTOR_REMOTE_H
#define DOCTOR_REMOTE_H

#include "command.h"
#include "listing.h"

enum finding_column {
    FINDING_GRADE,
    FINDING_WHERE,
    FINDING_TEXT,
    FINDING_CURE,
    FINDING_COLUMNS,
};
extern const struct listing_column finding_columns[FINDING_COLUMNS];

/* How the command ends, and a word where there is nothing to print. */
int doctor_conclude(uint64_t notes, uint64_t risks);

/* Prints what the server finds. Returns the exit status. */
int doctor_remote(const struct invocation *invocation);

#endif
