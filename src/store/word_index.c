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
 * A column of codes has each of its values cut once: first it is found out which pages have a code,
 * then the words of its value are put into all of them. Of a column of ids only the values that are
 * none are cut. Objects that are stored as text were gone through for the run's tokens (run_tokens.c)
 * and are not read again: their column's words are begun there.
 *
 * Of free text the blocks are told, too, for it is read block by block; of other columns only the
 * pages, whatever they are stored as: a head may hold them in another way than its segment, and both
 * are to give the same words.
 */
#include "word_index.h"

#include "fault.h"
#include "run_column.h"
#include "word_set.h"

#include <assert.h>
#include <stdlib.h>

#define KIND_LISTED   1u
#define KIND_UNLISTED 2u

/*
 * Making.
 */

/* What is at work on one column after the other. */
struct word_walk {
    struct run_reader *reader;
    uint32_t pages;
    struct run_tokens *tokens;
    struct word_set own;
    struct word_set *set; /* the column's: its own, or one that was begun with the tokens */
    uint64_t *code_pages;
    uint32_t code_capacity;
};

unsigned
word_index_block(enum field_id field, uint32_t row)
{
    return fields[field].column == COLUMN_HINT_TEXT ? row % PAGE_ROWS / BLOCK_ROWS : WORD_ANYWHERE;
}

static void
add_value(struct word_walk *walk, enum field_id field, struct bytes value, uint64_t pages)
{
    if (fields[field].type == TYPE_OBJECT)
        word_set_object(walk->set, value, pages);
    else
        word_set_text(walk->set, value, pages);
}

static void
add_values(struct word_walk *walk, enum field_id field, const struct page *page, uint64_t bit)
{
    for (uint32_t row = 0; row < page->rows; row++) {
        if (page->values[row].data == NULL)
            continue;
        word_set_turn(walk->set, word_index_block(field, row));
        add_value(walk, field, page->values[row], bit);
    }
}

static void
add_ids(struct word_walk *walk, enum field_id field, const struct page *page, uint64_t bit)
{
    uint8_t ids = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        ids |= page->forms[row] == ID_UUID || page->forms[row] == ID_HEX;
    if (ids != 0)
        word_set_id(walk->set, bit);
    for (uint32_t i = 0; i < page->exception_count && page->exceptions[i].row < page->rows; i++) {
        word_set_turn(walk->set, word_index_block(field, page->exceptions[i].row));
        add_value(walk, field, page->exceptions[i].value, bit);
    }
}

/* Whatever else a page may be: value by value. */
static void
add_spelled(struct word_walk *walk, enum field_id field, const struct page *page, uint64_t bit)
{
    char text[PAGE_TEXT_MAX];
    for (uint32_t row = 0; row < page->rows; row++) {
        struct bytes value = page_value(page, NULL, fields[field].column, row, text);
        if (value.data != NULL)
            add_value(walk, field, value, bit);
    }
}

/* Makes room for a set of pages for each code of the field's dictionary. */
static tally_status
codes_begin(struct word_walk *walk, const struct dictionary *dictionary, struct tally_error *error)
{
    uint32_t count = dictionary->count + 1;
    if (count > walk->code_capacity) {
        uint64_t *larger = realloc(walk->code_pages, count * sizeof *larger);
        if (larger == NULL)
            return memory_fault(error);
        walk->code_pages = larger;
        walk->code_capacity = count;
    }
    memset(walk->code_pages, 0, count * sizeof *walk->code_pages);
    return TALLY_OK;
}

static void
codes_end(struct word_walk *walk, enum field_id field, const struct dictionary *dictionary)
{
    for (uint32_t code = 1; code <= dictionary->count; code++) {
        if (walk->code_pages[code] != 0)
            add_value(walk, field, dictionary_value(dictionary, code), walk->code_pages[code]);
    }
}

static tally_status
column_walk(struct word_walk *walk, enum field_id field, struct tally_error *error)
{
    struct dictionary dictionary;
    tally_status status = run_dictionary(walk->reader, field, &dictionary, error);
    word_set_turn(walk->set, WORD_ANYWHERE);
    if (status == TALLY_OK)
        status = codes_begin(walk, &dictionary, error);
    for (uint32_t number = 0; number < walk->pages && status == TALLY_OK; number++) {
        uint64_t bit = UINT64_C(1) << number;
        struct page_summary summary;
        struct page page;
        status = run_page_summary(walk->reader, field, number, &summary, error);
        if (status != TALLY_OK || (walk->set != &walk->own && summary.kind == PAGE_VALUES))
            continue;
        status = run_page(walk->reader, field, number, &page, error);
        if (status != TALLY_OK || page.kind == PAGE_ABSENT)
            continue;
        if (page.kind == PAGE_CODES) {
            for (uint32_t row = 0; row < page.rows; row++)
                walk->code_pages[page.codes[row]] |= bit;
        } else if (page.kind == PAGE_VALUES) {
            add_values(walk, field, &page, bit);
        } else if (page.kind == PAGE_IDS) {
            add_ids(walk, field, &page, bit);
        } else {
            add_spelled(walk, field, &page, bit);
        }
    }
    if (status == TALLY_OK)
        codes_end(walk, field, &dictionary);
    return status;
}

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
columns_make(struct word_walk *walk, struct buffer *table, struct buffer *lists,
             unsigned *count_out, struct tally_error *error)
{
    unsigned count = 0;
    for (uint64_t rest = fields_searched(); rest != 0; rest &= rest - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(rest);
        size_t start = lists->size;
        walk->set = &walk->own;
        if (walk->tokens->words[field].slots != NULL)
            walk->set = &walk->tokens->words[field];
        else
            word_set_clear(walk->set);
        tally_status status = column_walk(walk, field, error);
        if (status == TALLY_OK)
            status = word_set_list(walk->set, lists, error);
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
    struct word_walk walk = { .reader = reader, .pages = run_page_count(run_of(reader)) };
    struct buffer table = { 0 }, lists = { 0 };
    unsigned count;
    assert(walk.pages <= WORD_PAGES_MAX);

    tally_status status = run_tokens(reader, &walk.tokens, error);
    if (status == TALLY_OK)
        status = word_set_init(&walk.own, error);
    if (status != TALLY_OK)
        return status;
    status = columns_make(&walk, &table, &lists, &count, error);
    if (status == TALLY_OK) {
        buffer_byte(out, (uint8_t)count);
        buffer_bytes(out, buffer_view(&table));
        buffer_bytes(out, buffer_view(&lists));
        if (buffer_failed(&table) || buffer_failed(&lists) || buffer_failed(out))
            status = memory_fault(error);
    }
    buffer_free(&table);
    buffer_free(&lists);
    word_set_finish(&walk.own);
    free(walk.code_pages);
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
                const struct word_question *question, struct word_places *places_out)
{
    const struct word_column *column = &index->columns[field];
    if (question->count == 0 || column->state == WORDS_UNLISTED)
        word_places_fill(places_out);
    else if (column->state == WORDS_LISTED)
        words_find(column->list, question, places_out);
    else
        *places_out = (struct word_places){ 0 };
}
