/*
 * segment_check.c - recompute everything in a segment's files that is derived.
 *
 * What is checked, and where a flipped byte shows:
 *
 *     header, trailer, directory      their CRCs and the manifest's, when the files are opened
 *     the blocks                      their CRCs, when they are read; all are read, those of text
 *                                     and ids where they are asked for
 *     bytes that belong to no block   there are none: the columns fill the file
 *     page summaries, time ranges     computed again from the decoded pages
 *     dictionaries                    every value is used by some row
 *     the manifest's counts           computed again
 *     the index file                  compared with one made anew from the ids
 *
 * Entries are checked by their leaves, elsewhere.
 */
#include "fault.h"
#include "run_column.h"
#include "segment_index.h"
#include "segment_read.h"

#include <inttypes.h>
#include <stdlib.h>

struct columns_check {
    struct segment *segment;
    enum segment_check_what what;
    struct run_reader *reader;
    struct segment_input input;
    const struct segment_half *halves[2]; /* by enum field_half */
    /* The columns that are looked at, and of each by code whether a row has it: NULL until one does. */
    const struct segment_column *columns[COLUMN_COUNT];
    uint8_t *used[COLUMN_COUNT];
    /* Over the pages so far. */
    struct time_range times;
    uint32_t control_count, erased_count;
};

static tally_status
place_fault(const struct segment_column *column, uint32_t block, const char *what,
            struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, block, NULL);
    return segment_file_fault(column->file, &place, what, error);
}

/* The columns of a half fill its file. */
static tally_status
layout_check(const struct columns_check *check, enum field_half half, struct tally_error *error)
{
    static const struct segment_place place = { .part = "directory" };
    const struct segment_directory *directory = &check->halves[half]->directory;
    const struct segment_file *file = &check->halves[half]->file;
    uint64_t offset = SEGMENT_HEADER_SIZE;

    for (uint32_t i = 0; i < directory->column_count; i++) {
        const struct column_entry *entry = &directory->columns[i];
        if (entry->dictionary.offset != offset)
            return segment_file_fault(file, &place, "its columns do not fill the file", error);
        if ((entry->codec != CODEC_CODES &&
             (entry->dictionary.size > 0 || entry->dictionary_table.size > 0 ||
              entry->dictionary_count > 0)) ||
            (entry->codec != CODEC_TEXT && entry->primer.size > 0))
            return segment_file_fault(file, &place, "a column has blocks that it has no use for",
                                      error);
        bool here = entry->column == COLUMN_SALT
                        ? half == HALF_PRIVATE
                        : half == HALF_PUBLIC || (FIELDS_FIXED & FIELD_BIT(entry->column)) == 0;
        if (!here || entry->column == FIELD_PRIVATE)
            return segment_file_fault(file, &place, "a column is in the wrong file", error);
        offset = entry->table.offset + entry->table.size;
    }
    if (offset != file->directory_offset)
        return segment_file_fault(file, &place, "its columns do not fill the file", error);
    return TALLY_OK;
}

static tally_status
halves_check(struct columns_check *check, struct tally_error *error)
{
    uint64_t seen = 0;
    for (unsigned half = 0; half < 2; half++) {
        tally_status status = segment_get_half(check->segment, (enum field_half)half, &check->input,
                                               &check->halves[half], error);
        if (status == TALLY_OK)
            status = layout_check(check, (enum field_half)half, error);
        if (status != TALLY_OK)
            return status;
        const struct segment_half *open = check->halves[half];
        for (uint32_t i = 0; i < open->directory.column_count; i++) {
            uint64_t bit = FIELD_BIT(open->directory.columns[i].column);
            if ((seen & bit) != 0)
                return fault(error, TALLY_DAMAGED, "%s: directory: a column is in both files",
                             open->file.name);
            seen |= bit;
        }
    }
    return TALLY_OK;
}

static bool
summary_equal(const struct page_summary *a, const struct page_summary *b)
{
    return a->kind == b->kind && a->constant == b->constant && a->complete == b->complete &&
           a->bounded == b->bounded && a->digits == b->digits && a->minimum == b->minimum &&
           a->maximum == b->maximum;
}

