/*
 * csv.h - RFC 4180: cells in a row, commas between, CR LF behind.
 *
 * A cell is quoted where it holds a comma, a quote, CR or LF, or begins or ends with a blank. An
 * absent cell is empty; an empty text is two quotes, for readers who can tell.
 */
#ifndef CSV_H
#define CSV_H

#include "buffer.h"

/* How a text is made fit for its reader; a set of bits. */
#define CSV_EXACT 0x00u
/* A spreadsheet takes a cell that begins with = + - @ (or a full-width form of them), tab, CR or LF
 * for a formula, also behind blanks. Such a text gets an apostrophe before it, which spreadsheets
 * take as "this is text". */
#define CSV_GUARD 0x01u
/* Characters that act on a terminal are shown as escapes (escape.h). */
#define CSV_SHOW 0x02u

/* Appends one cell; data NULL is absent. */
void csv_cell(struct bytes text, unsigned ways, struct buffer *out);

/* Between cells, and behind the last of a row. */
void csv_comma(struct buffer *out);
void csv_end_row(struct buffer *out);

#endif
