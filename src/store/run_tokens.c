/*
 * run_tokens.c - a run's tokens, gone through once for all who want them.
 *
 * A page's filter and a group's are filled from the same tokens, eight bytes each, some tens of bytes
 * an entry; they are kept until the reader goes. Ids are not among them: their tokens are the hashes
 * that the index of ids is made of, by row, which are kept too.
 */
#include "fault.h"
#include "run_reader.h"
#include "token.h"

#include <stdlib.h>

static tally_status
collect(void *context, uint32_t page, const uint64_t *tokens, size_t count,
        struct tally_error *error)
{
    struct run_tokens *all = context;
    if (all->failed)
        return memory_fault(error);
    if (count > all->capacity - all->count) {
        size_t capacity = all->count + count + (all->count + count) / 2;
        uint64_t *larger = realloc(all->tokens, capacity * sizeof *larger);
        if (larger == NULL)
            return memory_fault(error);
        all->tokens = larger;
        all->capacity = capacity;
    }
    if (count > 0)
        memcpy(all->tokens + all->count, tokens, count * sizeof *tokens);
    all->count += count;
    all->ends[page] = all->count;
    return TALLY_OK;
}

/* Objects, all of which are searched, are stored as text, and reading that once more for their words
 * would cost as much as finding them. */
static void
collect_words(void *context, enum field_id field, uint32_t row, struct bytes json)
{
    struct run_tokens *all = context;
    struct word_set *words = &all->words[field];
    if (words->slots == NULL && word_set_init(words, NULL) != TALLY_OK) {
        all->failed = true;
        return;
    }
    word_set_turn(words, word_index_block(field, row));
    word_set_object(words, json, UINT64_C(1) << row / PAGE_ROWS);
}

tally_status
run_tokens(struct run_reader *reader, struct run_tokens **tokens_out, struct tally_error *error)
{
    if (reader->tokens.ends == NULL) {
        struct run_tokens tokens = { 0 };
        tokens.ends = calloc(run_page_count(&reader->run), sizeof *tokens.ends);
        tally_status status = tokens.ends == NULL ? memory_fault(error) : TALLY_OK;
        if (status == TALLY_OK)
            status = tokens_each_with(reader, FIELDS_ALL & ~FIELD_BIT(FIELD_ID), collect,
                                      run_page_count(&reader->run) <= WORD_PAGES_MAX ? collect_words
                                                                                     : NULL,
                                      &tokens, error);
        if (status != TALLY_OK) {
            run_tokens_free(&tokens);
            return status;
        }
        reader->tokens = tokens;
    }
    *tokens_out = &reader->tokens;
    return TALLY_OK;
}

tally_status
run_tokens_of_ids(struct run_reader *reader, const uint64_t **tokens_out, struct tally_error *error)
{
    if (reader->id_tokens == NULL) {
        uint64_t *tokens = malloc(reader->run.count * sizeof *tokens);
        if (tokens == NULL)
            return memory_fault(error);
        tally_status status = run_id_hashes(reader, tokens, error);
        if (status != TALLY_OK) {
            free(tokens);
            return status;
        }
        reader->id_tokens = tokens;
    }
    *tokens_out = reader->id_tokens;
    return TALLY_OK;
}

void
run_tokens_free(struct run_tokens *tokens)
{
    free(tokens->tokens);
    free(tokens->ends);
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        word_set_finish(&tokens->words[i]);
    *tokens = (struct run_tokens){ 0 };
}
