#include "verdict.h"

#include "base64.h"
#include "escape.h"

#include <stdio.h>
#include <string.h>

enum column {
    COLUMN_TRAIL,
    COLUMN_VERDICT,
    COLUMN_SIZE,
    COLUMN_VKEY,
    COLUMN_ROOT,
    COLUMN_ENTRIES,
    COLUMN_ERASED,
    COLUMN_UNSIGNED,
    COLUMN_BAD_FIRST,
    COLUMN_BAD_LAST,
    COLUMN_FILE,
    COLUMN_TEXT,
    COLUMN_FIRST_SIGHT,
    COLUMN_CHECKPOINT,
    COLUMN_COUNT,
};

_Static_assert(COLUMN_COUNT == VERDICT_COLUMN_COUNT, "a column a name");

const struct listing_column verdict_columns[VERDICT_COLUMN_COUNT] = {
    [COLUMN_TRAIL] = { .name = "trail" },
    [COLUMN_VERDICT] = { .name = "verdict", .cut = CELL_WHOLE },
    [COLUMN_SIZE] = { .name = "size", .kind = CELL_NUMBER },
    [COLUMN_VKEY] = { .name = "vkey" },
    [COLUMN_ROOT] = { .name = "root" },
    [COLUMN_ENTRIES] = { .name = "entries", .kind = CELL_NUMBER },
    [COLUMN_ERASED] = { .name = "erased", .kind = CELL_NUMBER },
    [COLUMN_UNSIGNED] = { .name = "unsigned", .kind = CELL_NUMBER },
    [COLUMN_BAD_FIRST] = { .name = "bad_first", .kind = CELL_NUMBER },
    [COLUMN_BAD_LAST] = { .name = "bad_last", .kind = CELL_NUMBER },
    [COLUMN_FILE] = { .name = "file" },
    [COLUMN_TEXT] = { .name = "text" },
    [COLUMN_FIRST_SIGHT] = { .name = "first_sight", .kind = CELL_JSON },
    [COLUMN_CHECKPOINT] = { .name = "checkpoint" },
};

static const char *
name_of(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_INTACT] = "intact",
        [VERDICT_TAMPERED] = "tampered",
        [VERDICT_INDEX_WRONG] = "index wrong",
        [VERDICT_UNCHECKABLE] = "cannot be checked",
    };
    return names[verdict];
}

bool
verdict_find(struct bytes name, enum verdict *verdict_out)
{
    for (int verdict = VERDICT_INTACT; verdict <= VERDICT_UNCHECKABLE; verdict++) {
        if (bytes_is(name, name_of((enum verdict)verdict))) {
            *verdict_out = (enum verdict)verdict;
            return true;
        }
    }
    return false;
}

/* ---- one verdict in words ---- */

static void
put_key(const struct tally_vkey *vkey, struct buffer *text)
{
    escape_text(bytes_text(vkey->name), text);
    buffer_format(text, "+%08x", vkey->id);
}

static void
put_intact(const struct verify_report *report, struct buffer *text)
{
    buffer_format(text, "intact up to size %llu, signed by ",
                  (unsigned long long)report->checkpoint.size);
    put_key(&report->vkey, text);
    if (report->erased > 0)
        buffer_format(text, "; %llu erased or expired on record",
                      (unsigned long long)report->erased);
    if (report->unsigned_ > 0)
        buffer_format(text, "; %llu more are not signed yet",
                      (unsigned long long)report->unsigned_);
    if (report->scope == VERIFY_HISTORY)
        buffer_text(text, "; indexes were not compared");
}

static void
put_place(const struct verify_report *report, struct buffer *text)
{
    if (report->bad_first != VERIFY_NO_INDEX && report->bad_first == report->bad_last)
        buffer_format(text, ": entry %llu", (unsigned long long)report->bad_first);
    else if (report->bad_first != VERIFY_NO_INDEX)
        buffer_format(text, ": in entries %llu to %llu", (unsigned long long)report->bad_first,
                      (unsigned long long)report->bad_last);
    /* Most texts begin with the file they are about. */
    if (report->file[0] != '\0' && strstr(report->text, report->file) == NULL) {
        buffer_text(text, ": ");
        escape_text(bytes_text(report->file), text);
    }
    buffer_text(text, ": ");
    escape_text(bytes_text(report->text), text);
}

/* The name is a folder's, which may come from a stranger. */
static void
put_name(const struct finding *finding, struct buffer *text)
{
    escape_text(bytes_text(finding->name), text);
    buffer_text(text, ": ");
}

void
verdict_sentence(const struct finding *finding, struct buffer *text)
{
    const struct verify_report *report = &finding->report;
    put_name(finding, text);
    if (report->verdict == VERDICT_INTACT) {
        put_intact(report, text);
    } else {
        buffer_text(text, name_of(report->verdict));
        put_place(report, text);
    }
    buffer_byte(text, '\n');
    if (finding->sight != SIGHT_FIRST)
        return;

    char vkey[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(&report->vkey, vkey);
    put_name(finding, text);
    buffer_text(text, "first sight: nothing was seen of this trail before, so that a cut tail or "
                      "another key could not show; compare the vkey with one kept elsewhere: ");
    escape_text(bytes_text(vkey), text);
    buffer_byte(text, '\n');
}

/* ---- one verdict in a row ---- */

struct cells {
    struct bytes values[COLUMN_COUNT];
    struct {
        char text[24];
    } numbers[COLUMN_COUNT];
};

static void
set_number(struct cells *cells, enum column column, uint64_t number)
{
    char *text = cells->numbers[column].text;
    int size =
        snprintf(text, sizeof cells->numbers[column].text, "%llu", (unsigned long long)number);
    cells->values[column] = bytes_of(text, (size_t)size);
}

tally_status
verdict_row(struct listing *listing, const struct finding *finding, struct tally_error *error)
{
    const struct verify_report *report = &finding->report;
    struct cells cells = { 0 };
    cells.values[COLUMN_TRAIL] = bytes_text(finding->name);
    cells.values[COLUMN_VERDICT] = bytes_text(name_of(report->verdict));
    char vkey[TALLY_VKEY_TEXT_SIZE];
    char root[BASE64_SIZE(TALLY_HASH_SIZE)];
    if (report->note_size > 0) {
        set_number(&cells, COLUMN_SIZE, report->checkpoint.size);
        tally_vkey_format(&report->vkey, vkey);
        cells.values[COLUMN_VKEY] = bytes_text(vkey);
        base64_encode(report->checkpoint.root.bytes, TALLY_HASH_SIZE, root);
        cells.values[COLUMN_ROOT] = bytes_of(root, sizeof root);
        cells.values[COLUMN_CHECKPOINT] = bytes_of(report->note, report->note_size);
    }
    set_number(&cells, COLUMN_ENTRIES, report->entries);
    set_number(&cells, COLUMN_ERASED, report->erased);
    set_number(&cells, COLUMN_UNSIGNED, report->unsigned_);
    if (report->bad_first != VERIFY_NO_INDEX) {
        set_number(&cells, COLUMN_BAD_FIRST, report->bad_first);
        set_number(&cells, COLUMN_BAD_LAST, report->bad_last);
    }
    if (report->file[0] != '\0')
        cells.values[COLUMN_FILE] = bytes_text(report->file);
    if (report->verdict != VERDICT_INTACT)
        cells.values[COLUMN_TEXT] = bytes_text(report->text);
    if (finding->sight != SIGHT_UNASKED)
        cells.values[COLUMN_FIRST_SIGHT] =
            bytes_text(finding->sight == SIGHT_FIRST ? "true" : "false");
    return listing_row(listing, cells.values, error);
}
