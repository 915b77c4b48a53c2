/*
 * run_code.c - single values of a dictionary, without the others.
 *
 * A head's dictionary stands in memory. Of a segment's, the table leads to the one chunk that has a
 * code or a value; the last chunks read are kept, and a reader that goes on asking takes the whole
 * dictionary. What others have loaded whole is used as it is, and what they have looked up last, too.
 */
#include "head.h"
#include "run_reader.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(LOOKED_UP_SIZE <= PAGE_TEXT_MAX, "what was looked up last has room with a reader");

void
run_forget_chunks(struct run_column *column)
{
    for (unsigned i = 0; i < CHUNKS_KEPT; i++) {
        free(column->chunks[i]);
        column->chunks[i] = NULL;
    }
}

static bool
chunk_kept(const struct run_column *column, uint32_t number)
{
    for (unsigned i = 0; i < CHUNKS_KEPT; i++)
        if (column->chunks[i] != NULL && column->chunks[i]->number == number)
            return true;
    return false;
}

/* A chunk of a column that is there, read unless it is kept; the one used last stands first. */
static tally_status
chunk_get(struct run_reader *reader, struct run_column *column, uint32_t number,
          const struct dictionary_chunk **chunk_out, struct tally_error *error)
{
    unsigned at = 0;
    while (at < CHUNKS_KEPT && (column->chunks[at] == NULL || column->chunks[at]->number != number))
        at++;
    struct dictionary_chunk *chunk;
    if (at < CHUNKS_KEPT) {
        chunk = column->chunks[at];
    } else {
        tally_status status = segment_column_chunk(column->stored, number, reader->workspace,
                                                   &reader->input, &chunk, error);
        if (status != TALLY_OK)
            return status;
        column->chunks_read++;
        free(column->chunks[--at]);
    }
    memmove(&column->chunks[1], &column->chunks[0], at * sizeof column->chunks[0]);
    column->chunks[0] = chunk;
    *chunk_out = chunk;
    return TALLY_OK;
}

/* Whether to go through the whole dictionary: it is there, or this reader has read enough of it. */
static tally_status
whole_wanted(struct run_reader *reader, unsigned number, bool *whole_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    tally_status status = TALLY_OK;
    if (!column->dictionary_known &&
        (reader->run.head != NULL || column->chunks_read >= CHUNKS_READ_MAX)) {
        struct dictionary dictionary;
        status = run_column_dictionary(reader, number, &dictionary, error);
    }
    *whole_out = column->dictionary_known;
    return status;
}

/* The value of a code. The first one of a chunk is read alone: who reads one row has no use for its
 * neighbours. */
static tally_status
stored_value(struct run_reader *reader, struct run_column *column, uint32_t code,
             struct bytes *value_out, struct tally_error *error)
{
    const struct dictionary_chunk *chunk;
    uint32_t number = dictionary_chunk_of(code);
    tally_status status;
    if (chunk_kept(column, number) || column->chunk_picked == number) {
        status = chunk_get(reader, column, number, &chunk, error);
        if (status == TALLY_OK)
            *value_out = chunk->values[code - chunk->first];
        return status;
    }
    status = segment_column_pick(column->stored, code, reader->workspace, &reader->input,
                                 &column->picked, error);
    column->chunk_picked = status == TALLY_OK ? number : NO_CHUNK;
    column->chunks_read++;
    if (status == TALLY_OK)
        *value_out = buffer_view(&column->picked);
    return status;
}

tally_status
run_coded_value(struct run_reader *reader, unsigned number, uint32_t code, struct bytes *value_out,
                struct tally_error *error)
{
    struct run_column *column = &reader->columns[number];
    bool whole;
    if (code == 0) {
        *value_out = bytes_of(NULL, 0);
        return TALLY_OK;
    }
    tally_status status = whole_wanted(reader, number, &whole, error);
    if (status != TALLY_OK)
        return status;
    if (whole) {
        *value_out = dictionary_value(&column->dictionary, code);
        return TALLY_OK;
    }
    char *text = reader->texts[number];
    size_t size;
    if (!chunk_kept(column, dictionary_chunk_of(code)) &&
        segment_recall_value(reader->run.segment, column->stored, code, text, &size)) {
        *value_out = bytes_of(text, size);
        return TALLY_OK;
    }
    return stored_value(reader, column, code, value_out, error);
}

/* The same the other way, in a column that is there. */
static tally_status
stored_code(struct run_reader *reader, struct run_column *column, struct bytes value,
            uint32_t *code_out, struct tally_error *error)
{
    const struct dictionary_chunk *chunk;
    uint32_t number;
    if (!dictionary_table_find(column->stored->dictionary_table, value, &number)) {
        *code_out = 0;
        return TALLY_OK;
    }
    if (!chunk_kept(column, number) &&
        segment_recall_code(reader->run.segment, column->stored, value, code_out))
        return TALLY_OK;
    tally_status status = chunk_get(reader, column, number, &chunk, error);
    if (status != TALLY_OK)
        return status;
    *code_out = dictionary_chunk_find(chunk, value);
    segment_remember(reader->run.segment, column->stored, value, *code_out);
    return TALLY_OK;
}

