/*
 * figures.h - a summary written down: as one JSON object, or as rows.
 *
 *     {"total":7,
 *      "by":"action","values":[{"value":"user.login","count":5}],"rest":1,"absent":1,"distinct":2,
 *      "interval":"1h","buckets":[{"start":"2026-01-01T00:00:00Z","count":7,
 *                                  "values":[5],"rest":1,"absent":1}],
 *      "percentiles":{"field":"response_time_ms","count":6,"absent":1,"minimum":0.5,"maximum":31,
 *                     "values":[{"percentile":50,"value":12.25}]},
 *      "distinct_values":{"user_id":3}}
 *
 * The second line only where it was counted by a field; by two, "by" and each "value" are arrays, in
 * which a value may be null. The third only where over time, the fourth only where both. Values are
 * texts, those of numbers too; only what percentiles give are numbers. As rows, for tables, CSV and
 * NDJSON, each has a kind, a value (a second one where by two fields), a count, and where over time
 * and by fields, the start of its bucket.
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
