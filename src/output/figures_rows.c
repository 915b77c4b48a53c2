/*
 * A summary as rows. Columns that no row of it can fill are left out, so that what is asked for
 * decides which columns there are, never what is found.
 */
#include "figures_parts.h"

#include "fault.h"

#include <assert.h>
#include <stdio.h>

static const struct bytes none = { NULL, 0 };

enum column {
    COLUMN_KIND,
    COLUMN_START,
    COLUMN_VALUE,
    COLUMN_SECOND,
    COLUMN_ENTRIES,
    COLUMN_TOTAL,
};

static const struct listing_column columns[COLUMN_TOTAL] = {
    [COLUMN_KIND] = { .name = "kind", .cut = CELL_WHOLE },
    [COLUMN_START] = { .name = "start", .cut = CELL_WHOLE },
    [COLUMN_VALUE] = { .name = "value" },
    [COLUMN_SECOND] = { .name = "second" },
    [COLUMN_ENTRIES] = { .name = "count", .kind = CELL_NUMBER },
};

/* Rows under way. Columns that no row can fill are left out. */
struct rows {
    const struct summary *summary;
    struct listing *listing;
    bool shown[COLUMN_TOTAL];
};

static size_t
choose_columns(const struct summary *summary, struct rows *rows,
               struct listing_column chosen[COLUMN_TOTAL])
{
    size_t by_count = summary->request.stats.by_count;
    size_t count = 0;
    for (size_t i = 0; i < COLUMN_TOTAL; i++) {
        rows->shown[i] = true;
        if (i == COLUMN_START)
            rows->shown[i] = summary->request.over_time && by_count > 0;
        if (i == COLUMN_SECOND)
            rows->shown[i] = by_count > 1;
        if (rows->shown[i])
            chosen[count++] = columns[i];
    }
    return count;
}

/* What a row says beside its kind and its count; what it has not is { NULL, 0 }. */
struct row {
    struct bytes start;
    struct bytes value[BREAKDOWN_FIELDS_MAX];
};

static tally_status
put_cells(struct rows *rows, const char *kind, const struct row *row, struct bytes count,
          struct tally_error *error)
{
    const struct bytes all[COLUMN_TOTAL] = { bytes_text(kind), row->start, row->value[0],
                                             row->value[1], count };
    struct bytes cells[COLUMN_TOTAL];
    size_t cell_count = 0;
    for (size_t i = 0; i < COLUMN_TOTAL; i++)
        if (rows->shown[i])
            cells[cell_count++] = all[i];
    return listing_row(rows->listing, cells, error);
}

static tally_status
put_row(struct rows *rows, const char *kind, const struct row *row, uint64_t count,
        struct tally_error *error)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    return put_cells(rows, kind, row, bytes_of(text, (size_t)size), error);
}

/* A value or a pair. */
static struct row
row_of_value(const struct summary *summary, size_t i)
{
    struct row row = { .start = none };
    for (size_t j = 0; j < summary->request.stats.by_count; j++)
        row.value[j] = summary->stats.values.values[i].value[j];
    return row;
}

static tally_status
put_value_rows(struct rows *rows, struct tally_error *error)
{
    const struct stats_values *values = &rows->summary->stats.values;
    const struct row empty = { .start = none };
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < values->count && status == TALLY_OK; i++) {
        const struct row row = row_of_value(rows->summary, i);
        status = put_row(rows, "value", &row, values->values[i].count, error);
    }
    if (status == TALLY_OK)
        status = put_row(rows, "rest", &empty, values->rest, error);
    if (status == TALLY_OK)
        status = put_row(rows, "absent", &empty, values->absent, error);
    if (status == TALLY_OK)
        status = put_row(rows, "distinct", &empty, values->distinct, error);
    return status;
}

/* Those that are not 0. */
static tally_status
put_part_rows(struct rows *rows, size_t bucket, struct bytes start, struct tally_error *error)
{
    const uint64_t *parts = figures_parts(rows->summary, bucket);
    size_t values = rows->summary->timeline.part_count - 2;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < values + 2 && status == TALLY_OK; i++) {
        struct row row = { .start = none };
        const char *kind = i == values ? "bucket_rest" : "bucket_absent";
        if (parts[i] == 0)
            continue;
        if (i < values) {
            row = row_of_value(rows->summary, i);
            kind = "bucket_value";
        }
        row.start = start;
        status = put_row(rows, kind, &row, parts[i], error);
    }
    return status;
}

