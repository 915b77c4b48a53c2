/*
 * table.h - rows in columns, for people.
 *
 * Rows are kept until table_flush(), which lays out what there is: widths come from the rows, and
 * from those laid out before, so that what follows stands under what came first. A table wider than
 * its terminal has its widest columns cut with an ellipsis; columns that had no value yet are left
 * out. Text is escaped (escape.h) and measured as a terminal does (wcwidth).
 */
#ifndef TABLE_H
#define TABLE_H

#include "listing.h"

/* Rows worth laying out together; more are flushed by table_row's caller. */
#define TABLE_ROWS_MAX 1000

struct table;

TALLY_MUST_CHECK tally_status table_create(const struct listing_style *style,
                                           const struct listing_column *columns, size_t count,
                                           struct table **table_out, struct tally_error *error);
void table_destroy(struct table *table); /* NULL is allowed */

/* Returns the rows that wait to be laid out. */
size_t table_row(struct table *table, const struct bytes *cells);

/* Appends the rows, a header before them if there was none or it no longer fits. */
void table_flush(struct table *table, struct buffer *out);

#endif
