/*
 * columns.h - what the columns of a trail take in its sealed segments.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "segment.h"
#include "snapshot.h"

/* Sums over all segments. The row behind the fields' is that of the salts. */
struct column_sums {
    uint64_t bytes[FIELD_COUNT + 1];
    const char *codecs[FIELD_COUNT + 1]; /* NULL: no such column; "mixed": not the same in all */
    uint64_t entries;
    uint64_t files; /* bytes of all segment files */
};

TALLY_MUST_CHECK tally_status columns_sum(const struct snapshot *snapshot,
                                          struct column_sums *sums_out, struct tally_error *error);

#endif
