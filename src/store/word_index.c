/*
 * word_index.c - words column by column.
 *
 *     1 count of columns
 *     a column   1 size of its name   the name   1 kind: 1 listed, 2 too many words
 *                4 size of its list
 *     the lists, one behind the other
 *
 * Columns stand in the order of the field table when they were written; one without words has no
 * place here. A list is searched as it lies, so what is read is all that is in memory.
 *
 * The words are found with the run's tokens, in one walk through its pages (run_tokens.c).
 */
#include "word_index.h"

#include "fault.h"
#include "run_column.h"

#include <assert.h>

#define KIND_LISTED   1u
#define KIND_UNLISTED 2u

/*
 * Making.
 */

/* The place of a column whose list is in `list` from `start` on. */
static void
put_column(enum field_id field, unsigned kind, size_t size, struct buffer *table)
{
    buffer_byte(table, (uint8_t)fields[field].name.size);
    buffer_bytes(table, fields[field].name);
    buffer_byte(table, (uint8_t)kind);
    buffer_u32(table, (uint32_t)size);
}

static tally_status
list_make(struct run_reader *reader, struct word_gather *words, enum field_id field,
          struct buffer *lists, struct tally_error *error)
{
    struct dictionary dictionary;
    tally_status status = run_dictionary(reader, field, &dictionary, error);
    return status == TALLY_OK ? word_gather_list(words, field, &dictionary, lists, error) : status;
}

static tally_status
columns_make(struct run_reader *reader, struct word_gather *words, struct buffer *table,
             struct buffer *lists, unsigned *count_out, struct tally_error *error)
{
    unsigned count = 0;
    for (uint64_t rest = fields_searched(); rest != 0; rest &= rest - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(rest);
        size_t start = lists->size;
        tally_status status = list_make(reader, words, field, lists, error);
        if (status == TALLY_ABSENT)
            put_column(field, KIND_UNLISTED, 0, table);
        else if (status != TALLY_OK)
            return status;
        else if (lists->size > start)
            put_column(field, KIND_LISTED, lists->size - start, table);
        count += status == TALLY_ABSENT || lists->size > start;
    }
    *count_out = count;
    return TALLY_OK;
}

tally_status
word_index_make(struct run_reader *reader, struct buffer *out, struct tally_error *error)
{
    struct buffer table = { 0 }, lists = { 0 };
    struct run_tokens *tokens;
    unsigned count;
    assert(run_page_count(run_of(reader)) <= WORD_PAGES_MAX);

    tally_status status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = columns_make(reader, &tokens->words, &table, &lists, &count, error);
    if (status == TALLY_OK) {
        buffer_byte(out, (uint8_t)count);
        buffer_bytes(out, buffer_view(&table));
        buffer_bytes(out, buffer_view(&lists));
        if (buffer_failed(&table) || buffer_failed(&lists) || buffer_failed(out))
            status = memory_fault(error);
    }
    buffer_free(&table);
    buffer_free(&lists);
    return status;
}

/*
 * Reading.
 */

/* Takes `size` bytes off the front. */
static bool
take(struct bytes *from, size_t size, struct bytes *out)
{
    if (from->size < size)
        return false;
    *out = bytes_of(from->data, size);
    *from = bytes_of(from->data + size, from->size - size);
    return true;
}

bool
word_index_read(struct bytes encoded, struct word_index *index_out)
{
    struct word_index index = { 0 };
    struct bytes table = encoded, part, name;
    struct {
        enum field_id field;
        size_t size;
    } places[UINT8_MAX];
    if (!take(&table, 1, &part))
        return false;
    unsigned count = part.data[0];
    for (unsigned i = 0; i < count; i++) {
        if (!take(&table, 1, &part) || !take(&table, part.data[0], &name) ||
            !take(&table, 5, &part) || part.data[0] < KIND_LISTED || part.data[0] > KIND_UNLISTED)
            return false;
        places[i].field = field_find(name); /* a later version's is passed over */
        places[i].size = get_u32(part.data + 1);
        if (places[i].field != FIELD_COUNT)
            index.columns[places[i].field].state =
                part.data[0] == KIND_LISTED ? WORDS_LISTED : WORDS_UNLISTED;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!take(&table, places[i].size, &part))
            return false;
        if (places[i].field != FIELD_COUNT)
            index.columns[places[i].field].list = part;
    }
    if (table.size != 0)
        return false;
    *index_out = index;
    return true;
}

void
word_index_find(const struct word_index *index, enum field_id field,
                const struct word_question *question, struct places *places_out)
{
    const struct word_column *column = &index->columns[field];
    if (question->count == 0 || column->state == WORDS_UNLISTED)
        places_fill(places_out);
    else if (column->state == WORDS_LISTED)
        words_find(column->list, question, places_out);
    else
        *places_out = (struct places){ 0 };
}