static tally_status
put_bucket_rows(struct rows *rows, struct tally_error *error)
{
    const struct timeline *timeline = &rows->summary->timeline;
    bool by = rows->summary->request.stats.by_count > 0;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < timeline->bucket_count && status == TALLY_OK; i++) {
        char text[INSTANT_TEXT_MAX];
        struct bytes start = figures_start(rows->summary, i, text);
        struct row row = { .start = none };
        *(by ? &row.start : &row.value[0]) = start;
        status = put_row(rows, "bucket", &row, timeline_bucket(timeline, i), error);
        if (status == TALLY_OK && by)
            status = put_part_rows(rows, i, start, error);
    }
    return status;
}

static tally_status
put_number_row(struct rows *rows, const char *kind, struct bytes token, struct tally_error *error)
{
    const struct row row = { .value = { token } };
    return put_cells(rows, kind, &row, none, error);
}

/* "p99.9" */
static tally_status
put_percentile_row(struct rows *rows, size_t i, struct tally_error *error)
{
    struct buffer kind = { 0 };
    buffer_byte(&kind, 'p');
    percentile_print(rows->summary->request.stats.ranks.ranks[i], &kind);
    buffer_byte(&kind, 0);
    tally_status status = buffer_failed(&kind)
                              ? memory_fault(error)
                              : put_number_row(rows, (const char *)kind.data,
                                               rows->summary->stats.percentiles.values[i], error);
    buffer_free(&kind);
    return status;
}

static tally_status
put_percentile_rows(struct rows *rows, struct tally_error *error)
{
    const struct percentiles *percentiles = &rows->summary->stats.percentiles;
    const struct row field = {
        .value = { fields[rows->summary->request.stats.numbers].name },
    };
    tally_status status = put_row(rows, "numbers", &field, percentiles->count, error);
    if (status == TALLY_OK)
        status = put_number_row(rows, "minimum", percentiles->minimum, error);
    for (size_t i = 0; i < rows->summary->request.stats.ranks.count && status == TALLY_OK; i++)
        status = put_percentile_row(rows, i, error);
    if (status == TALLY_OK)
        status = put_number_row(rows, "maximum", percentiles->maximum, error);
    return status;
}

static tally_status
put_distinct_rows(struct rows *rows, struct tally_error *error)
{
    const struct stats_request *request = &rows->summary->request.stats;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < request->distinct_count && status == TALLY_OK; i++) {
        const struct row row = { .value = { fields[request->distinct[i]].name } };
        status = put_row(rows, "distinct", &row, rows->summary->stats.distinct[i], error);
    }
    return status;
}

static tally_status
put_rows(struct rows *rows, struct tally_error *error)
{
    const struct summary_request *request = &rows->summary->request;
    const struct row empty = { .start = none };
    tally_status status = put_row(rows, "total", &empty, rows->summary->total, error);
    if (status == TALLY_OK && request->stats.by_count > 0)
        status = put_value_rows(rows, error);
    if (status == TALLY_OK)
        status = put_bucket_rows(rows, error);
    if (status == TALLY_OK && request->stats.numbers != FIELD_COUNT)
        status = put_percentile_rows(rows, error);
    if (status == TALLY_OK)
        status = put_distinct_rows(rows, error);
    return status == TALLY_OK ? listing_end(rows->listing, none, error) : status;
}

tally_status
figures_rows(const struct summary *summary, enum listing_format format,
             const struct listing_style *style, struct stream *stream, struct tally_error *error)
{
    assert(format != LISTING_JSON);

    struct listing_column chosen[COLUMN_TOTAL];
    struct rows rows = { .summary = summary };
    size_t count = choose_columns(summary, &rows, chosen);
    tally_status status =
        listing_create(format, style, chosen, count, stream, &rows.listing, error);
    if (status != TALLY_OK)
        return status;
    status = put_rows(&rows, error);
    listing_destroy(rows.listing);
    return status;
}