static tally_status
summary_check(const struct segment_column *column, uint32_t number, const struct page *page,
              struct tally_error *error)
{
    struct page_summary summary;
    codec_summarise_page(column_hint(column->entry.column), page, &summary);
    if (!summary_equal(&summary, &column->summaries[number]))
        return place_fault(column, number, "the block table says other than the page", error);
    return TALLY_OK;
}

/* Every value of a dictionary is one that some row has. */
static tally_status
dictionary_check(const struct columns_check *check, unsigned number, struct tally_error *error)
{
    const struct segment_column *column = check->columns[number];
    const uint8_t *used = check->used[number];
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    for (uint32_t code = 1; code <= column->entry.dictionary_count; code++)
        if (used == NULL || !used[code])
            return segment_file_fault(column->file, &place, "has a value that no entry has", error);
    return TALLY_OK;
}

/* Finds a column, if it is to be looked at. */
static tally_status
column_find(struct columns_check *check, unsigned number, struct tally_error *error)
{
    struct segment_column *column;
    tally_status status =
        segment_find_column(check->segment, number, &check->input, &column, error);
    if (status != TALLY_OK)
        return status == TALLY_ABSENT ? TALLY_OK : status;
    if (codec_unit(column->entry.codec) == PAGE_ROWS || check->what == SEGMENT_CHECK_ALL)
        check->columns[number] = column; /* else nothing is derived: it is of text or ids */
    return TALLY_OK;
}

/* Notes the codes of a page. */
static tally_status
codes_note(struct columns_check *check, unsigned number, const struct page *page,
           struct tally_error *error)
{
    uint8_t **used = &check->used[number];
    if (*used == NULL) {
        struct dictionary dictionary;
        tally_status status = run_column_dictionary(check->reader, number, &dictionary, error);
        if (status != TALLY_OK)
            return status;
        *used = calloc((size_t)dictionary.count + 1, 1);
        if (*used == NULL)
            return memory_fault(error);
    }
    for (uint32_t row = 0; row < page->rows; row++)
        (*used)[page->codes[row]] = 1;
    return TALLY_OK;
}

static tally_status
column_page_check(struct columns_check *check, unsigned number, uint32_t page_number,
                  struct tally_error *error)
{
    const struct segment_column *column = check->columns[number];
    struct page page;
    tally_status status = run_column_page(check->reader, number, page_number, &page, error);
    if (status == TALLY_OK && page.kind == PAGE_CODES)
        status = codes_note(check, number, &page, error);
    if (status == TALLY_OK && codec_unit(column->entry.codec) == PAGE_ROWS)
        status = summary_check(column, page_number, &page, error);
    return status;
}

/* The order times of a page. */
static tally_status
times_check(struct columns_check *check, uint32_t number, struct tally_error *error)
{
    const struct segment_file *file = &check->halves[HALF_PUBLIC]->file;
    const int64_t *times;
    uint32_t rows;
    tally_status status = run_times(check->reader, number, &times, &rows, error);
    if (status != TALLY_OK)
        return status;
    struct time_range range = { times[0], times[0] };
    for (uint32_t row = 1; row < rows; row++) {
        range.minimum = times[row] < range.minimum ? times[row] : range.minimum;
        range.maximum = times[row] > range.maximum ? times[row] : range.maximum;
    }
    const struct time_range *stored = &check->halves[HALF_PUBLIC]->directory.ranges[number];
    if (stored->minimum != range.minimum || stored->maximum != range.maximum) {
        const struct segment_place place = {
            .first = check->segment->info.first + (uint64_t)number * PAGE_ROWS,
            .count = rows,
        };
        return segment_file_fault(file, &place, "the directory has other times", error);
    }
    struct time_range *all = &check->times;
    all->minimum = range.minimum < all->minimum ? range.minimum : all->minimum;
    all->maximum = range.maximum > all->maximum ? range.maximum : all->maximum;
    return TALLY_OK;
}

