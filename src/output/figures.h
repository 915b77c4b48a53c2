/*
 * figures.h - a summary written down: as one JSON object, or as rows.
 *
 *     {"total":7,
 *      "by":"action","values":[{"value":"user.login","count":5}],"rest":1,"absent":1,"distinct":2,
 *      "interval":"1h","buckets":[{"start":"2026-01-01T00:00:00Z","count":7}]}
 *
 * The second line only where it was counted by a field, the third only where over time. Values are
 * texts, those of numbers too. As rows, for tables, CSV and NDJSON, each has a kind (total,
 * value, rest, absent, distinct, bucket), the value or the bucket's start, and the count.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "listing.h"
#include "summary.h"

/* Appends the object and a line end. `members` stands at its end, each with a comma before it;
 * absent for none. */
void figures_json(const struct summary *summary, struct bytes members, struct buffer *out);

/* Writes the rows and flushes the stream. `format` is not LISTING_JSON. */
TALLY_MUST_CHECK tally_status figures_rows(const struct summary *summary,
                                           enum listing_format format,
                                           const struct listing_style *style, struct stream *stream,
                                           struct tally_error *error);

#endif
