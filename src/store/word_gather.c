/*
 * word_gather.c - a column's words from pages of every kind.
 *
 * Of a column of ids only the values that are none are cut. A column has a set of its own only if
 * there is something to put into it.
 *
 * Of free text the blocks are told, too, for it is read block by block; of other columns only the
 * pages, whatever they are stored as: a head may hold them in another way than its segment, and
 * both are to give the same words.
 */
#include "word_gather.h"

#include "fault.h"

#include <stdlib.h>

void
word_gather_finish(struct word_gather *gather)
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        word_set_finish(&gather->columns[i].set);
        free(gather->columns[i].code_pages);
    }
    *gather = (struct word_gather){ 0 };
}

tally_status
word_gather_set(struct word_gather *gather, enum field_id field, struct word_set **set_out,
                struct tally_error *error)
{
    struct word_set *set = &gather->columns[field].set;
    tally_status status = set->slots == NULL ? word_set_init(set, error) : TALLY_OK;
    if (status == TALLY_OK)
        *set_out = set;
    return status;
}

tally_status
word_gather_codes(struct word_gather *gather, enum field_id field, uint32_t count,
                  uint64_t **pages_out, struct tally_error *error)
{
    struct word_gather_column *column = &gather->columns[field];
    if (count > column->code_count) {
        uint64_t *larger = realloc(column->code_pages, count * sizeof *larger);
        if (larger == NULL)
            return memory_fault(error);
        memset(larger + column->code_count, 0, (count - column->code_count) * sizeof *larger);
        column->code_pages = larger;
        column->code_count = count;
    }
    *pages_out = column->code_pages;
    return TALLY_OK;
}

unsigned
word_gather_block(enum field_id field, uint32_t row)
{
    return fields[field].column == COLUMN_HINT_TEXT ? row % PAGE_ROWS / BLOCK_ROWS : WORD_ANYWHERE;
}

static void
add_value(struct word_set *set, enum field_id field, struct bytes value, uint64_t pages)
{
    if (fields[field].type == TYPE_OBJECT)
        word_set_object(set, value, pages);
    else
        word_set_text(set, value, pages);
}

static void
add_ids(struct word_set *set, enum field_id field, const struct page *page, uint64_t pages)
{
    uint8_t ids = 0;
    for (uint32_t row = 0; row < page->rows; row++)
        ids |= page->forms[row] == ID_UUID || page->forms[row] == ID_HEX;
    if (ids != 0)
        word_set_id(set, pages);
    for (uint32_t i = 0; i < page->exception_count && page->exceptions[i].row < page->rows; i++) {
        word_set_turn(set, word_gather_block(field, page->exceptions[i].row));
        add_value(set, field, page->exceptions[i].value, pages);
    }
}

/* Whatever else a page may be: value by value. */
static void
add_values(struct word_set *set, enum field_id field, const struct page *page, uint64_t pages)
{
    char text[PAGE_TEXT_MAX];
    for (uint32_t row = 0; row < page->rows; row++) {
        struct bytes value = page_value(page, NULL, fields[field].column, row, text);
        if (value.data == NULL)
            continue;
        word_set_turn(set, word_gather_block(field, row));
        add_value(set, field, value, pages);
    }
}

tally_status
word_gather_page(struct word_gather *gather, enum field_id field, const struct page *page,
                 uint64_t pages, struct tally_error *error)
{
    struct word_set *set;
    if (page->kind == PAGE_ABSENT)
        return TALLY_OK;
    tally_status status = word_gather_set(gather, field, &set, error);
    if (status != TALLY_OK)
        return status;
    if (page->kind == PAGE_IDS)
        add_ids(set, field, page, pages);
    else
        add_values(set, field, page, pages);
    return TALLY_OK;
}

static tally_status
add_codes(struct word_gather *gather, enum field_id field, const struct dictionary *dictionary,
          struct tally_error *error)
{
    struct word_gather_column *column = &gather->columns[field];
    struct word_set *set;
    tally_status status = word_gather_set(gather, field, &set, error);
    if (status == TALLY_OK)
        word_set_turn(set, WORD_ANYWHERE);
    for (uint32_t code = 1; code < column->code_count && status == TALLY_OK; code++) {
        if (column->code_pages[code] != 0)
            add_value(set, field, dictionary_value(dictionary, code), column->code_pages[code]);
    }
    return status;
}

tally_status
word_gather_list(struct word_gather *gather, enum field_id field,
                 const struct dictionary *dictionary, struct buffer *out, struct tally_error *error)
{
    const struct word_gather_column *column = &gather->columns[field];
    if (column->code_pages != NULL) {
        tally_status status = add_codes(gather, field, dictionary, error);
        if (status != TALLY_OK)
            return status;
    }
    return column->set.slots == NULL ? TALLY_OK : word_set_list(&column->set, out, error);
}
