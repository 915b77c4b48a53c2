/*
 * run_column.c - pages out of columns, from a head or from a segment.
 *
 * A head's pages stand in memory and are handed through. A segment's are read and decoded, and the
 * last one decoded of each column is kept: whoever goes through the rows in order decodes each page
 * once. Of a column of text or ids single blocks of a page are decoded where one row is asked for.
 *
 * Invariant: whatever the bytes of a file, a reader ends in a page or in TALLY_DAMAGED.
 */
#include "fault.h"
#include "head.h"
#include "run_reader.h"

#include <assert.h>

tally_status
run_fields_private(struct run_reader *reader, uint64_t *fields_out, struct tally_error *error)
{
    if (reader->run.segment != NULL)
        return segment_fields_private(reader->run.segment, &reader->input, fields_out, error);
    *fields_out = head_fields_private(reader->run.head);
    return TALLY_OK;
}

uint32_t
run_stored_rows(const struct run_reader *reader, uint32_t first, uint32_t most)
{
    const struct segment *segment = reader->run.segment;
    uint32_t left = (segment != NULL ? segment->info.count : reader->run.count) - first;
    return left < most ? left : most;
}

/* Has a column's primer or dictionary loaded. */
static tally_status
column_load(struct run_reader *reader, struct run_column *column, enum segment_dictionary what,
            struct tally_error *error)
{
    const struct dictionary *dictionary;
    tally_status status =
        segment_load_column(reader->run.segment, column->stored, what, reader->workspace,
                            &reader->input, &dictionary, error);
    if (status == TALLY_OK && dictionary != NULL) {
        column->dictionary = *dictionary;
        column->dictionary_known = true;
    }
    return status;
}

/* Finds a segment's column. */
static tally_status
column_find(struct run_reader *reader, unsigned number, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    struct segment_column *found;
    tally_status status =
        segment_find_column(reader->run.segment, number, &reader->input, &found, error);

    if (status == TALLY_ABSENT) {
        column->state = COLUMN_MISSING;
        return TALLY_OK;
    }
    if (status != TALLY_OK)
        return status;
    column->stored = found;
    status = column_load(reader, column, SEGMENT_DICTIONARY_TABLE, error);
    if (status != TALLY_OK)
        return status;
    if (column->decoder == NULL) {
        status = page_decoder_create(reader->workspace, &column->decoder, error);
        if (status != TALLY_OK)
            return status;
    }
    column->state = COLUMN_THERE;
    return TALLY_OK;
}

/* The same, when it is asked for first. */
tally_status
run_column_open(struct run_reader *reader, unsigned number, struct tally_error *error)
{
    if (reader->run.head != NULL || reader->columns[number].state != COLUMN_NEW)
        return TALLY_OK;
    return column_find(reader, number, error);
}

tally_status
run_decode_fault(const struct segment_column *stored, uint32_t block, tally_status status,
                 const struct tally_error *inner, struct tally_error *error)
{
    if (status != TALLY_DAMAGED)
        return memory_fault(error);
    struct segment_place place = segment_column_place(stored, block, NULL);
    return segment_file_fault(stored->file, &place, inner->text, error);
}

void
run_column_turn(struct run_reader *reader, struct run_column *column, uint32_t page)
{
    reader->group = NO_GROUP;
    column->page = page;
    column->blocks_known = 0;
    column->view_known = false;
}

static tally_status
block_decode(struct run_reader *reader, struct run_column *column, uint32_t slot,
             struct tally_error *error)
{
    uint32_t block = column->page * PAGE_BLOCKS + slot;
    uint32_t rows = run_stored_rows(reader, block * BLOCK_ROWS, BLOCK_ROWS);
    struct bytes encoded;
    column->strip_bytes = bytes_of(NULL, 0); /* they may be read over now */
    tally_status status = run_unit_bytes(reader, column, block, &encoded, error);
    if (status != TALLY_OK)
        return status;

    struct tally_error inner;
    const struct encoded_text text = { rows, column->stored->primer, encoded };
    if (column->stored->entry.codec == CODEC_TEXT)
        status = codec_decode_block(column->decoder, slot, &text, &column->blocks[slot], &inner);
    else
        status = codec_decode_ids(column->decoder, slot, rows, encoded, &inner);
    if (status != TALLY_OK)
        return run_decode_fault(column->stored, block, status, &inner, error);
    column->blocks_known |= UINT32_C(1) << slot;
    return TALLY_OK;
}

/* A page of a column of text or ids. */
static tally_status
blocks_page_decode(struct run_reader *reader, struct run_column *column, struct tally_error *error)
{
    uint32_t rows = run_page_rows(reader, column->page);
    for (uint32_t slot = 0; slot * BLOCK_ROWS < rows; slot++) {
        if ((column->blocks_known & UINT32_C(1) << slot) != 0)
            continue;
        tally_status status = block_decode(reader, column, slot, error);
        if (status != TALLY_OK)
            return status;
    }
    tally_status status = TALLY_OK;
    if (column->stored->entry.codec == CODEC_TEXT)
        page_decoder_text_page(column->decoder, rows, &column->view);
    else
        status = page_decoder_ids_page(column->decoder, rows, &column->view, error);
    column->view_known = status == TALLY_OK;
    return status;
}

