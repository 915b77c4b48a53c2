#include "explanation.h"

#include "escape.h"

#include <assert.h>
#include <stdio.h>

/* ---- JSON ---- */

static void
put_number(const char *name, uint64_t number, struct buffer *out)
{
    buffer_format(out, "\"%s\":", name);
    buffer_decimal(out, number);
}

static uint64_t
sum_of(const uint64_t fates[FATE_COUNT])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FATE_COUNT; i++)
        sum += fates[i];
    return sum;
}

/* Only statistics can count: other questions need not know of it. */
static bool
fate_shown(unsigned fate, const uint64_t fates[FATE_COUNT])
{
    return fate != FATE_COUNTED || fates[fate] > 0;
}

static void
put_fates(const char *name, const uint64_t fates[FATE_COUNT], struct buffer *out)
{
    buffer_format(out, ",\"%s\":{", name);
    put_number("all", sum_of(fates), out);
    for (unsigned i = 0; i < FATE_COUNT; i++) {
        if (!fate_shown(i, fates))
            continue;
        buffer_byte(out, ',');
        put_number(scan_fate_names[i], fates[i], out);
    }
    buffer_byte(out, '}');
}

static void
put_term(const struct account_term *term, struct buffer *out)
{
    const char *before = "";
    buffer_text(out, "{\"term\":");
    escape_json_string(buffer_view(&term->text), out);
    buffer_text(out, ",\"pages\":{");
    for (unsigned way = 0; way < ACCESS_COUNT; way++) {
        if (term->pages[way] == 0)
            continue;
        buffer_text(out, before);
        put_number(plan_access_names[way], term->pages[way], out);
        before = ",";
    }
    buffer_text(out, "}}");
}

void
explanation_json(const struct account *account, struct buffer *out)
{
    buffer_text(out, "{\"filter\":");
    escape_json_string(buffer_view(&account->filter), out);
    put_fates("runs", account->scan.runs, out);
    put_fates("pages", account->scan.pages, out);
    buffer_text(out, ",\"terms\":[");
    for (size_t i = 0; i < account->term_count; i++) {
        if (i > 0)
            buffer_byte(out, ',');
        put_term(&account->terms[i], out);
    }
    buffer_text(out, "],");
    put_number("matches", account->scan.matches, out);
    buffer_byte(out, ',');
    put_number("reads", account->reads, out);
    buffer_byte(out, ',');
    put_number("bytes", account->bytes, out);
    buffer_byte(out, '}');
}

/* ---- rows ---- */

enum column {
    COLUMN_ABOUT,
    COLUMN_TERM,
    COLUMN_WHAT,
    COLUMN_NUMBER,
    COLUMN_TOTAL,
};

static const struct listing_column columns[COLUMN_TOTAL] = {
    [COLUMN_ABOUT] = { .name = "about", .cut = CELL_WHOLE },
    [COLUMN_TERM] = { .name = "term" },
    [COLUMN_WHAT] = { .name = "what", .cut = CELL_WHOLE },
    [COLUMN_NUMBER] = { .name = "count", .kind = CELL_NUMBER },
};

static tally_status
put_row(struct listing *listing, const char *about, struct bytes term, const char *what,
        uint64_t count, struct tally_error *error)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    const struct bytes none = { NULL, 0 };
    const struct bytes cells[COLUMN_TOTAL] = { bytes_text(about), term,
                                               what == NULL ? none : bytes_text(what),
                                               bytes_of(text, (size_t)size) };
    return listing_row(listing, cells, error);
}

static tally_status
put_fate_rows(struct listing *listing, const char *about, const uint64_t fates[FATE_COUNT],
              struct tally_error *error)
{
    const struct bytes none = { NULL, 0 };
    tally_status status = put_row(listing, about, none, "all", sum_of(fates), error);
    for (unsigned i = 0; i < FATE_COUNT && status == TALLY_OK; i++)
        if (fate_shown(i, fates))
            status = put_row(listing, about, none, scan_fate_names[i], fates[i], error);
    return status;
}

/* A row for each way in which the term was asked; one that says so where it was not. */
static tally_status
put_term_rows(struct listing *listing, const struct account_term *term, struct tally_error *error)
{
    struct bytes text = buffer_view(&term->text);
    tally_status status = TALLY_OK;
    bool asked = false;
    for (unsigned way = 0; way < ACCESS_COUNT && status == TALLY_OK; way++) {
        if (term->pages[way] == 0)
            continue;
        asked = true;
        status = put_row(listing, "term", text, plan_access_names[way], term->pages[way], error);
    }
    return asked ? status : put_row(listing, "term", text, NULL, 0, error);
}

static tally_status
put_rows(struct listing *listing, const struct account *account, struct tally_error *error)
{
    const struct bytes none = { NULL, 0 };
    const struct bytes filter[COLUMN_TOTAL] = { bytes_text("filter"),
                                                buffer_view(&account->filter) };
    tally_status status = TALLY_OK;
    if (account->filter.size > 0)
        status = listing_row(listing, filter, error);
    if (status == TALLY_OK)
        status = put_fate_rows(listing, "runs", account->scan.runs, error);
    if (status == TALLY_OK)
        status = put_fate_rows(listing, "pages", account->scan.pages, error);
    for (size_t i = 0; i < account->term_count && status == TALLY_OK; i++)
        status = put_term_rows(listing, &account->terms[i], error);
    if (status == TALLY_OK)
        status = put_row(listing, "matches", none, NULL, account->scan.matches, error);
    if (status == TALLY_OK)
        status = put_row(listing, "reads", none, NULL, account->reads, error);
    if (status == TALLY_OK)
        status = put_row(listing, "bytes", none, NULL, account->bytes, error);
    return status == TALLY_OK ? listing_end(listing, none, error) : status;
}

tally_status
explanation_rows(const struct account *account, enum listing_format format,
                 const struct listing_style *style, struct stream *stream,
                 struct tally_error *error)
{
    assert(format != LISTING_JSON);

    struct listing *listing;
    tally_status status =
        listing_create(format, style, columns, COLUMN_TOTAL, stream, &listing, error);
    if (status != TALLY_OK)
        return status;
    status = put_rows(listing, account, error);
    listing_destroy(listing);
    return status;
}
