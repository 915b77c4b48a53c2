/*
 * token_walk.c - all tokens of a run.
 *
 * Page after page, and in it column after column. A page's tokens are gathered as they come and told
 * of once each. How a column is held makes no difference to the outcome, only to the work:
 *
 *     PAGE_CODES   a code counts once a page; its token is computed once a run
 *     PAGE_IDS     the 16 bytes are hashed as they are
 *     otherwise    every value
 */
#include "fault.h"
#include "id_index.h"
#include "run_column.h"
#include "token.h"
#include "token_hash.h"
#include "token_object.h"

#include <stdlib.h>

/* A column of codes, as far as it was met. */
struct code_tokens {
    uint32_t count;   /* of codes, 0 among them */
    uint64_t *tokens; /* by code; 0: not computed yet */
};

struct token_walk {
    struct run_reader *reader;
    token_object_visitor *objects_visitor; /* or NULL */
    void *context;
    struct tally_error *error;
    uint32_t page;
    struct token_gather gather; /* the page's */
    struct token_object objects[FIELD_COUNT];
    struct code_tokens codes[FIELD_COUNT];
    uint8_t *met; /* by code, whether the page has it: of the column in hand, else zeros */
    size_t met_size;
};

static void
add_value(struct token_walk *walk, enum field_id field, struct bytes value)
{
    if (value.data == NULL)
        return;
    if (fields[field].type == TYPE_OBJECT)
        token_object_add(&walk->objects[field], value, &walk->gather);
    else
        token_gather_add_often(&walk->gather, token_of_value(field, value));
}

/*
 * Codes.
 */

/* Makes room for a dictionary's codes. */
static tally_status
codes_reserve(struct token_walk *walk, struct code_tokens *codes, uint32_t count)
{
    size_t met_size = ((size_t)count + 7) / 8 * 8;
    if (count > codes->count) {
        uint64_t *tokens = realloc(codes->tokens, count * sizeof *tokens);
        if (tokens == NULL)
            return memory_fault(walk->error);
        memset(tokens + codes->count, 0, (count - codes->count) * sizeof *tokens);
        codes->tokens = tokens;
        codes->count = count;
    }
    if (met_size > walk->met_size) {
        free(walk->met);
        walk->met_size = 0;
        walk->met = calloc(met_size, 1);
        if (walk->met == NULL)
            return memory_fault(walk->error);
        walk->met_size = met_size;
    }
    return TALLY_OK;
}

static void
add_code(struct token_walk *walk, enum field_id field, const struct dictionary *dictionary,
         uint32_t code)
{
    uint64_t *token = &walk->codes[field].tokens[code];
    if (fields[field].type == TYPE_OBJECT) {
        add_value(walk, field, dictionary_value(dictionary, code));
        return;
    }
    if (*token == 0)
        *token = token_of_value(field, dictionary_value(dictionary, code));
    token_gather_add(&walk->gather, *token);
}

static tally_status
add_codes(struct token_walk *walk, enum field_id field, const struct page *page)
{
    struct dictionary dictionary;
    tally_status status = run_dictionary(walk->reader, field, &dictionary, walk->error);
    if (status == TALLY_OK)
        status = codes_reserve(walk, &walk->codes[field], dictionary.count + 1);
    if (status != TALLY_OK)
        return status;
    uint8_t *met = walk->met;
    for (uint32_t row = 0; row < page->rows; row++)
        met[page->codes[row]] = 1;
    met[0] = 0; /* absent */
    for (uint32_t first = 0; first <= dictionary.count; first += 8) {
        for (uint64_t some = get_u64(met + first); some != 0; some &= some - 1)
            add_code(walk, field, &dictionary, first + (unsigned)__builtin_ctzll(some) / 8);
        memset(met + first, 0, 8);
    }
    return TALLY_OK;
}

/*
 * Pages.
 */

/* Ids, with the exceptions among them. */
static void
add_ids(struct token_walk *walk, enum field_id field, const struct page *page)
{
    uint64_t uuid = token_key(field, TOKEN_UUID), hex = token_key(field, TOKEN_HEX);
    for (uint32_t row = 0; row < page->rows; row++) {
        uint8_t form = page->forms[row];
        if (form != ID_UUID && form != ID_HEX)
            continue;
        if (field == FIELD_ID) {
            token_gather_add(&walk->gather, token_of_id(field, page->ids[row], form));
            continue;
        }
        uint64_t hash = id_hash_begin(16);
        hash = id_hash_add(hash, get_u64(page->ids[row]));
        hash = id_hash_add(hash, get_u64(page->ids[row] + 8));
        token_gather_add(&walk->gather,
                         token_finish(form == ID_UUID ? uuid : hex, id_hash_end(hash)));
    }
    for (uint32_t i = 0; i < page->exception_count; i++) {
        if (page->exceptions[i].row < page->rows)
            add_value(walk, field, page->exceptions[i].value);
    }
}

static void
add_values(struct token_walk *walk, enum field_id field, const struct page *page)
{
    bool told = walk->objects_visitor != NULL && fields[field].type == TYPE_OBJECT;
    for (uint32_t row = 0; row < page->rows; row++) {
        add_value(walk, field, page->values[row]);
        if (told && page->values[row].data != NULL)
            walk->objects_visitor(walk->context, field, walk->page * PAGE_ROWS + row,
                                  page->values[row]);
    }
}

static tally_status
add_page(struct token_walk *walk, enum field_id field)
{
    struct page page;
    tally_status status = run_page(walk->reader, field, walk->page, &page, walk->error);
    if (status != TALLY_OK)
        return status;
    switch (page.kind) {
    case PAGE_CODES:
        return add_codes(walk, field, &page);
    case PAGE_IDS:
        add_ids(walk, field, &page);
        break;
    case PAGE_VALUES:
        add_values(walk, field, &page);
        break;
    case PAGE_ABSENT:
    case PAGE_NUMBERS: /* no field with tokens has numbers */
        break;
    }
    return TALLY_OK;
}

tally_status
tokens_each_with(struct run_reader *reader, uint64_t mask, token_visitor *visitor,
                 token_object_visitor *objects, void *context, struct tally_error *error)
{
    struct token_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return memory_fault(error);
    walk->reader = reader;
    walk->objects_visitor = objects;
    walk->context = context;
    walk->error = error;

    tally_status status = TALLY_OK;
    mask &= token_fields();
    for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(rest);
        if (fields[field].type == TYPE_OBJECT)
            token_object_init(&walk->objects[field], field);
    }
    for (uint32_t count = run_page_count(run_of(reader)); walk->page < count && status == TALLY_OK;
         walk->page++) {
        const uint64_t *tokens;
        size_t token_count;
        token_gather_clear(&walk->gather);
        for (uint64_t rest = mask; rest != 0 && status == TALLY_OK; rest &= rest - 1)
            status = add_page(walk, (enum field_id)__builtin_ctzll(rest));
        if (status == TALLY_OK)
            status = token_gather_distinct(&walk->gather, &tokens, &token_count, error);
        if (status == TALLY_OK)
            status = visitor(context, walk->page, tokens, token_count, error);
    }
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        free(walk->codes[i].tokens);
    free(walk->met);
    token_gather_free(&walk->gather);
    free(walk);
    return status;
}

tally_status
tokens_each(struct run_reader *reader, uint64_t mask, token_visitor *visitor, void *context,
            struct tally_error *error)
{
    return tokens_each_with(reader, mask, visitor, NULL, context, error);
}
