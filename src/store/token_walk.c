/*
 * token_walk.c - all tokens of a run.
 *
 * Page after page, and in it column after column. A page's distinct tokens are kept in a set, and
 * each is told of when it comes first. How a column is held makes no difference to the outcome, only
 * to the work:
 *
 *     PAGE_CODES   a code counts once a page; its token is computed once a run
 *     PAGE_IDS     the 16 bytes are hashed as they are
 *     otherwise    every value
 *
 * Objects are walked once, from the first byte to the last: strings that are no names, and numbers.
 */
#include "decimal.h"
#include "fault.h"
#include "json_text.h"
#include "run_column.h"
#include "token.h"
#include "token_set.h"

#include <stdlib.h>

/* A string of TOKEN_MEMBER_SIZE_MAX bytes with every byte escaped. */
#define ESCAPED_SIZE_MAX (6 * TOKEN_MEMBER_SIZE_MAX)

/* A column of codes, as far as it was met. */
struct code_tokens {
    uint32_t count;   /* of codes, 0 among them */
    uint32_t *last;   /* by code: the page that it was met in last, from 1; 0: in none yet */
    uint64_t *tokens; /* by code that was met; not of objects */
};

struct token_walk {
    struct run_reader *reader;
    token_visitor *visitor;
    void *context;
    struct tally_error *error;
    uint32_t page;
    struct token_set set; /* the page's */
    struct code_tokens codes[FIELD_COUNT];
};

static tally_status
add(struct token_walk *walk, uint64_t token)
{
    bool added;
    tally_status status = token_set_add(&walk->set, token, &added, walk->error);
    if (status != TALLY_OK || !added)
        return status;
    return walk->visitor(walk->context, token, walk->page, walk->error);
}

/*
 * Objects.
 */

/* A string between its quotes. */
static tally_status
add_string(struct token_walk *walk, enum field_id object, struct bytes inside, bool escaped)
{
    uint8_t decoded[ESCAPED_SIZE_MAX];
    if (inside.size > (escaped ? sizeof decoded : TOKEN_MEMBER_SIZE_MAX))
        return TALLY_OK;
    if (escaped) {
        size_t size = json_text_decode(inside, decoded);
        if (size == SIZE_MAX)
            return TALLY_OK;
        inside = bytes_of(decoded, size);
    }
    if (!token_covers_member(inside))
        return TALLY_OK;
    return add(walk, token_of_member(object, inside));
}

/* A number at the start of `rest`, or one of the three words. */
static tally_status
add_word(struct token_walk *walk, enum field_id object, struct bytes rest, size_t *size_out)
{
    struct bytes word = bytes_of(rest.data, json_text_value(rest));
    *size_out = word.size;
    struct decimal number;
    if (!decimal_read(word, &number))
        return TALLY_OK;
    return add(walk, token_of_member(object, word));
}

static bool
is_mark(uint8_t c)
{
    return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']';
}

/* The members of an object's canonical text. What is none ends the walk, as it ends a match. */
static tally_status
add_members(struct token_walk *walk, enum field_id object, struct bytes json)
{
    tally_status status = TALLY_OK;
    for (size_t at = 0, size; at < json.size && status == TALLY_OK; at += size) {
        struct bytes rest = bytes_of(json.data + at, json.size - at);
        bool escaped = false;
        size = 1;
        if (is_mark(rest.data[0]))
            continue;
        if (rest.data[0] != '"') {
            status = add_word(walk, object, rest, &size);
            if (size == 0)
                break;
            continue;
        }
        size = json_text_string(rest, &escaped);
        if (size == 0)
            break;
        if (size == rest.size || rest.data[size] != ':')
            status = add_string(walk, object, bytes_of(rest.data + 1, size - 2), escaped);
    }
    return status;
}

static tally_status
add_value(struct token_walk *walk, enum field_id field, struct bytes value)
{
    if (value.data == NULL)
        return TALLY_OK;
    if (fields[field].type == TYPE_OBJECT)
        return add_members(walk, field, value);
    return add(walk, token_of_value(field, value));
}

