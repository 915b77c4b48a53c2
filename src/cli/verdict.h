/*
 * verdict.h - what verification found about a trail, in a sentence or in a row.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "listing.h"
#include "seen.h"
#include "verify.h"

/* What came of one trail. */
struct finding {
    const char *name;
    char origin[TALLY_ORIGIN_MAX + 1]; /* that its checkpoint names; "" where it cannot be read */
    struct verify_report report;
    bool first_sight;
    bool remembered; /* `seen` holds something */
    struct seen seen;
};

/* Appends a line, and a second one at first sight: names and texts in them are escaped. */
void verdict_sentence(const struct finding *finding, struct buffer *text);

/* The same for programs. */
#define VERDICT_COLUMN_COUNT 13
extern const struct listing_column verdict_columns[VERDICT_COLUMN_COUNT];
TALLY_MUST_CHECK tally_status verdict_row(struct listing *listing, const struct finding *finding,
                                          struct tally_error *error);

#endif
