/*
 * entries.h - entries as rows: what queries and exports print.
 *
 * NDJSON, JSON and CSV carry an entry whole: `index`, then every field in the field table's reading
 * order (fields_in_reading_order), both parts' members in one flat row. In JSON an entry whose
 * private part is gone has `"erased":true` behind them; a CSV has the same header whatever the
 * trail holds. A table shows what people look for first: when, who, what, to which thing, with what
 * result. entries_read.h reads a JSON row back.
 */
#ifndef ENTRIES_H
#define ENTRIES_H

#include "excerpt.h"
#include "listing.h"
#include "run.h"

struct entries;

/* `stream` is borrowed until the writer is destroyed. Caller owns. */
TALLY_MUST_CHECK tally_status entries_create(enum listing_format format,
                                             const struct listing_style *style,
                                             struct stream *stream, struct entries **entries_out,
                                             struct tally_error *error);
void entries_destroy(struct entries *entries); /* NULL is allowed */

/* One entry; only its index, its values and whether it is erased are looked at (RUN_VALUES). */
TALLY_MUST_CHECK tally_status entries_row(struct entries *entries, const struct run_entry *entry,
                                          struct tally_error *error);

/* The entries of an excerpt, which is cut behind the one with which `size_max` bytes are written (a
 * table counts as it is fitted: rows that wait for it do not). */
TALLY_MUST_CHECK tally_status entries_excerpt(struct entries *entries, struct excerpt *excerpt,
                                              uint64_t size_max, struct tally_error *error);

/* Writes out the rows so far, as listing_flush(). */
TALLY_MUST_CHECK tally_status entries_flush(struct entries *entries, struct tally_error *error);

/* As listing_end(). */
TALLY_MUST_CHECK tally_status entries_end(struct entries *entries, struct bytes members,
                                          struct tally_error *error);

#endif
