/*
 * run_tokens.c - a run's tokens and words, gone through once for all who want them.
 *
 * A page's filter, a group's and the lists of members are made of the same tokens, eight bytes each or
 * twelve, some tens of bytes an entry; they are kept until the reader goes, and so are the words. Ids are not among them: their
 * tokens are the hashes that the index of ids is made of, by row.
 *
 * Whoever recomputes all leaves has every column decoded page by page: tokens are taken along then,
 * which costs no second reading.
 */
#include "fault.h"
#include "run_reader.h"
#include "token_walk.h"

#include <stdlib.h>

/* Appends a page's tokens. */
static tally_status
collect(struct run_tokens *all, uint32_t page, const struct token_page *found,
        struct tally_error *error)
{
    size_t count = found->count;
    if (count > all->capacity - all->count) {
        size_t capacity = all->count + count + (all->count + count) / 2;
        uint64_t *larger = realloc(all->tokens, capacity * sizeof *larger);
        if (larger == NULL)
            return memory_fault(error);
        all->tokens = larger;
        all->capacity = capacity;
    }
    if (count > 0)
        memcpy(all->tokens + all->count, found->tokens, count * sizeof *all->tokens);
    tally_status status = member_list_append(&all->members, found->members, error);
    if (status != TALLY_OK)
        return status;
    all->count += count;
    all->ends[page] = all->count;
    return TALLY_OK;
}

/* Before the first page. */
static tally_status
begin(struct run_reader *reader, struct tally_error *error)
{
    struct run_tokens *all = &reader->tokens;
    uint32_t pages = run_page_count(&reader->run);
    if (reader->token_walk != NULL || reader->tokens_pages > 0)
        return TALLY_OK;
    if (all->ends == NULL)
        all->ends = calloc(pages, sizeof *all->ends);
    if (all->ids == NULL)
        all->ids = malloc(reader->run.count * sizeof *all->ids);
    if (all->ends == NULL || all->ids == NULL)
        return memory_fault(error);
    return token_walk_create(reader, FIELDS_ALL & ~FIELD_BIT(FIELD_ID),
                             pages <= WORD_PAGES_MAX ? &all->words : NULL, &reader->token_walk,
                             error);
}

/* The next page. */
static tally_status
advance(struct run_reader *reader, struct tally_error *error)
{
    uint32_t page = reader->tokens_pages;
    struct token_page found;
    tally_status status = begin(reader, error);
    if (status == TALLY_OK)
        status =
            run_page_id_hashes(reader, page, reader->tokens.ids + (size_t)page * PAGE_ROWS, error);
    if (status == TALLY_OK)
        status = token_walk_page(reader->token_walk, page, &found, error);
    if (status == TALLY_OK)
        status = collect(&reader->tokens, page, &found, error);
    if (status != TALLY_OK)
        return status;
    reader->tokens_pages++;
    if (reader->tokens_pages == run_page_count(&reader->run)) {
        token_walk_destroy(reader->token_walk);
        reader->token_walk = NULL;
    }
    return TALLY_OK;
}

void
run_tokens_along(struct run_reader *reader, uint32_t page)
{
    if (page != reader->tokens_pages)
        return;
    tally_status ignored = advance(reader, NULL);
    (void)ignored; /* run_tokens() tries again */
}

tally_status
run_tokens(struct run_reader *reader, struct run_tokens **tokens_out, struct tally_error *error)
{
    while (reader->tokens_pages < run_page_count(&reader->run)) {
        tally_status status = advance(reader, error);
        if (status != TALLY_OK)
            return status;
    }
    *tokens_out = &reader->tokens;
    return TALLY_OK;
}

void
run_tokens_forget(struct run_reader *reader)
{
    token_walk_destroy(reader->token_walk);
    free(reader->tokens.tokens);
    member_list_free(&reader->tokens.members);
    free(reader->tokens.ends);
    free(reader->tokens.ids);
    word_gather_finish(&reader->tokens.words);
}
