/*
 * token_walk.c - all tokens of a run, and its words.
 *
 * Page after page, and in it column after column. A page's tokens are gathered as they come and
 * told of once each, those of objects' members block by block. How a column is held makes no
 * difference to the outcome, only to the work:
 *
 *     PAGE_CODES   a code counts once a page; its token is computed once a run, its words cut once
 *     PAGE_IDS     the 16 bytes are hashed as they are
 *     otherwise    every value
 */
#include "token_walk.h"

#include "fault.h"
#include "id_index.h"
#include "run_column.h"
#include "token.h"
#include "token_hash.h"
#include "token_object.h"

#include <assert.h>
#include <stdlib.h>

/* A column of codes. Every value of a dictionary is one that some entry has: so tokens are computed
 * one after the other as the values stand in memory, and only looked up when a page has the code.
 */
struct code_tokens {
    uint32_t count;   /* of codes, 0 among them */
    uint64_t *tokens; /* by code */
};

struct token_walk {
    struct run_reader *reader;
    struct word_gather *words;           /* or NULL */
    uint64_t token_fields, words_fields; /* whose they are */
    struct tally_error *error;
    uint32_t page;
    struct token_gather gather; /* the page's, but for those of members */
    struct token_gather block;  /* those of members in one block */
    struct member_list members; /* in all blocks of the page */
    struct token_object objects[FIELD_COUNT];
    struct code_tokens codes[FIELD_COUNT];
    uint8_t *met; /* by code, whether the page has it: of the column in hand, else zeros */
    size_t met_size;
};

static bool
has_tokens(const struct token_walk *walk, enum field_id field)
{
    return (walk->token_fields & FIELD_BIT(field)) != 0;
}

static bool
has_words(const struct token_walk *walk, enum field_id field)
{
    return (walk->words_fields & FIELD_BIT(field)) != 0;
}

static void
add_value(struct token_walk *walk, enum field_id field, struct bytes value)
{
    token_gather_add_often(&walk->gather, token_of_value(field, value));
}

/*
 * Codes.
 */

/* Computes the tokens of a dictionary's values. */
static tally_status
codes_know(struct token_walk *walk, enum field_id field, const struct dictionary *dictionary)
{
    struct code_tokens *codes = &walk->codes[field];
    uint32_t count = dictionary->count + 1;
    if (count <= codes->count)
        return TALLY_OK;
    uint64_t *tokens = realloc(codes->tokens, count * sizeof *tokens);
    if (tokens == NULL)
        return memory_fault(walk->error);
    for (uint32_t code = codes->count > 0 ? codes->count : 1; code < count; code++)
        tokens[code] = token_of_value(field, dictionary_value(dictionary, code));
    codes->tokens = tokens;
    codes->count = count;
    return TALLY_OK;
}

/* Makes room to note so many codes. */
static tally_status
met_reserve(struct token_walk *walk, uint32_t count)
{
    size_t size = ((size_t)count + 7) / 8 * 8;
    if (size <= walk->met_size)
        return TALLY_OK;
    free(walk->met);
    walk->met_size = 0;
    walk->met = calloc(size, 1);
    if (walk->met == NULL)
        return memory_fault(walk->error);
    walk->met_size = size;
    return TALLY_OK;
}

/* Finds out which codes a page has. */
static void
meet_codes(uint8_t *met, const struct page *page)
{
    for (uint32_t row = 0; row < page->rows; row++)
        met[page->codes[row]] = 1;
    met[0] = 0; /* absent */
}