/*
 * Pages.
 */

/* Makes room for a dictionary's codes. */
static tally_status
codes_reserve(struct code_tokens *codes, uint32_t count, struct tally_error *error)
{
    if (count <= codes->count)
        return TALLY_OK;
    uint32_t *last = realloc(codes->last, count * sizeof *last);
    if (last == NULL)
        return memory_fault(error);
    codes->last = last;
    uint64_t *tokens = realloc(codes->tokens, count * sizeof *tokens);
    if (tokens == NULL)
        return memory_fault(error);
    codes->tokens = tokens;
    memset(last + codes->count, 0, (count - codes->count) * sizeof *last);
    codes->count = count;
    return TALLY_OK;
}

static tally_status
add_code(struct token_walk *walk, enum field_id field, const struct dictionary *dictionary,
         uint32_t code)
{
    struct code_tokens *codes = &walk->codes[field];
    bool met = codes->last[code] != 0;
    codes->last[code] = walk->page + 1;
    if (fields[field].type == TYPE_OBJECT)
        return add_members(walk, field, dictionary_value(dictionary, code));
    if (!met)
        codes->tokens[code] = token_of_value(field, dictionary_value(dictionary, code));
    return add(walk, codes->tokens[code]);
}

static tally_status
add_codes(struct token_walk *walk, enum field_id field, const struct page *page)
{
    struct dictionary dictionary;
    struct code_tokens *codes = &walk->codes[field];
    tally_status status = run_dictionary(walk->reader, field, &dictionary, walk->error);
    if (status == TALLY_OK)
        status = codes_reserve(codes, dictionary.count + 1, walk->error);
    for (uint32_t row = 0; row < page->rows && status == TALLY_OK; row++) {
        uint32_t code = page->codes[row];
        if (code != 0 && codes->last[code] != walk->page + 1)
            status = add_code(walk, field, &dictionary, code);
    }
    return status;
}

/* Ids, with the exceptions among them. */
static tally_status
add_ids(struct token_walk *walk, enum field_id field, const struct page *page)
{
    tally_status status = TALLY_OK;
    for (uint32_t row = 0; row < page->rows && status == TALLY_OK; row++) {
        uint8_t form = page->forms[row];
        if (form == ID_UUID || form == ID_HEX)
            status = add(walk, token_of_id(field, page->ids[row], form));
    }
    for (uint32_t i = 0; i < page->exception_count && status == TALLY_OK; i++) {
        if (page->exceptions[i].row < page->rows)
            status = add_value(walk, field, page->exceptions[i].value);
    }
    return status;
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
        return add_ids(walk, field, &page);
    case PAGE_VALUES:
        for (uint32_t row = 0; row < page.rows && status == TALLY_OK; row++)
            status = add_value(walk, field, page.values[row]);
        return status;
    case PAGE_ABSENT:
    case PAGE_NUMBERS: /* no field with tokens has numbers */
        break;
    }
    return status;
}

tally_status
tokens_each(struct run_reader *reader, uint64_t mask, token_visitor *visitor, void *context,
            struct tally_error *error)
{
    struct token_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return memory_fault(error);
    walk->reader = reader;
    walk->visitor = visitor;
    walk->context = context;
    walk->error = error;

    tally_status status = TALLY_OK;
    mask &= token_fields();
    for (uint32_t count = run_page_count(run_of(reader)); walk->page < count && status == TALLY_OK;
         walk->page++) {
        token_set_clear(&walk->set);
        for (uint64_t rest = mask; rest != 0 && status == TALLY_OK; rest &= rest - 1)
            status = add_page(walk, (enum field_id)__builtin_ctzll(rest));
    }
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        free(walk->codes[i].last);
        free(walk->codes[i].tokens);
    }
    token_set_free(&walk->set);
    free(walk);
    return status;
}
