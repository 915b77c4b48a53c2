/*
 * segment_erase.c - a private file without the private parts of some rows, and its index.
 *
 * The file is written anew as the next generation, from the old one's pages with the erased rows
 * blank: dictionaries hold the values still in use, primers are made of what is left, so that no
 * byte of an erased value comes along unless another entry has the same value. In the place of each
 * erased salt stands the entry's commitment, which its public part needs and which tells nothing
 * without the salt.
 *
 * The index file has hashes of private values, so it is made anew too, as the same generation.
 *
 * Crash story: the manifest names the old generation until the new one is on stable storage; then
 * the old one is unlinked. Whichever of the two a crash leaves besides the one named is a remnant;
 * the opening trail finishes the erasure that its control entry has on record.
 */
#include "fault.h"
#include "segment_read.h"
#include "segment_write.h"

#include <assert.h>
#include <stdlib.h>

#define COMMITMENT_SIZE 32u

struct erasure {
    const uint32_t *rows; /* ascending */
    size_t count;
    uint8_t (*commitments)[COMMITMENT_SIZE]; /* of each row */
    /* A page without them. */
    uint32_t codes[PAGE_ROWS];
    uint8_t forms[PAGE_ROWS];
    struct bytes values[PAGE_ROWS];
    struct page_exception exceptions[PAGE_ROWS];
};

/* The rows of the erasure from `row` on: how many lie below it. */
static size_t
rows_below(const struct erasure *erasure, uint32_t row)
{
    size_t low = 0;
    size_t high = erasure->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (erasure->rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The exceptions that are left; in the column of salts the erased rows' commitments among them. */
static void
exceptions_make(struct erasure *erasure, bool salts, uint32_t base, size_t from, size_t end,
                struct page *page)
{
    uint32_t count = 0;
    uint32_t old = 0;

    for (size_t i = from; i <= end; i++) {
        uint32_t row = i < end ? erasure->rows[i] - base : UINT32_MAX;
        for (; old < page->exception_count && page->exceptions[old].row < row; old++)
            erasure->exceptions[count++] = page->exceptions[old];
        if (i == end)
            break;
        if (old < page->exception_count && page->exceptions[old].row == row)
            old++;
        if (salts)
            erasure->exceptions[count++] = (struct page_exception){
                .row = row,
                .value = bytes_of(erasure->commitments[i], COMMITMENT_SIZE),
            };
    }
    page->exceptions = erasure->exceptions;
    page->exception_count = count;
}

tally_status
erasure_apply(struct erasure *erasure, unsigned column, uint32_t number, struct page *page,
              struct tally_error *error)
{
    uint32_t base = number * PAGE_ROWS;
    size_t from = rows_below(erasure, base);
    size_t end = rows_below(erasure, base + page->rows);
    bool salts = column == COLUMN_SALT;
    if (from == end)
        return TALLY_OK;

    switch (page->kind) {
    case PAGE_ABSENT:
        if (salts)
            return fault(error, TALLY_DAMAGED, "no salts");
        return TALLY_OK;
    case PAGE_CODES:
        memcpy(erasure->codes, page->codes, page->rows * sizeof *page->codes);
        for (size_t i = from; i < end; i++)
            erasure->codes[erasure->rows[i] - base] = 0;
        page->codes = erasure->codes;
        return TALLY_OK;
    case PAGE_NUMBERS:
    case PAGE_IDS: {
        uint8_t blank = page->kind == PAGE_NUMBERS ? NUMBER_ABSENT
                        : salts                    ? ID_EXCEPTION
                                                   : ID_ABSENT;
        memcpy(erasure->forms, page->forms, page->rows * sizeof *page->forms);
        for (size_t i = from; i < end; i++)
            erasure->forms[erasure->rows[i] - base] = blank;
        page->forms = erasure->forms;
        exceptions_make(erasure, salts, base, from, end, page);
        return TALLY_OK;
    }
    case PAGE_VALUES:
        memcpy(erasure->values, page->values, page->rows * sizeof *page->values);
        for (size_t i = from; i < end; i++)
            erasure->values[erasure->rows[i] - base] = (struct bytes){ NULL, 0 };
        page->values = erasure->values;
        return TALLY_OK;
    }
    return TALLY_OK;
}

/* The commitment of each row, as it stands in its public part. */
static tally_status
commitments_collect(struct run_reader *reader, struct erasure *erasure, uint32_t *newly_erased,
                    struct tally_error *error)
{
    erasure->commitments = malloc((erasure->count + 1) * sizeof *erasure->commitments);
    if (erasure->commitments == NULL)
        return memory_fault(error);

    for (size_t i = 0; i < erasure->count; i++) {
        struct run_entry entry;
        tally_status status = run_entry(reader, erasure->rows[i], RUN_PARTS, &entry, error);
        if (status != TALLY_OK)
            return status;
        memcpy(erasure->commitments[i], entry.commitment, COMMITMENT_SIZE);
        *newly_erased += !entry.erased;
    }
    return TALLY_OK;
}

/* Writes the private file of the next generation and describes it in `info`. */
static tally_status
private_write(struct segment *segment, struct erasure *erasure, struct segment_info *info,
              struct tally_error *error)
{
    struct run run = segment_run(segment);
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    struct segment_input input = { 0 };
    status = segment_whole(segment, &input, error);
    buffer_free(&input.bytes);
    if (status != TALLY_OK)
        goto destroy_reader;
    uint32_t newly_erased = 0;
    status = commitments_collect(reader, erasure, &newly_erased, error);
    if (status != TALLY_OK)
        goto destroy_reader;

    info->generation++;
    info->erased_count += newly_erased;
    struct half_source source = { .half = HALF_PRIVATE, .reader = reader, .erasure = erasure };
    status = segment_half_write(&segment->place, &source, info, error);

destroy_reader:
    run_reader_destroy(reader);
    return status;
}

tally_status
segment_erase(const struct trail_place *place, const struct segment_info *info,
              const uint32_t *rows, size_t row_count, struct segment_info *info_out,
              struct tally_error *error)
{
    struct segment *segment;
    struct segment_info erased = *info;

    for (size_t i = 0; i < row_count; i++)
        assert(rows[i] < info->count && (i == 0 || rows[i - 1] < rows[i]));
    struct erasure *erasure = calloc(1, sizeof *erasure);
    if (erasure == NULL)
        return memory_fault(error);
    erasure->rows = rows;
    erasure->count = row_count;

    tally_status status = segment_open(place, info, &segment, error);
    if (status != TALLY_OK)
        goto free_erasure;
    status = private_write(segment, erasure, &erased, error);
    segment_release(segment);
    /* From what the new private file gives, so that nothing of an erased value is in it. */
    if (status == TALLY_OK)
        status = segment_rebuild_index(place, &erased, info_out, error);

free_erasure:
    free(erasure->commitments);
    free(erasure);
    return status;
}

tally_status
segment_unlink_generation(const struct trail_place *place, uint64_t first, uint32_t generation,
                          struct tally_error *error)
{
    for (enum segment_file_kind kind = SEGMENT_FILE_PRIVATE; kind <= SEGMENT_FILE_INDEX; kind++) {
        struct segment_identity identity = {
            .kind = kind,
            .first = first,
            .generation = generation,
        };
        char name[SEGMENT_NAME_MAX];
        segment_file_name(place->folder, &identity, name);
        tally_status status = disk_unlink(place->disk, name, error);
        if (status != TALLY_OK && status != TALLY_ABSENT)
            return status;
    }
    return segment_file_sync_folder(place, error);
}
