/*
 * token_walk.h - the columns of a run gone through page by page: its tokens (token.h), and its
 * words.
 *
 * Whoever goes through a run's rows as well takes each page along while its columns are decoded.
 */
#ifndef TOKEN_WALK_H
#define TOKEN_WALK_H

#include "member_list.h"
#include "run.h"
#include "word_gather.h"

struct token_walk;

/* Over the pages that `reader` reads, which is lent as `words` is: of those of token_fields() that
 * are in `fields` all tokens, and of all searched fields the words, unless `words` is NULL. For
 * words the run has at most WORD_PAGES_MAX pages. */
TALLY_MUST_CHECK tally_status token_walk_create(struct run_reader *reader, uint64_t fields,
                                                struct word_gather *words,
                                                struct token_walk **walk_out,
                                                struct tally_error *error);
void token_walk_destroy(struct token_walk *walk); /* NULL is allowed */

/* A page's tokens, each once; those of members apart, each once a block. Lent until the next page.
 * Which they are depends on the values alone, not on how the run holds them. */
struct token_page {
    const uint64_t *tokens;
    size_t count;
    const struct member_list *members;
};
/* A page that a fault ended may be gone through again. */
TALLY_MUST_CHECK tally_status token_walk_page(struct token_walk *walk, uint32_t page,
                                              struct token_page *tokens_out,
                                              struct tally_error *error);

#endif
