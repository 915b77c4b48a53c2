/*
 * verdict.h - what verification found about a trail, in a sentence or in a row.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "listing.h"
#include "verify.h"

/* Whether who verifies remembers trails, and this one. */
enum sight {
    SIGHT_UNASKED, /* does not remember */
    SIGHT_FIRST,   /* sees it for the first time */
    SIGHT_KNOWN,
};

/* What came of one trail. */
struct finding {
    const char *name;
    enum sight sight;
    struct verify_report report;
};

/* The verdict of this name; false where there is none. */
bool verdict_find(struct bytes name, enum verdict *verdict_out);

/* Appends a line, and a second one at first sight: names and texts in them are escaped. */
void verdict_sentence(const struct finding *finding, struct buffer *text);

/* The same for programs. The last column is the signed checkpoint itself, for who wants to keep it:
 * listings of one column less do without. */
#define VERDICT_COLUMN_COUNT 14
extern const struct listing_column verdict_columns[VERDICT_COLUMN_COUNT];
TALLY_MUST_CHECK tally_status verdict_row(struct listing *listing, const struct finding *finding,
                                          struct tally_error *error);

#endif
