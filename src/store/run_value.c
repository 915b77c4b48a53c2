/*
 * run_value.c - values of single rows, of which no more is decoded than it takes.
 *
 * Of a page that is decoded they are there. Else a row of a column of text costs its strip, of ids
 * and of codes that value alone, and of numbers its block: so that one entry costs few values, not
 * 4,096. Whoever asks for a second row of a block of text or ids, or for a second block of numbers,
 * is likely to go on, and has the block or the page decoded.
 */
#include "fault.h"
#include "run_reader.h"

#include <assert.h>

/* The id of one row. TALLY_ABSENT where its block is to be decoded. */
static tally_status
lone_id(struct run_reader *reader, enum field_id field, uint32_t row, struct bytes *value_out,
        char (*text)[PAGE_TEXT_MAX], struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    uint32_t block = row / BLOCK_ROWS;
    uint8_t id[1][16] = { 0 }, form;
    struct bytes encoded;
    struct tally_error inner;
    tally_status status = run_unit_bytes(reader, column, block, &encoded, error);
    if (status != TALLY_OK)
        return status;
    status = codec_decode_id(run_stored_rows(reader, block * BLOCK_ROWS, BLOCK_ROWS),
                             row % BLOCK_ROWS, encoded, id[0], &form, &inner);
    if (status < 0)
        return run_decode_fault(column->stored, block, status, &inner, error);
    if (status != TALLY_OK)
        return status;
    const struct page page = {
        .kind = PAGE_IDS, .rows = 1, .ids = (const uint8_t(*)[16])id, .forms = &form
    };
    page_values(&page, NULL, fields[field].column, 0, 1, value_out, text);
    return TALLY_OK;
}

/* The values of some rows of one block. Of a block that nothing was asked of before, one row is
 * read alone; where a second one is asked for, it is decoded. */
static tally_status
block_values(struct run_reader *reader, enum field_id field, uint32_t row, uint32_t count,
             struct bytes *values_out, char (*texts)[PAGE_TEXT_MAX], struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    uint32_t slot = row % PAGE_ROWS / BLOCK_ROWS;
    bool known =
        column->page == row / PAGE_ROWS && (column->blocks_known & UINT32_C(1) << slot) != 0;
    if (count == 1 && !known && column->stored->entry.codec == CODEC_TEXT)
        return run_strip_value(reader, column, row, values_out, error);
    if (count == 1 && !known && !run_unit_read(column, row / BLOCK_ROWS)) {
        tally_status status = lone_id(reader, field, row, values_out, texts, error);
        if (status != TALLY_ABSENT)
            return status;
    }
    tally_status status = run_block_open(reader, column, row, error);
    if (status != TALLY_OK)
        return status;
    if (column->stored->entry.codec == CODEC_TEXT) {
        memcpy(values_out, &column->blocks[slot][row % BLOCK_ROWS], count * sizeof *values_out);
        return TALLY_OK;
    }
    struct page block;
    page_decoder_ids_block(column->decoder, slot, BLOCK_ROWS, &block);
    page_values(&block, NULL, fields[field].column, row % BLOCK_ROWS, count, values_out, texts);
    return TALLY_OK;
}

/* The values of some rows of one block of a page of numbers, of which no more is decoded unless it is
 * asked for more, or one of them is an exception: then TALLY_ABSENT. */
static tally_status
number_values(struct run_reader *reader, enum field_id field, uint32_t row, uint32_t count,
              struct bytes *values_out, char (*texts)[PAGE_TEXT_MAX], struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    uint32_t number = row / PAGE_ROWS, slot = row % PAGE_ROWS / BLOCK_ROWS;
    if (column->page != number)
        run_column_turn(reader, column, number);
    if (column->blocks_known == 0) {
        struct bytes encoded;
        struct tally_error inner;
        tally_status status = run_unit_bytes(reader, column, number, &encoded, error);
        if (status != TALLY_OK)
            return status;
        status = codec_decode_numbers(column->decoder, slot, column_hint(field),
                                      run_stored_rows(reader, number * PAGE_ROWS, PAGE_ROWS),
                                      encoded, &inner);
        if (status == TALLY_ABSENT)
            return status;
        if (status != TALLY_OK)
            return run_decode_fault(column->stored, number, status, &inner, error);
        column->blocks_known = UINT32_C(1) << slot;
    }
    if ((column->blocks_known & UINT32_C(1) << slot) == 0)
        return TALLY_ABSENT;
    struct page block;
    page_decoder_numbers_block(column->decoder, slot, BLOCK_ROWS, &block);
    page_values(&block, NULL, fields[field].column, row % BLOCK_ROWS, count, values_out, texts);
    return TALLY_OK;
}

tally_status
run_values(struct run_reader *reader, enum field_id field, uint32_t row, uint32_t count,
           struct bytes *values_out, char (*texts)[PAGE_TEXT_MAX], struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    assert(field < FIELD_COUNT && count <= reader->run.count - row);
    assert(row / BLOCK_ROWS == (row + count - 1) / BLOCK_ROWS);

    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK)
        return status;
    if (column->state == COLUMN_MISSING) {
        memset(values_out, 0, count * sizeof *values_out);
        return TALLY_OK;
    }
    if (column->state == COLUMN_THERE && codec_unit(column->stored->entry.codec) == BLOCK_ROWS)
        return block_values(reader, field, row, count, values_out, texts, error);

    bool decoded = column->view_known && column->page == row / PAGE_ROWS;
    if (count == 1 && !decoded && column->state == COLUMN_THERE &&
        column->stored->entry.codec == CODEC_CODES)
        return run_lone_value(reader, field, row, values_out, error);
    if (!decoded && column->state == COLUMN_THERE && column->stored->entry.codec == CODEC_NUMBERS) {
        status = number_values(reader, field, row, count, values_out, texts, error);
        if (status != TALLY_ABSENT)
            return status;
    }
    if (!decoded) {
        struct page view;
        status = run_column_page(reader, field, row / PAGE_ROWS, &view, error);
        if (status != TALLY_OK)
            return status;
    }
    if (column->view.kind == PAGE_CODES) {
        if (count == 1)
            return run_coded_value(reader, field, column->view.codes[row % PAGE_ROWS], values_out,
                                   error);
        struct dictionary dictionary;
        status = run_column_dictionary(reader, field, &dictionary, error);
        if (status != TALLY_OK)
            return status;
    }
    page_values(&column->view, &column->dictionary, fields[field].column, row % PAGE_ROWS, count,
                values_out, texts);
    return TALLY_OK;
}

tally_status
run_value(struct run_reader *reader, enum field_id field, uint32_t row, struct bytes *value_out,
          struct tally_error *error)
{
    assert(row < reader->run.count);
    return run_values(reader, field, row, 1, value_out, &reader->texts[field], error);
}
