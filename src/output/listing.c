#include "listing.h"

#include "csv.h"
#include "escape.h"
#include "fault.h"
#include "table.h"

#include <assert.h>
#include <stdlib.h>

struct listing {
    enum listing_format format;
    struct listing_style style;
    const struct listing_column *columns;
    size_t count;
    struct stream *stream;
    struct table *table; /* LISTING_TABLE only */
    uint64_t rows;
};

bool
listing_format_find(const char *name, enum listing_format *format_out)
{
    static const char *const names[] = {
        [LISTING_TABLE] = "table",
        [LISTING_JSON] = "json",
        [LISTING_NDJSON] = "ndjson",
        [LISTING_CSV] = "csv",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format_out = (enum listing_format)i;
            return true;
        }
    }
    return false;
}

static void
csv_header(const struct listing *listing)
{
    struct buffer *out = &listing->stream->buffer;
    for (size_t i = 0; i < listing->count; i++) {
        if (i > 0)
            csv_comma(out);
        csv_cell(bytes_text(listing->columns[i].name), CSV_EXACT, out);
    }
    csv_end_row(out);
}

tally_status
listing_create(enum listing_format format, const struct listing_style *style,
               const struct listing_column *columns, size_t count, struct stream *stream,
               struct listing **listing_out, struct tally_error *error)
{
    assert(count >= 1 && count <= LISTING_COLUMNS_MAX);

    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL)
        return memory_fault(error);
    listing->format = format;
    listing->style = *style;
    listing->columns = columns;
    listing->count = count;
    listing->stream = stream;
    if (format == LISTING_TABLE) {
        tally_status status = table_create(style, columns, count, &listing->table, error);
        if (status != TALLY_OK) {
            free(listing);
            return status;
        }
    }
    if (format == LISTING_CSV)
        csv_header(listing);
    if (format == LISTING_JSON)
        buffer_text(&stream->buffer, "{\"data\":[");
    *listing_out = listing;
    return TALLY_OK;
}

void
listing_destroy(struct listing *listing)
{
    if (listing == NULL)
        return;
    table_destroy(listing->table);
    free(listing);
}

static void
csv_row(const struct listing *listing, const struct bytes *cells)
{
    struct buffer *out = &listing->stream->buffer;
    for (size_t i = 0; i < listing->count; i++) {
        if (i > 0)
            csv_comma(out);
        bool is_number = listing->columns[i].kind == CELL_NUMBER;
        csv_cell(cells[i], is_number ? CSV_EXACT : listing->style.csv_ways, out);
    }
    csv_end_row(out);
}

static void
json_row(const struct listing *listing, const struct bytes *cells)
{
    struct buffer *out = &listing->stream->buffer;
    bool first = true;
    buffer_byte(out, '{');
    for (size_t i = 0; i < listing->count; i++) {
        if (cells[i].data == NULL)
            continue;
        if (!first)
            buffer_byte(out, ',');
        first = false;
        buffer_byte(out, '"');
        buffer_text(out, listing->columns[i].name);
        buffer_text(out, "\":");
        if (listing->columns[i].kind == CELL_TEXT)
            escape_json_string(cells[i], out);
        else
            escape_json(cells[i], out);
    }
    buffer_byte(out, '}');
}

tally_status
listing_row(struct listing *listing, const struct bytes *cells, struct tally_error *error)
{
    struct buffer *out = &listing->stream->buffer;
    switch (listing->format) {
    case LISTING_TABLE:
        if (table_row(listing->table, cells) >= TABLE_ROWS_MAX)
            table_flush(listing->table, out);
        break;
    case LISTING_JSON:
        buffer_text(out, listing->rows == 0 ? "\n" : ",\n");
        json_row(listing, cells);
        break;
    case LISTING_NDJSON:
        json_row(listing, cells);
        buffer_byte(out, '\n');
        break;
    case LISTING_CSV:
        csv_row(listing, cells);
        break;
    }
    listing->rows++;
    return stream_commit(listing->stream, error);
}

tally_status
listing_flush(struct listing *listing, struct tally_error *error)
{
    if (listing->format == LISTING_TABLE)
        table_flush(listing->table, &listing->stream->buffer);
    return stream_flush(listing->stream, error);
}

tally_status
listing_end(struct listing *listing, struct bytes members, struct tally_error *error)
{
    struct buffer *out = &listing->stream->buffer;
    if (listing->format == LISTING_JSON) {
        buffer_text(out, listing->rows == 0 ? "]" : "\n]");
        if (members.size > 0) {
            buffer_byte(out, ',');
            buffer_bytes(out, members);
        }
        buffer_text(out, "}\n");
    }
    return listing_flush(listing, error);
}
