/*
 * tally trail - the trails of a folder: list, make, describe, rebuild.
 */
#include "trail_command.h"

#include "charter_options.h"
#include "columns.h"
#include "escape.h"
#include "remote.h"
#include "since.h"
#include "where.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct command_option options[] = {
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "table, json, ndjson or csv (default: table; info: lines)" },
    CHARTER_OPTIONS,
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

#define NUMBER_SIZE 24

static struct bytes
number_cell(uint64_t number, char text[NUMBER_SIZE])
{
    int size = snprintf(text, NUMBER_SIZE, "%" PRIu64, number);
    return bytes_of(text, (size_t)size);
}

/* ---- list ---- */

const struct listing_column trail_list_columns[TRAIL_LIST_COUNT] = {
    [TRAIL_LIST_NAME] = { .name = "trail" },
    [TRAIL_LIST_SIZE] = { .name = "size", .kind = CELL_NUMBER },
    [TRAIL_LIST_ORIGIN] = { .name = "origin" },
};

struct trail_list {
    struct folder *folder;
    struct listing *listing;
};

/* disk_name_visitor. The size is that of the stored checkpoint, taken at its word. */
static tally_status
list_trail(void *context, const char *name, struct tally_error *error)
{
    struct trail_list *list = context;
    struct bytes cells[TRAIL_LIST_COUNT] = { bytes_text(name) };
    struct tally_checkpoint checkpoint;
    char size[NUMBER_SIZE];
    if (since_stored(list->folder, name, &checkpoint)) {
        cells[TRAIL_LIST_SIZE] = number_cell(checkpoint.size, size);
        cells[TRAIL_LIST_ORIGIN] = bytes_text(checkpoint.origin);
    }
    return listing_row(list->listing, cells, error);
}

static int
write_list(const struct invocation *invocation, struct folder *folder, struct out *out)
{
    struct trail_list list = { .folder = folder };
    int outcome = out_listing(invocation, out, trail_list_columns, TRAIL_LIST_COUNT, &list.listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = folder_list_trails(folder, list_trail, &list, &error);
    if (status == TALLY_OK)
        status = listing_end(list.listing, (struct bytes){ NULL, 0 }, &error);
    listing_destroy(list.listing);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

static int
run_list(const struct invocation *invocation)
{
    if (where_is_url(invocation->operands[0]))
        return trail_remote(invocation);
    struct where where;
    int outcome = where_open(invocation, &where);
    if (outcome != DONE)
        return outcome;
    struct out out;
    out_open(&out);
    outcome = out_finish(&out, write_list(invocation, where.folder, &out));
    return where_close(&where, outcome);
}

/* ---- create ---- */

static int
print_vkey(const struct tally_vkey *vkey)
{
    char text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, text);
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "vkey: %s\n", text);
    return out_finish(&out, DONE);
}

static int
create_trail(struct folder *folder, const char *name, const struct trail_config *config)
{
    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    tally_status status = trail_create(folder, name, config, &vkey, &error);
    if (status == TALLY_CONFLICT)
        return fail(UNABLE, "%s", error.text);
    if (status != TALLY_OK)
        return fail_with(&error, NULL);
    return print_vkey(&vkey);
}

static int
run_create(const struct invocation *invocation)
{
    const char *name = invocation->operands[2];
    int outcome = where_check_name(name);
    if (outcome != DONE)
        return outcome;
    struct trail_config config;
    outcome = charter_read(invocation, &config);
    if (outcome != DONE)
        return outcome;
    if (where_is_url(invocation->operands[0]))
        return trail_remote(invocation);
    struct where where;
    outcome = where_open(invocation, &where);
    if (outcome != DONE)
        return outcome;
    return where_close(&where, create_trail(where.folder, name, &config));
}

/* ---- info ---- */

