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

/* What one check works with. */
struct check {
    struct segment *segment;
    enum segment_check_what what;
    struct run_reader *reader;
    struct segment_input input;
    const struct segment_half *halves[2]; /* by enum field_half */
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
layout_check(const struct check *check, enum field_half half, struct tally_error *error)
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
halves_check(struct check *check, struct tally_error *error)
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

static tally_status
dictionary_check(const struct segment_column *column, const struct dictionary *dictionary,
                 const uint8_t *used, struct tally_error *error)
{
    struct segment_place place = segment_column_place(column, 0, "dictionary");
    for (uint32_t code = 1; code <= dictionary->count; code++)
        if (!used[code])
            return segment_file_fault(column->file, &place, "has a value that no entry has", error);
    return TALLY_OK;
}

static tally_status
pages_check(const struct check *check, const struct segment_column *column, uint8_t *used,
            struct tally_error *error)
{
    for (uint32_t i = 0; i < run_page_count(run_of(check->reader)); i++) {
        struct page page;
        tally_status status = run_column_page(check->reader, column->entry.column, i, &page, error);
        if (status != TALLY_OK)
            return status;
        for (uint32_t row = 0; page.kind == PAGE_CODES && row < page.rows; row++)
            used[page.codes[row]] = 1;
        if (codec_unit(column->entry.codec) == PAGE_ROWS)
            status = summary_check(column, i, &page, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
column_check(struct check *check, unsigned number, struct tally_error *error)
{
    struct segment_column *column;
    struct dictionary dictionary;
    tally_status status =
        segment_find_column(check->segment, number, &check->input, &column, error);
    if (status != TALLY_OK)
        return status == TALLY_ABSENT ? TALLY_OK : status;
    if (codec_unit(column->entry.codec) == BLOCK_ROWS && check->what == SEGMENT_CHECK_DERIVED)
        return TALLY_OK; /* nothing is derived from text and ids */
    status = run_column_dictionary(check->reader, number, &dictionary, error);
    if (status != TALLY_OK)
        return status;

    uint8_t *used = calloc((size_t)dictionary.count + 1, 1);
    if (used == NULL)
        return memory_fault(error);
    status = pages_check(check, column, used, error);
    if (status == TALLY_OK)
        status = dictionary_check(column, &dictionary, used, error);
    free(used);
    return status;
}

/* The order times of every page, and of all. */
static tally_status
times_check(struct check *check, struct tally_error *error)
{
    const struct segment_info *info = &check->segment->info;
    const struct segment_file *file = &check->halves[HALF_PUBLIC]->file;
    struct time_range all = { INT64_MAX, INT64_MIN };

    for (uint32_t number = 0; number < run_page_count(run_of(check->reader)); number++) {
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
                .first = info->first + (uint64_t)number * PAGE_ROWS,
                .count = rows,
            };
            return segment_file_fault(file, &place, "the directory has other times", error);
        }
        all.minimum = range.minimum < all.minimum ? range.minimum : all.minimum;
        all.maximum = range.maximum > all.maximum ? range.maximum : all.maximum;
    }
    if (all.minimum != info->time_min || all.maximum != info->time_max)
        return fault(error, TALLY_DAMAGED, "%s: the manifest has other times", file->name);
    return TALLY_OK;
}

/* Salts or commitments for every row, and the manifest's counts. */
static tally_status
counts_check(struct check *check, struct tally_error *error)
{
    const struct segment_info *info = &check->segment->info;
    uint32_t control_count = 0, erased_count = 0;

    for (uint32_t page = 0; page < run_page_count(run_of(check->reader)); page++) {
        uint32_t controls, erased;
        tally_status status = run_page_kinds(check->reader, page, &controls, &erased, error);
        if (status != TALLY_OK)
            return status;
        control_count += controls;
        erased_count += erased;
    }
    if (control_count != info->control_count)
        return fault(error, TALLY_DAMAGED,
                     "%s: has %" PRIu32 " control entries, the manifest says %" PRIu32,
                     check->halves[HALF_PUBLIC]->file.name, control_count, info->control_count);
    if (erased_count != info->erased_count)
        return fault(error, TALLY_DAMAGED,
                     "%s: has %" PRIu32 " erased entries, the manifest says %" PRIu32,
                     check->halves[HALF_PRIVATE]->file.name, erased_count, info->erased_count);
    return TALLY_OK;
}

static tally_status
entries_check(struct check *check, struct tally_error *error)
{
    tally_status status = segment_whole(check->segment, &check->input, error);
    if (status == TALLY_OK)
        status = halves_check(check, error);
    for (unsigned column = 0; column < COLUMN_COUNT && status == TALLY_OK; column++)
        status = column_check(check, column, error);
    if (status == TALLY_OK)
        status = times_check(check, error);
    if (status == TALLY_OK)
        status = counts_check(check, error);
    return status;
}

tally_status
segment_check_columns(struct segment *segment, struct run_reader *reader,
                      enum segment_check_what what, struct tally_error *error)
{
    struct check check = { .segment = segment, .what = what, .reader = reader };
    tally_status status = entries_check(&check, error);
    buffer_free(&check.input.bytes);
    return status;
}

tally_status
segment_check_index(struct segment *segment, struct run_reader *reader, struct tally_error *error)
{
    tally_status status = segment_index_check(segment->disk, segment->folder, segment->tag,
                                              &segment->info, reader, error);
    /* The index of a generation that was erased from meanwhile proves nothing any more. */
    if (status == TALLY_DAMAGED && segment_is_superseded(segment))
        status = TALLY_OK;
    return status;
}

tally_status
segment_check(struct segment *segment, enum segment_check_what what, bool *index_only_out,
              struct tally_error *error)
{
    struct run run = {
        .first = segment->info.first,
        .count = segment->info.count,
        .segment = segment,
    };
    struct run_reader *reader;

    *index_only_out = false;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = segment_check_columns(segment, reader, what, error);
    if (status == TALLY_OK) {
        status = segment_check_index(segment, reader, error);
        *index_only_out = status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED;
    }
    run_reader_destroy(reader);
    return status;
}
