#include "figures.h"

#include "escape.h"

#include <assert.h>
#include <stdio.h>

static struct bytes
bucket_start(const struct summary *summary, size_t i, char text[INSTANT_TEXT_MAX])
{
    int64_t start = summary->start + (int64_t)i * summary->request.interval.ns;
    return bytes_of(text, moment_format(start, text));
}

static void
put_values(const struct summary *summary, struct buffer *out)
{
    const struct stats_values *values = &summary->values;
    buffer_text(out, ",\"by\":\"");
    buffer_bytes(out, fields[summary->request.by].name);
    buffer_text(out, "\",\"values\":[");
    for (size_t i = 0; i < values->count; i++) {
        buffer_text(out, i > 0 ? ",{\"value\":" : "{\"value\":");
        escape_json_string(values->values[i].value, out);
        buffer_text(out, ",\"count\":");
        buffer_decimal(out, values->values[i].count);
        buffer_byte(out, '}');
    }
    buffer_text(out, "],\"rest\":");
    buffer_decimal(out, values->rest);
    buffer_text(out, ",\"absent\":");
    buffer_decimal(out, values->absent);
    buffer_text(out, ",\"distinct\":");
    buffer_decimal(out, values->distinct);
}

static void
put_buckets(const struct summary *summary, struct buffer *out)
{
    buffer_text(out, ",\"interval\":\"");
    interval_print(&summary->request.interval, out);
    buffer_text(out, "\",\"buckets\":[");
    for (size_t i = 0; i < summary->bucket_count; i++) {
        char text[INSTANT_TEXT_MAX];
        buffer_text(out, i > 0 ? ",{\"start\":\"" : "{\"start\":\"");
        buffer_bytes(out, bucket_start(summary, i, text));
        buffer_text(out, "\",\"count\":");
        buffer_decimal(out, summary->buckets[i]);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

void
figures_json(const struct summary *summary, struct bytes members, struct buffer *out)
{
    buffer_text(out, "{\"total\":");
    buffer_decimal(out, summary->total);
    if (summary->request.by != FIELD_COUNT)
        put_values(summary, out);
    if (summary->request.over_time)
        put_buckets(summary, out);
    buffer_bytes(out, members);
    buffer_text(out, "}\n");
}

/* ---- rows ---- */

enum column {
    COLUMN_KIND,
    COLUMN_VALUE,
    COLUMN_ENTRIES,
    COLUMN_TOTAL,
};

static const struct listing_column columns[COLUMN_TOTAL] = {
    [COLUMN_KIND] = { .name = "kind", .cut = CELL_WHOLE },
    [COLUMN_VALUE] = { .name = "value" },
    [COLUMN_ENTRIES] = { .name = "count", .kind = CELL_NUMBER },
};

static tally_status
put_row(struct listing *listing, const char *kind, struct bytes value, uint64_t count,
        struct tally_error *error)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    const struct bytes cells[COLUMN_TOTAL] = { bytes_text(kind), value,
                                               bytes_of(text, (size_t)size) };
    return listing_row(listing, cells, error);
}

static tally_status
put_value_rows(struct listing *listing, const struct stats_values *values,
               struct tally_error *error)
{
    const struct bytes none = { NULL, 0 };
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < values->count && status == TALLY_OK; i++)
        status = put_row(listing, "value", values->values[i].value, values->values[i].count, error);
    if (status == TALLY_OK)
        status = put_row(listing, "rest", none, values->rest, error);
    if (status == TALLY_OK)
        status = put_row(listing, "absent", none, values->absent, error);
    if (status == TALLY_OK)
        status = put_row(listing, "distinct", none, values->distinct, error);
    return status;
}

static tally_status
put_rows(struct listing *listing, const struct summary *summary, struct tally_error *error)
{
    tally_status status =
        put_row(listing, "total", (struct bytes){ NULL, 0 }, summary->total, error);
    if (status == TALLY_OK && summary->request.by != FIELD_COUNT)
        status = put_value_rows(listing, &summary->values, error);
    for (size_t i = 0; i < summary->bucket_count && status == TALLY_OK; i++) {
        char text[INSTANT_TEXT_MAX];
        status =
            put_row(listing, "bucket", bucket_start(summary, i, text), summary->buckets[i], error);
    }
    return status == TALLY_OK ? listing_end(listing, (struct bytes){ NULL, 0 }, error) : status;
}

tally_status
figures_rows(const struct summary *summary, enum listing_format format,
             const struct listing_style *style, struct stream *stream, struct tally_error *error)
{
    assert(format != LISTING_JSON);

    struct listing *listing;
    tally_status status =
        listing_create(format, style, columns, COLUMN_TOTAL, stream, &listing, error);
    if (status != TALLY_OK)
        return status;
    status = put_rows(listing, summary, error);
    listing_destroy(listing);
    return status;
}
