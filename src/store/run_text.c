/*
 * run_text.c - text of a run by its strips, where not all of a page is wanted.
 *
 * A value of one row is read from its strip (codec_text.c). Who looks for a text in all rows of a page
 * first looks for it in whole strips, before these are taken apart: most have it nowhere.
 */
#include "head.h"
#include "run_reader.h"

#include <assert.h>

/* A block, read and checked for the first of its strips. */
static tally_status
block_encoded(struct run_reader *reader, struct run_column *column, uint32_t block,
              struct encoded_text *encoded_out, struct tally_error *error)
{
    struct bytes bytes = column->strip_bytes;
    tally_status status = TALLY_OK;
    if (column->strip_block != block || bytes.data == NULL) {
        status = run_unit_bytes(reader, column, block, &bytes, error);
        column->strip_bytes = status == TALLY_OK ? bytes : bytes_of(NULL, 0);
    }
    if (status == TALLY_OK)
        *encoded_out = (struct encoded_text){
            .rows = run_stored_rows(reader, block * BLOCK_ROWS, BLOCK_ROWS),
            .primer = column->stored->primer,
            .bytes = bytes,
        };
    return status;
}

/* Reads the strip with a row, and of it that row's value. */
static tally_status
strip_read(struct run_reader *reader, struct run_column *column, uint32_t row,
           struct bytes *value_out, struct tally_error *error)
{
    uint32_t block = row / BLOCK_ROWS;
    struct encoded_text encoded;
    struct tally_error inner;
    if (column->stored->primer != NULL)
        primer_prefetch(column->stored->primer);
    tally_status status = block_encoded(reader, column, block, &encoded, error);
    column->strip_block = NO_BLOCK;
    if (status != TALLY_OK)
        return status;
    status =
        codec_decode_strip(column->decoder, &encoded, row % BLOCK_ROWS, &column->strip, &inner);
    if (status != TALLY_OK)
        return run_decode_fault(column->stored, block, status, &inner, error);
    column->strip_block = block;
    *value_out = column->strip.value;
    return TALLY_OK;
}

/* Who asks for a second row of a strip has all of them made known. */
tally_status
run_strip_value(struct run_reader *reader, struct run_column *column, uint32_t row,
                struct bytes *value_out, struct tally_error *error)
{
    uint32_t block = row / BLOCK_ROWS, at = row % BLOCK_ROWS - column->strip.first;
    struct tally_error inner;
    if (column->strip_block != block || at >= column->strip.count)
        return strip_read(reader, column, row, value_out, error);
    if (column->strip.values == NULL) {
        tally_status status = codec_split_strip(column->decoder, &column->strip, &inner);
        if (status != TALLY_OK)
            return run_decode_fault(column->stored, block, status, &inner, error);
    }
    *value_out = column->strip.values[at];
    return TALLY_OK;
}

/* Takes the rows from `first` to before `end` out of a set. */
static void
remove_rows(struct row_set *rows, uint32_t first, uint32_t end)
{
    for (uint32_t row = first; row < end; row++)
        rows->words[row / 64] &= ~(UINT64_C(1) << row % 64);
}

/* The strips of one block of the page, `start` being its first row there. */
static tally_status
narrow_block(struct run_reader *reader, struct run_column *column, uint32_t page, uint32_t start,
             struct bytes sought, struct row_set *rows, struct tally_error *error)
{
    uint32_t block = page * PAGE_BLOCKS + start / BLOCK_ROWS;
    uint32_t row = row_set_next(rows, start);
    struct encoded_text encoded;
    if (row >= start + BLOCK_ROWS)
        return TALLY_OK;
    column->strip_block = NO_BLOCK; /* its text is written over */
    tally_status status = block_encoded(reader, column, block, &encoded, error);
    while (status == TALLY_OK && row < start + BLOCK_ROWS) {
        struct text_strip strip;
        struct tally_error inner;
        status = codec_search_strip(column->decoder, &encoded, row - start, sought, &strip, &inner);
        if (status != TALLY_OK && status != TALLY_ABSENT)
            return run_decode_fault(column->stored, block, status, &inner, error);
        uint32_t end = start + strip.first + strip.count;
        if (status == TALLY_ABSENT)
            remove_rows(rows, start + strip.first, end);
        status = TALLY_OK;
        row = row_set_next(rows, end);
    }
    return status;
}

tally_status
run_narrow_text(struct run_reader *reader, enum field_id field, uint32_t page, struct bytes sought,
                struct row_set *rows, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    assert(field < FIELD_COUNT && sought.size > 0);
    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK || column->state != COLUMN_THERE ||
        column->stored->entry.codec != CODEC_TEXT)
        return status;
    if (column->view_known && column->page == page)
        return TALLY_OK;
    for (uint32_t start = 0; start < PAGE_ROWS && status == TALLY_OK; start += BLOCK_ROWS)
        status = narrow_block(reader, column, page, start, sought, rows, error);
    return status;
}