static tally_status
page_decode(struct run_reader *reader, unsigned number, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    const struct column_entry *entry = &column->stored->entry;

    if (codec_unit(entry->codec) == BLOCK_ROWS)
        return blocks_page_decode(reader, column, error);

    struct bytes encoded;
    tally_status status = run_unit_bytes(reader, column, column->page, &encoded, error);
    if (status != TALLY_OK)
        return status;
    struct tally_error inner;
    status = codec_decode_page(column->decoder, entry->codec, column_hint(number),
                               run_stored_rows(reader, column->page * PAGE_ROWS, PAGE_ROWS),
                               entry->dictionary_count, encoded, &column->view, &inner);
    if (status != TALLY_OK)
        return run_decode_fault(column->stored, column->page, status, &inner, error);
    column->view.rows = run_page_rows(reader, column->page);
    column->view_known = true;
    return TALLY_OK;
}

static void
head_column_page(struct run_reader *reader, unsigned number, uint32_t page)
{
    struct run_column *column = &reader->columns[number];
    const struct run *run = &reader->run;

    if (number == COLUMN_SALT)
        head_salt_page(run->head, page, run->count, &column->view);
    else
        head_page(run->head, (enum field_id)number, page, run->count, &column->view);
    column->page = page;
    column->view_known = true;
}

tally_status
run_column_page(struct run_reader *reader, unsigned number, uint32_t page, struct page *page_out,
                struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    assert(page < run_page_count(&reader->run));

    tally_status status = run_column_open(reader, number, error);
    if (status != TALLY_OK)
        return status;
    if (column->page != page)
        run_column_turn(reader, column, page);
    if (!column->view_known && reader->run.head != NULL) {
        head_column_page(reader, number, page);
    } else if (!column->view_known && column->state == COLUMN_MISSING) {
        column->view = (struct page){ .kind = PAGE_ABSENT, .rows = run_page_rows(reader, page) };
        column->view_known = true;
    } else if (!column->view_known) {
        status = page_decode(reader, number, error);
        if (status != TALLY_OK) {
            run_column_turn(reader, column, NO_PAGE);
            return status;
        }
    }
    *page_out = column->view;
    return TALLY_OK;
}

tally_status
run_page(struct run_reader *reader, enum field_id field, uint32_t page, struct page *page_out,
         struct tally_error *error)
{
    assert(field < FIELD_COUNT);
    return run_column_page(reader, field, page, page_out, error);
}

tally_status
run_column_dictionary(struct run_reader *reader, unsigned number, struct dictionary *dictionary_out,
                      struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];

    tally_status status = run_column_open(reader, number, error);
    if (status != TALLY_OK)
        return status;
    if (!column->dictionary_known) {
        if (reader->run.head != NULL)
            head_dictionary(reader->run.head, (enum field_id)number, &column->dictionary);
        else if (column->state == COLUMN_THERE)
            status = column_load(reader, column, SEGMENT_DICTIONARY_WHOLE, error);
        if (status != TALLY_OK)
            return status;
        column->dictionary_known = true;
    }
    *dictionary_out = column->dictionary;
    return TALLY_OK;
}

tally_status
run_dictionary(struct run_reader *reader, enum field_id field, struct dictionary *dictionary_out,
               struct tally_error *error)
{
    assert(field < FIELD_COUNT);
    return run_column_dictionary(reader, field, dictionary_out, error);
}

/* A page of blocks is absent where all of them are. */
static enum page_kind
blocks_page_kind(const struct segment_column *stored, uint32_t page)
{
    for (uint32_t i = page * PAGE_BLOCKS; i < stored->block_count && i < (page + 1) * PAGE_BLOCKS;
         i++)
        if (segment_column_block(stored, i).size > 0)
            return stored->entry.codec == CODEC_TEXT ? PAGE_VALUES : PAGE_IDS;
    return PAGE_ABSENT;
}

tally_status
run_page_summary(struct run_reader *reader, enum field_id field, uint32_t page,
                 struct page_summary *summary_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    assert(field < FIELD_COUNT && page < run_page_count(&reader->run));

    if (reader->run.head != NULL) {
        struct page view;
        head_page(reader->run.head, field, page, reader->run.count, &view);
        *summary_out = (struct page_summary){ .known = false, .kind = view.kind };
        return TALLY_OK;
    }
    tally_status status = run_column_open(reader, field, error);
    if (status != TALLY_OK)
        return status;
    if (column->state == COLUMN_MISSING)
        *summary_out = (struct page_summary){ .known = true, .kind = PAGE_ABSENT };
    else if (codec_unit(column->stored->entry.codec) == BLOCK_ROWS)
        *summary_out =
            (struct page_summary){ .known = true, .kind = blocks_page_kind(column->stored, page) };
    else
        *summary_out = column->stored->summaries[page];
    return TALLY_OK;
}

tally_status
run_block_open(struct run_reader *reader, struct run_column *column, uint32_t row,
               struct tally_error *error)
{
    uint32_t slot = row % PAGE_ROWS / BLOCK_ROWS;
    if (column->page != row / PAGE_ROWS)
        run_column_turn(reader, column, row / PAGE_ROWS);
    if ((column->blocks_known & UINT32_C(1) << slot) != 0)
        return TALLY_OK;
    return block_decode(reader, column, slot, error);
}

tally_status
run_column_row(struct run_reader *reader, unsigned number, uint32_t row, struct page *page_out,
               uint32_t *at_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    tally_status status = run_column_open(reader, number, error);
    if (status != TALLY_OK)
        return status;
    if (column->state != COLUMN_THERE || column->stored->entry.codec != CODEC_IDS) {
        *at_out = row % PAGE_ROWS;
        return run_column_page(reader, number, row / PAGE_ROWS, page_out, error);
    }
    status = run_block_open(reader, column, row, error);
    if (status == TALLY_OK) {
        page_decoder_ids_block(column->decoder, row % PAGE_ROWS / BLOCK_ROWS, BLOCK_ROWS, page_out);
        *at_out = row % BLOCK_ROWS;
    }
    return status;
}