/* What the manifest says of all pages. */
static tally_status
manifest_check(const struct columns_check *check, struct tally_error *error)
{
    const struct segment_info *info = &check->segment->info;
    const struct segment_file *file = &check->halves[HALF_PUBLIC]->file;
    if (check->times.minimum != info->time_min || check->times.maximum != info->time_max)
        return fault(error, TALLY_DAMAGED, "%s: the manifest has other times", file->name);
    if (check->control_count != info->control_count)
        return fault(error, TALLY_DAMAGED,
                     "%s: has %" PRIu32 " control entries, the manifest says %" PRIu32, file->name,
                     check->control_count, info->control_count);
    if (check->erased_count != info->erased_count)
        return fault(
            error, TALLY_DAMAGED, "%s: has %" PRIu32 " erased entries, the manifest says %" PRIu32,
            check->halves[HALF_PRIVATE]->file.name, check->erased_count, info->erased_count);
    return TALLY_OK;
}

tally_status
columns_check_begin(struct segment *segment, struct run_reader *reader,
                    enum segment_check_what what, struct columns_check **check_out,
                    struct tally_error *error)
{
    struct columns_check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return memory_fault(error);
    check->segment = segment;
    check->what = what;
    check->reader = reader;
    check->times = (struct time_range){ INT64_MAX, INT64_MIN };
    tally_status status = segment_whole(segment, &check->input, error);
    if (status == TALLY_OK)
        status = halves_check(check, error);
    for (unsigned number = 0; number < COLUMN_COUNT && status == TALLY_OK; number++)
        status = column_find(check, number, error);
    if (status == TALLY_OK)
        *check_out = check;
    else
        columns_check_end(check);
    return status;
}

tally_status
columns_check_page(struct columns_check *check, uint32_t page, struct tally_error *error)
{
    uint32_t controls, erased;
    tally_status status = TALLY_OK;
    for (unsigned number = 0; number < COLUMN_COUNT && status == TALLY_OK; number++)
        if (check->columns[number] != NULL)
            status = column_page_check(check, number, page, error);
    if (status == TALLY_OK)
        status = times_check(check, page, error);
    if (status == TALLY_OK)
        status = run_page_kinds(check->reader, page, &controls, &erased, error);
    if (status != TALLY_OK)
        return status;
    check->control_count += controls;
    check->erased_count += erased;
    return TALLY_OK;
}

tally_status
columns_check_all(const struct columns_check *check, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (unsigned number = 0; number < COLUMN_COUNT && status == TALLY_OK; number++)
        if (check->columns[number] != NULL)
            status = dictionary_check(check, number, error);
    return status == TALLY_OK ? manifest_check(check, error) : status;
}

void
columns_check_end(struct columns_check *check)
{
    if (check == NULL)
        return;
    for (unsigned number = 0; number < COLUMN_COUNT; number++)
        free(check->used[number]);
    buffer_free(&check->input.bytes);
    free(check);
}

tally_status
segment_check_index(struct segment *segment, struct run_reader *reader, struct tally_error *error)
{
    tally_status status = segment_index_check(&segment->place, &segment->info, reader, error);
    /* The index of a generation that was erased from meanwhile proves nothing any more. */
    if (status == TALLY_DAMAGED && segment_is_superseded(segment))
        status = TALLY_OK;
    return status;
}

/* All columns, page by page. */
static tally_status
columns_check(struct segment *segment, struct run_reader *reader, enum segment_check_what what,
              struct tally_error *error)
{
    struct columns_check *check = NULL;
    tally_status status = columns_check_begin(segment, reader, what, &check, error);
    for (uint32_t page = 0; status == TALLY_OK && page < run_page_count(run_of(reader)); page++)
        status = columns_check_page(check, page, error);
    if (status == TALLY_OK)
        status = columns_check_all(check, error);
    columns_check_end(check);
    return status;
}

tally_status
segment_check(struct segment *segment, enum segment_check_what what, bool *index_only_out,
              struct tally_error *error)
{
    struct run run = segment_run(segment);
    struct run_reader *reader;

    *index_only_out = false;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = columns_check(segment, reader, what, error);
    if (status == TALLY_OK) {
        status = segment_check_index(segment, reader, error);
        *index_only_out = status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED;
    }
    run_reader_destroy(reader);
    return status;
}
