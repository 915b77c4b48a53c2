#include "key.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

enum column {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_ROLE,
    COLUMN_TRAILS,
    COLUMN_CREATED,
    COLUMN_EXPIRES,
    COLUMN_LAST_USED,
    COLUMN_LAST_ADDRESS,
    COLUMN_REPLACED_BY,
    COLUMN_REVOKED,
    COLUMN_COUNT,
};

/* What is over is red. */
static const char *
paint_expiry(struct bytes cell)
{
    struct instant instant;
    const char *reason;
    bool over = instant_parse(cell, &instant, &reason) && instant.ns <= clock_now();
    return over ? "31" : NULL;
}

#define COLUMNS(trails_kind)                                                                     \
    {                                                                                            \
        [COLUMN_ID] = { .name = "id", .kind = CELL_NUMBER }, [COLUMN_NAME] = { .name = "name" }, \
        [COLUMN_ROLE] = { .name = "role", .cut = CELL_WHOLE },                                   \
        [COLUMN_TRAILS] = { .name = "trails", .kind = (trails_kind) },                           \
        [COLUMN_CREATED] = { .name = "created", .cut = CELL_EXTRA },                             \
        [COLUMN_EXPIRES] = { .name = "expires", .paint = paint_expiry },                         \
        [COLUMN_LAST_USED] = { .name = "last_used" },                                            \
        [COLUMN_LAST_ADDRESS] = { .name = "last_address" },                                      \
        [COLUMN_REPLACED_BY] = { .name = "replaced_by", .kind = CELL_NUMBER },                   \
        [COLUMN_REVOKED] = { .name = "revoked", .paint = paint_expiry },                         \
    }

/* People read a list of names; JSON has an array. */
static const struct listing_column shown_columns[COLUMN_COUNT] = COLUMNS(CELL_TEXT);
static const struct listing_column json_columns[COLUMN_COUNT] = COLUMNS(CELL_JSON);

static bool
is_json(enum listing_format format)
{
    return format == LISTING_JSON || format == LISTING_NDJSON;
}

int
key_listing_begin(const struct invocation *invocation, struct out *out,
                  struct key_listing *listing_out)
{
    struct key_listing listing;
    struct listing_style style;
    int outcome = out_style(invocation, out, &listing.format, &style);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    if (listing_create(listing.format, &style,
                       is_json(listing.format) ? json_columns : shown_columns, COLUMN_COUNT,
                       &out->stream, &listing.listing, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    *listing_out = listing;
    return DONE;
}

/* What the cells of a row point to. */
struct row {
    struct bytes cells[COLUMN_COUNT];
    char texts[COLUMN_COUNT][INSTANT_TEXT_MAX];
    struct buffer trails;
};

static void
set_number(struct row *row, enum column column, int64_t number)
{
    if (number == 0)
        return;
    int size = snprintf(row->texts[column], sizeof row->texts[column], "%" PRId64, number);
    row->cells[column] = bytes_of(row->texts[column], (size_t)size);
}

static void
set_time(struct row *row, enum column column, int64_t instant)
{
    if (instant == 0)
        return;
    size_t size = instant_format(instant, 0, row->texts[column]);
    row->cells[column] = bytes_of(row->texts[column], size);
}

static void
set_text(struct row *row, enum column column, const char *text)
{
    if (*text != '\0')
        row->cells[column] = bytes_text(text);
}

/* Names of trails need no escapes. */
static void
set_array(struct row *row, enum column column, const char *list)
{
    if (*list == '\0')
        return;
    buffer_text(&row->trails, "[\"");
    for (const char *at = list; *at != '\0'; at++) {
        if (*at == ',')
            buffer_text(&row->trails, "\",\"");
        else
            buffer_byte(&row->trails, (uint8_t)*at);
    }
    buffer_text(&row->trails, "\"]");
    row->cells[column] = buffer_view(&row->trails);
}

tally_status
key_listing_row(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    struct key_listing *listing = context;
    struct row row = { 0 };
    set_number(&row, COLUMN_ID, entry->id);
    set_text(&row, COLUMN_NAME, entry->name);
    set_text(&row, COLUMN_ROLE, role_name(entry->role));
    if (is_json(listing->format))
        set_array(&row, COLUMN_TRAILS, entry->trails);
    else
        set_text(&row, COLUMN_TRAILS, entry->trails);
    set_time(&row, COLUMN_CREATED, entry->created);
    set_time(&row, COLUMN_EXPIRES, entry->expires);
    set_time(&row, COLUMN_LAST_USED, entry->last_used);
    set_text(&row, COLUMN_LAST_ADDRESS, entry->last_address);
    set_number(&row, COLUMN_REPLACED_BY, entry->replaced_by);
    set_time(&row, COLUMN_REVOKED, entry->revoked);
    tally_status status = listing_row(listing->listing, row.cells, error);
    buffer_free(&row.trails);
    return status;
}

tally_status
key_listing_end(struct key_listing *listing, tally_status status, struct tally_error *error)
{
    if (status == TALLY_OK)
        status = listing_end(listing->listing, (struct bytes){ NULL, 0 }, error);
    listing_destroy(listing->listing);
    return status;
}

int
key_print(const char *where, int64_t id, const char *text)
{
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "key: %s\nid: %" PRId64 "\n", text, id);
    int outcome = out_finish(&out, DONE);
    if (outcome != DONE)
        say("nobody has seen the new key: `tally key %s revoke %" PRId64 "`, then try again", where,
            id);
    return outcome;
}
