/*
 * token_gather.h - the tokens of a page as they come, and then each of them once.
 */
#ifndef TOKEN_GATHER_H
#define TOKEN_GATHER_H

#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_RECENT 1024u

/* Zeroed is empty, but for token_gather_clear(). */
struct token_gather {
    uint64_t *tokens;
    size_t count;
    size_t capacity;
    uint64_t *sorted; /* room for as many */
    size_t sorted_capacity;
    uint64_t recent[TOKEN_RECENT]; /* tokens that are there, by their lowest bits */
    bool failed;                   /* memory was short */
};

/* Empties it and keeps its memory: before the first page, and for every other. */
void token_gather_clear(struct token_gather *gather);
void token_gather_free(struct token_gather *gather);

/* Makes room for more; false where memory is short. */
bool token_gather_grow(struct token_gather *gather);

static inline void
token_gather_add(struct token_gather *gather, uint64_t token)
{
    if (gather->count == gather->capacity && !token_gather_grow(gather))
        return;
    gather->tokens[gather->count++] = token;
}

/* The same, cheaper for one that was there a moment ago. */
static inline void
token_gather_add_often(struct token_gather *gather, uint64_t token)
{
    uint64_t *recent = &gather->recent[token % TOKEN_RECENT];
    if (*recent == token)
        return;
    *recent = token;
    token_gather_add(gather, token);
}

/* Each token once, in an order that has tokens of equal high bits near each other; lent until the
 * next call. */
TALLY_MUST_CHECK tally_status token_gather_distinct(struct token_gather *gather,
                                                    const uint64_t **tokens_out, size_t *count_out,
                                                    struct tally_error *error);

#endif
