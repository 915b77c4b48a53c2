/*
 * explanation.h - an account written down: as a JSON object, or as rows.
 *
 *     {"filter":"user_id:u1",
 *      "runs":{"all":12,"passed":0,"ruled_out":11,"asked":1},
 *      "pages":{"all":768,"passed":704,"ruled_out":63,"asked":1},
 *      "terms":[{"term":"user_id:u1","pages":{"summary":63,"codes":1}}],
 *      "matches":50,"reads":9,"bytes":73728}
 *
 * Of a term's pages only the ways are named in which it was asked. As rows, for tables, CSV and
 * NDJSON, each has what it is about (filter, runs, pages, term, matches, reads, bytes), the filter
 * or the term, what became of how many.
 */
#ifndef EXPLANATION_H
#define EXPLANATION_H

#include "account.h"
#include "listing.h"

/* Appends the object, without a line end. */
void explanation_json(const struct account *account, struct buffer *out);

/* Writes the rows and flushes the stream. `format` is not LISTING_JSON. */
TALLY_MUST_CHECK tally_status explanation_rows(const struct account *account,
                                               enum listing_format format,
                                               const struct listing_style *style,
                                               struct stream *stream, struct tally_error *error);

#endif
