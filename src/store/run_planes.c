/*
 * run_planes.c - pages of a run as they lie: which rows have certain codes or numbers.
 *
 * A page of codes in a segment is asked in its planes (codec_codes.c), none of it is decoded. Pages of
 * a column lie one after the other in the file, so who goes through them in order gets more with each
 * read: a first page alone, then four, then sixteen, up to AHEAD_SIZE_MAX bytes. Who looks up a page
 * here and a page there reads these pages and no others. Blocks of text and ids are read in the same way.
 *
 * A page of numbers is asked as it lies, too (number_search.c). A head's codes stand in memory as
 * numbers; they are compared 64 at a time, without a branch.
 *
 * Invariant: every page is held against its checksum before a byte of it is used, however it was read.
 */
#include "bits.h"
#include "crc32c.h"
#include "fault.h"
#include "head.h"
#include "run_reader.h"

#include <assert.h>

#define AHEAD_SIZE_MAX  (64u << 10)
#define AHEAD_GROWTH    4u
#define AHEAD_UNITS_MAX 64u

/* How many units from `unit` on are read at once. */
static uint32_t
units_ahead(const struct segment_column *stored, struct run_ahead *ahead, uint32_t unit)
{
    bool on = ahead->end > 0 && unit >= ahead->next && unit - ahead->next < ahead->span;
    ahead->span = on ? ahead->span * AHEAD_GROWTH : 1;
    if (ahead->span > AHEAD_UNITS_MAX)
        ahead->span = AHEAD_UNITS_MAX;

    uint32_t count = 1;
    uint64_t size = segment_column_block(stored, unit).size;
    while (count < ahead->span && unit + count < stored->block_count) {
        size += segment_column_block(stored, unit + count).size;
        if (size > AHEAD_SIZE_MAX)
            break;
        count++;
    }
    return count;
}

tally_status
run_unit_bytes(struct run_reader *reader, struct run_column *column, uint32_t unit,
               struct bytes *bytes_out, struct tally_error *error)
{
    const struct segment_column *stored = column->stored;
    struct run_ahead *ahead = &column->ahead;
    const struct segment_block block = segment_column_block(stored, unit);

    if (!run_unit_read(column, unit)) {
        uint32_t count = units_ahead(stored, ahead, unit);
        ahead->end = 0;
        column->coded_page = NO_PAGE; /* its planes are in what is read over now */
        ahead->input.meter = &reader->meter;
        tally_status status = segment_column_fetch(stored, unit, count, &ahead->input, error);
        if (status != TALLY_OK)
            return status;
        ahead->first = unit;
        ahead->end = unit + count;
    }
    ahead->next = unit + 1;
    uint64_t offset = block.offset - segment_column_block(stored, ahead->first).offset;
    struct bytes bytes = bytes_of(ahead->input.bytes.data + offset, block.size);
    if (crc32c(0, bytes.data, bytes.size) != block.crc) {
        struct segment_place place = segment_column_place(stored, unit, NULL);
        return segment_file_fault(stored->file, &place, "checksum mismatch", error);
    }
    *bytes_out = bytes;
    return TALLY_OK;
}

tally_status
run_coded_page(struct run_reader *reader, unsigned number, uint32_t page,
               struct coded_page *page_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    assert(column->state == COLUMN_THERE && column->stored->entry.codec == CODEC_CODES);

    if (column->coded_page != page) {
        struct bytes encoded;
        struct tally_error inner;
        column->coded_page = NO_PAGE;
        tally_status status = run_unit_bytes(reader, column, page, &encoded, error);
        if (status != TALLY_OK)
            return status;
        status = codes_open(encoded, run_stored_rows(reader, page * PAGE_ROWS, PAGE_ROWS),
                            &column->coded, &inner);
        if (status != TALLY_OK)
            return run_decode_fault(column->stored, page, status, &inner, error);
        column->coded_page = page;
    }
    *page_out = column->coded;
    return TALLY_OK;
}

/* A page whose codes stand in memory; `codes` has room for whole words. */
static void
head_codes_in(const struct page *page, uint32_t first, uint32_t last, const struct row_set *among,
              struct row_set *out)
{
    for (uint32_t word = 0; word * 64 < page->rows; word++) {
        const uint32_t *codes = page->codes + word * 64;
        uint32_t padded[64] = { 0 };
        if (among->words[word] == 0)
            continue;
        if (page->rows - word * 64 < 64) {
            memcpy(padded, codes, (page->rows - word * 64) * sizeof *padded);
            codes = padded;
        }
        out->words[word] |= bits_between(codes, first, last) & among->words[word];
    }
}

static void
add_all(const struct row_set *among, struct row_set *out)
{
    for (unsigned i = 0; i < ROW_SET_WORDS; i++)
        out->words[i] |= among->words[i];
}

/* The rows of one code; if it is a single one, the segment remembers it for who reads it next. */
static void
one_code_in(struct run_reader *reader, unsigned number, uint32_t page,
            const struct coded_page *coded, uint32_t code, const struct row_set *among,
            struct row_set *out)
{
    struct row_set found = { 0 };
    codes_in(coded, code, code, among, &found);
    add_all(&found, out);
    if (row_set_count(&found) == 1)
        segment_remember_row(reader->run.segment, reader->columns[number].stored, code,
                             page * PAGE_ROWS + row_set_next(&found, 0));
}

tally_status
run_codes_in(struct run_reader *reader, enum field_id field, uint32_t page,
             const struct code_range *range, const struct row_set *among, struct row_set *out,
             struct tally_error *error)
{
    struct coded_page coded;
    assert(field < FIELD_COUNT && page < run_page_count(&reader->run));
    assert(range->first <= range->last);

    if (reader->run.head != NULL) {
        struct page view;
        head_page(reader->run.head, field, page, reader->run.count, &view);
        assert(view.kind == PAGE_CODES || view.kind == PAGE_ABSENT);
        if (view.kind == PAGE_CODES)
            head_codes_in(&view, range->first, range->last, among, out);
        else if (range->first == 0)
            add_all(among, out);
        return TALLY_OK;
    }
    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK)
        return status;
    if (reader->columns[field].state == COLUMN_MISSING) {
        if (range->first == 0)
            add_all(among, out);
        return TALLY_OK;
    }
    status = run_coded_page(reader, field, page, &coded, error);
    if (status != TALLY_OK)
        return status;
    if (range->first == range->last && range->first > 0)
        one_code_in(reader, field, page, &coded, range->first, among, out);
    else
        codes_in(&coded, range->first, range->last, among, out);
    return TALLY_OK;
}

tally_status
run_numbers_in(struct run_reader *reader, enum field_id field, uint32_t page,
               const struct number_search *search, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    struct bytes encoded;
    struct tally_error inner;
    assert(field < FIELD_COUNT && page < run_page_count(&reader->run));

    if (reader->run.head != NULL) {
        struct page view;
        head_page(reader->run.head, field, page, reader->run.count, &view);
        if (view.kind == PAGE_NUMBERS)
            number_search_page(search, &view);
        return TALLY_OK;
    }
    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK || column->state == COLUMN_MISSING)
        return status;
    assert(column->stored->entry.codec == CODEC_NUMBERS);
    status = run_unit_bytes(reader, column, page, &encoded, error);
    if (status != TALLY_OK)
        return status;
    status = number_search_encoded(search, encoded, column_hint(field),
                                   run_stored_rows(reader, page * PAGE_ROWS, PAGE_ROWS), &inner);
    if (status != TALLY_OK)
        return run_decode_fault(column->stored, page, status, &inner, error);
    return TALLY_OK;
}
