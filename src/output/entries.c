#include "entries.h"

#include "fault.h"
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>

#define INDEX_TEXT_SIZE 24
#define TIME_TEXT_SIZE  20

/* The index, every field and, where a row may have members of its own, whether it is erased. */
#define COLUMNS_MAX (FIELD_COUNT + 2)

/* The columns of a table. */
enum shown {
    SHOWN_INDEX,
    SHOWN_TIME,
    SHOWN_USER,
    SHOWN_ACTION,
    SHOWN_RESOURCE,
    SHOWN_STATUS,
    SHOWN_SEVERITY,
    SHOWN_ADDRESS,
    SHOWN_MESSAGE,
    SHOWN_CONTROL,
    SHOWN_COUNT,
};

struct entries {
    enum listing_format format;
    struct stream *stream;
    struct listing *listing;
    struct listing_column columns[COLUMNS_MAX];
    char time[TIME_TEXT_SIZE];
    struct buffer text; /* a cell made of more than one value */
};

static const char *
paint_status(struct bytes cell)
{
    if (bytes_is(cell, "failure"))
        return "33";
    return bytes_is(cell, "error") ? "31" : NULL;
}

static const char *
paint_severity(struct bytes cell)
{
    if (bytes_is(cell, "critical"))
        return "1;31";
    return bytes_is(cell, "high") ? "31" : NULL;
}

static const struct listing_column shown_columns[SHOWN_COUNT] = {
    [SHOWN_INDEX] = { .name = "index", .kind = CELL_NUMBER },
    [SHOWN_TIME] = { .name = "timestamp", .cut = CELL_WHOLE },
    [SHOWN_USER] = { .name = "user" },
    [SHOWN_ACTION] = { .name = "action" },
    [SHOWN_RESOURCE] = { .name = "resource" },
    [SHOWN_STATUS] = { .name = "status", .cut = CELL_WHOLE, .paint = paint_status },
    [SHOWN_SEVERITY] = { .name = "severity", .cut = CELL_EXTRA, .paint = paint_severity },
    [SHOWN_ADDRESS] = { .name = "ip_address", .cut = CELL_EXTRA },
    [SHOWN_MESSAGE] = { .name = "message", .cut = CELL_EXTRA },
    [SHOWN_CONTROL] = { .name = "control", .kind = CELL_JSON },
};

static enum cell_kind
field_kind(const struct field *field)
{
    switch (field->type) {
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        return CELL_NUMBER;
    case TYPE_OBJECT:
        return CELL_JSON;
    default:
        return CELL_TEXT;
    }
}

static void
all_columns(struct listing_column columns[COLUMNS_MAX])
{
    columns[0] = (struct listing_column){ .name = "index", .kind = CELL_NUMBER };
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        columns[i + 1] = (struct listing_column){
            .name = (const char *)field->name.data, /* a literal's bytes: they end in NUL */
            .kind = field_kind(field),
        };
    }
    columns[FIELD_COUNT + 1] = (struct listing_column){ .name = "erased", .kind = CELL_JSON };
}

/* A CSV has the columns of the field table and no others. */
static size_t
column_count(enum listing_format format)
{
    switch (format) {
    case LISTING_TABLE:
        return SHOWN_COUNT;
    case LISTING_CSV:
        return FIELD_COUNT + 1;
    default:
        return COLUMNS_MAX;
    }
}

tally_status
entries_create(enum listing_format format, const struct listing_style *style, struct stream *stream,
               struct entries **entries_out, struct tally_error *error)
{
    struct entries *entries = calloc(1, sizeof *entries);
    if (entries == NULL)
        return memory_fault(error);
    entries->format = format;
    entries->stream = stream;
    all_columns(entries->columns);

    bool table = format == LISTING_TABLE;
    tally_status status = listing_create(format, style, table ? shown_columns : entries->columns,
                                         column_count(format), stream, &entries->listing, error);
    if (status != TALLY_OK) {
        free(entries);
        return status;
    }
    *entries_out = entries;
    return TALLY_OK;
}

void
entries_destroy(struct entries *entries)
{
    if (entries == NULL)
        return;
    listing_destroy(entries->listing);
    buffer_free(&entries->text);
    free(entries);
}

static struct bytes
first_present(struct bytes a, struct bytes b)
{
    return a.data != NULL ? a : b;
}

/* A canonical time without the fraction of its second, which is worth its width only to programs:
 * 2026-01-02T03:04:05 and Z. */