static tally_status
add_codes(struct token_walk *walk, enum field_id field, const struct page *page)
{
    struct dictionary dictionary;
    uint64_t *pages = NULL;
    bool tokens = has_tokens(walk, field);
    tally_status status = run_dictionary(walk->reader, field, &dictionary, walk->error);
    if (status == TALLY_OK)
        status = met_reserve(walk, dictionary.count + 1);
    if (status == TALLY_OK && tokens)
        status = codes_know(walk, field, &dictionary);
    if (status == TALLY_OK && has_words(walk, field))
        status = word_gather_codes(walk->words, field, dictionary.count + 1, &pages, walk->error);
    if (status != TALLY_OK)
        return status;
    uint8_t *met = walk->met;
    meet_codes(met, page);
    for (uint32_t first = 0; first <= dictionary.count; first += 8) {
        for (uint64_t some = get_u64(met + first); some != 0; some &= some - 1) {
            uint32_t code = first + (unsigned)__builtin_ctzll(some) / 8;
            if (tokens)
                token_gather_add(&walk->gather, walk->codes[field].tokens[code]);
            if (pages != NULL)
                pages[code] |= UINT64_C(1) << walk->page;
        }
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

/* The members of a block of a page of objects, with their words unless `words` is NULL. */
static tally_status
add_block(struct token_walk *walk, enum field_id field, const struct page *page,
          const struct dictionary *dictionary, uint32_t first, const struct word_target *words)
{
    const uint64_t *tokens;
    size_t count;
    char text[PAGE_TEXT_MAX];
    uint32_t end = page->rows - first < BLOCK_ROWS ? page->rows : first + BLOCK_ROWS;
    token_gather_clear(&walk->block);
    if (words != NULL)
        word_set_turn(words->set, word_gather_block(field, first));
    for (uint32_t row = first; row < end; row++) {
        struct bytes value = page_value(page, dictionary, fields[field].column, row, text);
        if (value.data != NULL)
            token_object_add(&walk->objects[field], value, &walk->block, words);
    }
    tally_status status = token_gather_distinct(&walk->block, &tokens, &count, walk->error);
    if (status == TALLY_OK)
        status = member_list_add(&walk->members, walk->page * PLACES_BLOCKS + first / BLOCK_ROWS,
                                 tokens, count, walk->error);
    return status;
}

/* Objects are gone through once for both. Whoever writes has them as texts. */
static tally_status
add_objects(struct token_walk *walk, enum field_id field, const struct page *page)
{
    struct word_target target = { .pages = UINT64_C(1) << walk->page % 64 };
    struct dictionary dictionary = { 0 };
    tally_status status = TALLY_OK;
    if (page->kind == PAGE_CODES)
        status = run_dictionary(walk->reader, field, &dictionary, walk->error);
    if (status == TALLY_OK && has_words(walk, field))
        status = word_gather_set(walk->words, field, &target.set, walk->error);
    const struct word_target *words = target.set == NULL ? NULL : &target;
    for (uint32_t row = 0; row < page->rows && status == TALLY_OK; row += BLOCK_ROWS)
        status = add_block(walk, field, page, &dictionary, row, words);
    return status;
}

static void
add_values(struct token_walk *walk, enum field_id field, const struct page *page)
{
    for (uint32_t row = 0; row < page->rows; row++) {
        if (page->values[row].data != NULL)
            add_value(walk, field, page->values[row]);
    }
}

static tally_status
add_page(struct token_walk *walk, enum field_id field)
{
    struct page page;
    tally_status status = run_page(walk->reader, field, walk->page, &page, walk->error);
    if (status != TALLY_OK || page.kind == PAGE_ABSENT)
        return status;
    if (has_tokens(walk, field) && fields[field].type == TYPE_OBJECT)
        return add_objects(walk, field, &page);
    if (page.kind == PAGE_CODES)
        return add_codes(walk, field, &page);
    if (page.kind == PAGE_VALUES && has_tokens(walk, field))
        add_values(walk, field, &page);
    if (page.kind == PAGE_IDS && has_tokens(walk, field))
        add_ids(walk, field, &page); /* no field with tokens has numbers */
    if (has_words(walk, field))
        return word_gather_page(walk->words, field, &page, UINT64_C(1) << walk->page, walk->error);
    return TALLY_OK;
}

tally_status
token_walk_page(struct token_walk *walk, uint32_t page, struct token_page *tokens_out,
                struct tally_error *error)
{
    struct token_page found = { .members = &walk->members };
    tally_status status = TALLY_OK;
    walk->page = page;
    walk->error = error;
    token_gather_clear(&walk->gather);
    walk->members.count = 0;
    uint64_t rest = walk->token_fields | walk->words_fields;
    for (; rest != 0 && status == TALLY_OK; rest &= rest - 1)
        status = add_page(walk, (enum field_id)__builtin_ctzll(rest));
    if (status == TALLY_OK)
        status = token_gather_distinct(&walk->gather, &found.tokens, &found.count, error);
    if (status == TALLY_OK)
        *tokens_out = found;
    return status;
}

tally_status
token_walk_create(struct run_reader *reader, uint64_t mask, struct word_gather *words,
                  struct token_walk **walk_out, struct tally_error *error)
{
    assert(words == NULL || run_page_count(run_of(reader)) <= WORD_PAGES_MAX);
    struct token_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return memory_fault(error);
    walk->reader = reader;
    walk->words = words;
    walk->token_fields = mask & token_fields();
    walk->words_fields = words == NULL ? 0 : fields_searched();
    for (uint64_t rest = walk->token_fields; rest != 0; rest &= rest - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(rest);
        if (fields[field].type == TYPE_OBJECT)
            token_object_init(&walk->objects[field], field);
    }
    *walk_out = walk;
    return TALLY_OK;
}

void
token_walk_destroy(struct token_walk *walk)
{
    if (walk == NULL)
        return;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        free(walk->codes[i].tokens);
    free(walk->met);
    token_gather_free(&walk->gather);
    token_gather_free(&walk->block);
    member_list_free(&walk->members);
    free(walk);
}