int
trail_print_info(const struct invocation *invocation, const struct bytes cells[TRAIL_INFO_COUNT],
                 struct out *out)
{
    if (!option_given(invocation, "format")) {
        for (size_t i = 0; i < TRAIL_INFO_COUNT; i++) {
            buffer_format(&out->stream.buffer, "%s: ", trail_info_columns[i].name);
            escape_text(cells[i], &out->stream.buffer);
            buffer_byte(&out->stream.buffer, '\n');
        }
        return DONE;
    }
    struct listing *listing;
    int outcome = out_listing(invocation, out, trail_info_columns, TRAIL_INFO_COUNT, &listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = listing_row(listing, cells, &error);
    if (status == TALLY_OK)
        status = listing_end(listing, (struct bytes){ NULL, 0 }, &error);
    listing_destroy(listing);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

static int
info_of(const struct invocation *invocation, const struct where *where)
{
    struct tally_error error = { 0 };
    struct trail_info info;
    if (trail_info_read(where->folder, where->trail, &info, &error) != TALLY_OK)
        return where_fault(where, &error);
    struct out out;
    out_open(&out);
    int outcome = out_finish(&out, trail_print_info(invocation, info.cells, &out));
    trail_info_finish(&info);
    return outcome;
}

/* ---- sizes ---- */

#define SIZE_COLUMNS 5
static const struct listing_column size_columns[SIZE_COLUMNS] = {
    { .name = "column" },
    { .name = "half" },
    { .name = "codec" },
    { .name = "bytes", .kind = CELL_NUMBER },
    { .name = "per_entry", .kind = CELL_NUMBER },
};

static tally_status
put_size(struct listing *listing, const char *name, const char *half, const char *codec,
         uint64_t bytes, uint64_t entries, struct tally_error *error)
{
    char total[NUMBER_SIZE];
    char each[NUMBER_SIZE];
    double per_entry = entries == 0 ? 0 : (double)bytes / (double)entries;
    int size = snprintf(each, sizeof each, "%.2f", per_entry);
    struct bytes cells[SIZE_COLUMNS] = {
        bytes_text(name),
        half == NULL ? (struct bytes){ NULL, 0 } : bytes_text(half),
        codec == NULL ? (struct bytes){ NULL, 0 } : bytes_text(codec),
        number_cell(bytes, total),
        bytes_of(each, (size_t)size),
    };
    return listing_row(listing, cells, error);
}

static tally_status
put_sizes(struct listing *listing, const struct column_sums *sums, uint64_t private_fields,
          struct tally_error *error)
{
    tally_status status = TALLY_OK;
    uint64_t named = 0;
    for (size_t i = 0; i <= FIELD_COUNT && status == TALLY_OK; i++) {
        size_t field = i == FIELD_COUNT ? i : fields_in_reading_order[i];
        if (sums->codecs[field] == NULL)
            continue;
        bool salt = field == FIELD_COUNT;
        bool in_private = salt || (private_fields & FIELD_BIT(field)) != 0;
        named += sums->bytes[field];
        status = put_size(listing, salt ? "(salt)" : (const char *)fields[field].name.data,
                          in_private ? "private" : "public", sums->codecs[field],
                          sums->bytes[field], sums->entries, error);
    }
    if (status == TALLY_OK)
        status = put_size(listing, "(indexes, directories)", NULL, NULL, sums->files - named,
                          sums->entries, error);
    if (status == TALLY_OK)
        status = put_size(listing, "(all)", NULL, NULL, sums->files, sums->entries, error);
    return status;
}

static int
write_sizes(const struct invocation *invocation, const struct column_sums *sums,
            uint64_t private_fields, struct out *out)
{
    struct listing *listing;
    int outcome = out_listing(invocation, out, size_columns, SIZE_COLUMNS, &listing);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    tally_status status = put_sizes(listing, sums, private_fields, &error);
    if (status == TALLY_OK)
        status = listing_end(listing, (struct bytes){ NULL, 0 }, &error);
    listing_destroy(listing);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

static int
sizes_of(const struct invocation *invocation, const struct where *where)
{
    struct tally_error error = { 0 };
    struct snapshot *snapshot;
    if (snapshot_open(where->trail, &snapshot, &error) != TALLY_OK)
        return where_fault(where, &error);
    struct column_sums sums = { 0 };
    tally_status status = columns_sum(snapshot, &sums, &error);
    snapshot_close(snapshot);
    if (status != TALLY_OK)
        return where_fault(where, &error);
    if (sums.entries == 0)
        say("no entry of trail %s is in a segment yet", where->name);

    struct out out;
    out_open(&out);
    return out_finish(&out,
                      write_sizes(invocation, &sums, trail_fields_private(where->trail), &out));
}

/* ---- rebuild ---- */

static int
rebuild(const struct invocation *invocation, const struct where *where)
{
    (void)invocation;
    struct tally_error error = { 0 };
    if (trail_rebuild(where->trail, &error) != TALLY_OK)
        return where_fault(where, &error);
    struct out out;
    out_open(&out);
    buffer_format(&out.stream.buffer, "%s: indexes and tree hashes are rebuilt from the entries\n",
                  where->name);
    return out_finish(&out, DONE);
}

/* ---- the command ---- */

/* What works on one open trail. */
static int
run_on_trail(const struct invocation *invocation, enum trail_mode mode,
             int (*act)(const struct invocation *, const struct where *))
{
    if (where_is_url(invocation->operands[0]))
        return trail_remote(invocation);
    struct where where;
    int outcome = where_open_trail(invocation, mode, &where);
    if (outcome != DONE)
        return outcome;
    return where_close(&where, act(invocation, &where));
}

static int
run_info(const struct invocation *invocation)
{
    return run_on_trail(invocation, TRAIL_READ, info_of);
}

static int
run_sizes(const struct invocation *invocation)
{
    return run_on_trail(invocation, TRAIL_READ, sizes_of);
}

static int
run_rebuild(const struct invocation *invocation)
{
    return run_on_trail(invocation, TRAIL_WRITE, rebuild);
}

static const struct verb {
    const char *name;
    int operands;
    int (*run)(const struct invocation *invocation);
} verbs[] = {
    { "list", 2, run_list },   { "create", 3, run_create },   { "info", 2, run_info },
    { "sizes", 2, run_sizes }, { "rebuild", 2, run_rebuild },
};

static const struct verb *
find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int
run(const struct invocation *invocation)
{
    static const char *const missing[] = {
        WHERE_MISSING,
        "what to do is missing: list, create NAME, info, sizes or rebuild",
        "NAME is missing, the new trail's",
        NULL,
    };
    if (invocation->operand_count == 1 && find_verb(invocation->operands[0]) != NULL)
        return misused(invocation, WHERE_MISSING);
    if (invocation->operand_count < 2)
        return misused(invocation, missing[invocation->operand_count]);
    const struct verb *verb = find_verb(invocation->operands[1]);
    if (verb == NULL)
        return misused(invocation,
                       "a trail is listed, created, described (info, sizes) or rebuilt");
    if (invocation->operand_count < verb->operands)
        return misused(invocation, missing[invocation->operand_count]);
    int outcome = operands_expect(invocation, NULL, verb->operands);
    return outcome == DONE ? verb->run(invocation) : outcome;
}

const struct command command_trail = {
    .name = "trail",
    .operands = "WHERE list | create NAME | info | sizes | rebuild",
    .summary = "list, make and describe trails; rebuild their indexes",
    .text = "list     the folder's trails, with the size of their newest checkpoint\n"
            "create   a trail with a key of its own; prints its vkey\n"
            "info     origin, key, size, root, segments, private fields\n"
            "sizes    what each column takes in the sealed segments\n"
            "rebuild  write indexes and tree hashes anew from the entries",
    .options = options,
    .run = run,
};