static struct bytes
short_time(struct bytes time, char text[TIME_TEXT_SIZE])
{
    if (time.size <= TIME_TEXT_SIZE)
        return time;
    memcpy(text, time.data, TIME_TEXT_SIZE - 1);
    text[TIME_TEXT_SIZE - 1] = 'Z';
    return bytes_of(text, TIME_TEXT_SIZE);
}

static void
table_cells(struct entries *entries, const struct run_entry *entry, struct bytes *cells)
{
    const struct bytes *values = entry->values;
    cells[SHOWN_TIME] = short_time(values[FIELD_TIMESTAMP], entries->time);
    cells[SHOWN_USER] = first_present(values[FIELD_USER_ID], values[FIELD_USER_EMAIL]);
    if (entry->erased)
        cells[SHOWN_USER] = bytes_text("(erased)");
    cells[SHOWN_ACTION] = first_present(values[FIELD_ACTION], values[FIELD_EVENT_TYPE]);
    cells[SHOWN_STATUS] = values[FIELD_STATUS];
    cells[SHOWN_SEVERITY] = values[FIELD_SEVERITY];
    cells[SHOWN_ADDRESS] = values[FIELD_IP_ADDRESS];
    cells[SHOWN_MESSAGE] = first_present(values[FIELD_MESSAGE], values[FIELD_ERROR_MESSAGE]);
    cells[SHOWN_CONTROL] = values[FIELD_CONTROL];

    /* TYPE/ID, as the filter `resource:` spells it. */
    struct bytes type = values[FIELD_RESOURCE_TYPE];
    struct bytes id = values[FIELD_RESOURCE_ID];
    cells[SHOWN_RESOURCE] = type;
    if (id.data == NULL)
        return;
    buffer_clear(&entries->text);
    buffer_bytes(&entries->text, type);
    buffer_byte(&entries->text, '/');
    buffer_bytes(&entries->text, id);
    cells[SHOWN_RESOURCE] = buffer_view(&entries->text);
}

static void
all_cells(const struct run_entry *entry, struct bytes *cells)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        cells[i + 1] = entry->values[fields_in_reading_order[i]];
    if (entry->erased)
        cells[FIELD_COUNT + 1] = bytes_text("true");
}

tally_status
entries_row(struct entries *entries, const struct run_entry *entry, struct tally_error *error)
{
    char index[INDEX_TEXT_SIZE];
    int size = snprintf(index, sizeof index, "%llu", (unsigned long long)entry->index);

    struct bytes cells[COLUMNS_MAX] = { 0 };
    cells[0] = bytes_of(index, (size_t)size);
    if (entries->format == LISTING_TABLE)
        table_cells(entries, entry, cells);
    else
        all_cells(entry, cells);
    if (buffer_failed(&entries->text))
        return memory_fault(error);
    return listing_row(entries->listing, cells, error);
}

struct showing {
    struct entries *entries;
    struct excerpt *excerpt;
    uint64_t end; /* of what may be written */
    bool full;
};

static tally_status
show(void *context, size_t i, const struct run_entry *entry, struct tally_error *error)
{
    struct showing *showing = context;
    tally_status status = entries_row(showing->entries, entry, error);
    if (status != TALLY_OK)
        return status;
    showing->full = stream_written(showing->entries->stream) >= showing->end;
    if (!showing->full)
        return TALLY_OK;
    excerpt_cut(showing->excerpt, i + 1);
    return TALLY_ABSENT; /* no more is wanted */
}

tally_status
entries_excerpt(struct entries *entries, struct excerpt *excerpt, uint64_t size_max,
                struct tally_error *error)
{
    uint64_t begin = stream_written(entries->stream);
    struct showing showing = {
        .entries = entries,
        .excerpt = excerpt,
        .end = size_max < UINT64_MAX - begin ? begin + size_max : UINT64_MAX,
    };
    tally_status status = gather_entries(excerpt->selection.snapshot, excerpt->hits, excerpt->count,
                                         excerpt->request->threads, show, &showing, error);
    return showing.full ? TALLY_OK : status;
}

tally_status
entries_flush(struct entries *entries, struct tally_error *error)
{
    return listing_flush(entries->listing, error);
}

tally_status
entries_end(struct entries *entries, struct bytes members, struct tally_error *error)
{
    return listing_end(entries->listing, members, error);
}
