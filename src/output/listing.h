/*
 * listing.h - rows of named cells, written as a table, JSON, NDJSON or CSV.
 *
 *     table   columns fitted to the terminal; columns without any value are left out
 *     json    {"data": [ROW…], …}, one document; a ROW is a flat object of the cells that are there
 *     ndjson  a ROW a line
 *     csv     a header line, then a line a row (csv.h)
 *
 * Everything that commands print as rows goes through here: entries, receipts, trails, findings.
 * JSON and tables escape what acts on a terminal (escape.h); CSV does so if asked to.
 */
#ifndef LISTING_H
#define LISTING_H

#include "stream.h"

enum listing_format {
    LISTING_TABLE,
    LISTING_JSON,
    LISTING_NDJSON,
    LISTING_CSV,
};

/* The format of this name ("table", …); false where there is none. */
bool listing_format_find(const char *name, enum listing_format *format_out);

enum cell_kind {
    CELL_TEXT,   /* any UTF-8 */
    CELL_NUMBER, /* a JSON number; on the right in tables */
    CELL_JSON,   /* any JSON value */
};

/* A table on a narrow terminal cuts texts; what is worth nothing when cut is kept whole. */
enum cell_cut {
    CELL_CUTS,
    CELL_WHOLE,
    CELL_EXTRA, /* cut, or left out as a column where the others would be cut to bits */
};

struct listing_column {
    const char *name;
    enum cell_kind kind;
    enum cell_cut cut;
    /* The colour of a cell in a table, as an ANSI SGR parameter ("31"), or NULL for none. */
    const char *(*paint)(struct bytes cell);
};

struct listing_style {
    unsigned width; /* of the terminal; 0: as wide as it gets */
    bool colour;
    unsigned csv_ways; /* CSV_GUARD, CSV_SHOW */
};

#define LISTING_COLUMNS_MAX 64

struct listing;

/* `columns` (1 to LISTING_COLUMNS_MAX) and `stream` are borrowed until the listing is destroyed.
 * Writes what comes before the rows. Caller owns. */
TALLY_MUST_CHECK tally_status listing_create(enum listing_format format,
                                             const struct listing_style *style,
                                             const struct listing_column *columns, size_t count,
                                             struct stream *stream, struct listing **listing_out,
                                             struct tally_error *error);
void listing_destroy(struct listing *listing); /* NULL is allowed */

/* A row: a cell for each column, data NULL where it is absent. Cells are used during the call. */
TALLY_MUST_CHECK tally_status listing_row(struct listing *listing, const struct bytes *cells,
                                          struct tally_error *error);

/* Writes out the rows so far: a table is fitted a screen's worth at a time. */
TALLY_MUST_CHECK tally_status listing_flush(struct listing *listing, struct tally_error *error);

/* Writes what comes behind the rows and flushes the stream. `members` is put into JSON's document
 * behind "data", as in `"next":null`; absent for none; other formats leave it out. */
TALLY_MUST_CHECK tally_status listing_end(struct listing *listing, struct bytes members,
                                          struct tally_error *error);

#endif