tally_status
run_code(struct run_reader *reader, enum field_id field, struct bytes value, uint32_t *code_out,
         struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    bool whole;
    tally_status status = run_column_open(reader, field, error);
    if (status == TALLY_OK)
        status = whole_wanted(reader, field, &whole, error);
    if (status != TALLY_OK)
        return status;
    /* A head's values stand as they came, a segment's in order. */
    if (reader->run.head != NULL)
        *code_out = head_code(reader->run.head, field, &column->dictionary, value);
    else if (whole)
        *code_out = dictionary_find(&column->dictionary, value);
    else if (column->state == COLUMN_THERE && column->stored->entry.codec == CODEC_CODES)
        return stored_code(reader, column, value, code_out, error);
    else
        *code_out = 0;
    return TALLY_OK;
}

/*
 * Prefixes.
 */

/* An end of the values that begin with a prefix: their first one, or what comes behind the last. */
enum prefix_end {
    PREFIX_FIRST,
    PREFIX_BEHIND,
};

static bool
comes_before(struct bytes value, struct bytes prefix, enum prefix_end end)
{
    size_t shared = value.size < prefix.size ? value.size : prefix.size;
    int order = memcmp(value.data, prefix.data, shared);
    if (order != 0)
        return order < 0;
    return value.size < prefix.size || end == PREFIX_BEHIND;
}

/* How many of `count` ascending values come before the end. */
static uint32_t
count_before(const struct bytes *values, uint32_t count, struct bytes prefix, enum prefix_end end)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (comes_before(values[middle], prefix, end))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t
whole_before(const struct dictionary *dictionary, struct bytes prefix, enum prefix_end end)
{
    uint32_t low = 0, high = dictionary->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (comes_before(dictionary_value(dictionary, middle + 1), prefix, end))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same for all values of a segment's column. */
static tally_status
stored_before(struct run_reader *reader, struct run_column *column, struct bytes prefix,
              enum prefix_end end, uint32_t *count_out, struct tally_error *error)
{
    if (column->dictionary_known) {
        *count_out = whole_before(&column->dictionary, prefix, end);
        return TALLY_OK;
    }
    const struct dictionary_table *table = column->stored->dictionary_table;
    const struct dictionary_chunk *chunk;
    uint32_t chunks = count_before(table->firsts, table->chunk_count, prefix, end);
    if (chunks == 0) {
        *count_out = 0;
        return TALLY_OK;
    }
    tally_status status = chunk_get(reader, column, chunks - 1, &chunk, error);
    if (status == TALLY_OK)
        *count_out = chunk->first - 1 + count_before(chunk->values, chunk->count, prefix, end);
    return status;
}

tally_status
run_codes_prefixed(struct run_reader *reader, enum field_id field, struct bytes prefix,
                   struct code_range *range_out, struct tally_error *error)
{
    struct run_column *column = &reader->columns[field];
    uint32_t before = 0, last = 0;
    assert(reader->run.segment != NULL);
    tally_status status = run_column_open(reader, field, error);
    if (status == TALLY_OK && column->state == COLUMN_THERE &&
        column->stored->entry.codec == CODEC_CODES) {
        status = stored_before(reader, column, prefix, PREFIX_FIRST, &before, error);
        if (status == TALLY_OK)
            status = stored_before(reader, column, prefix, PREFIX_BEHIND, &last, error);
    }
    if (status == TALLY_OK)
        *range_out =
            (struct code_range){ before < last ? before + 1 : 0, before < last ? last : 0 };
    return status;
}

tally_status
run_value_count(struct run_reader *reader, enum field_id field, uint32_t *count_out,
                struct tally_error *error)
{
    const struct run_column *column = &reader->columns[field];
    struct dictionary dictionary = { 0 };
    tally_status status = run_column_open(reader, field, error);
    if (status == TALLY_OK && reader->run.head != NULL)
        status = run_dictionary(reader, field, &dictionary, error);
    else if (status == TALLY_OK && column->state == COLUMN_THERE)
        dictionary.count = column->stored->entry.dictionary_count;
    if (status == TALLY_OK)
        *count_out = dictionary.count;
    return status;
}

/* The code of a row: a page all of whose rows have the same is not read for it. */
static tally_status
lone_code(struct run_reader *reader, unsigned number, uint32_t row, uint32_t *code_out,
          struct tally_error *error)
{
    const struct page_summary *summary =
        &reader->columns[number].stored->summaries[row / PAGE_ROWS];
    struct coded_page page;
    uint32_t codes[16];
    if (summary->kind == PAGE_ABSENT || summary->constant) {
        *code_out = summary->kind == PAGE_ABSENT ? 0 : (uint32_t)summary->minimum;
        return TALLY_OK;
    }
    tally_status status = run_coded_page(reader, number, row / PAGE_ROWS, &page, error);
    if (status != TALLY_OK)
        return status;
    codes_gather16(&page, row % PAGE_ROWS / 16 * 16, codes);
    *code_out = codes[row % 16];
    return TALLY_OK;
}

tally_status
run_lone_value(struct run_reader *reader, unsigned number, uint32_t row, struct bytes *value_out,
               struct tally_error *error)
{
    const struct segment_column *stored = reader->columns[number].stored;
    uint32_t code;
    size_t size;
    if (segment_recall_row(reader->run.segment, stored, row, reader->texts[number], &size)) {
        *value_out = bytes_of(reader->texts[number], size);
        return TALLY_OK;
    }
    tally_status status = lone_code(reader, number, row, &code, error);
    if (status != TALLY_OK)
        return status;
    if (code > stored->entry.dictionary_count) {
        struct segment_place place = segment_column_place(stored, row / PAGE_ROWS, NULL);
        return segment_file_fault(stored->file, &place, "a code is beyond the dictionary", error);
    }
    return run_coded_value(reader, number, code, value_out, error);
}
