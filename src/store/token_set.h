/*
 * token_set.h - a set of tokens in memory that grows: whether a token was there before.
 */
#ifndef TOKEN_SET_H
#define TOKEN_SET_H

#include "tally/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
struct token_set {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* 0 or a power of two */
    size_t count;    /* of tokens, but for 0 */
    bool zero;       /* the token 0 */
};

/* *added_out is false where the token was there. */
TALLY_MUST_CHECK tally_status token_set_add(struct token_set *set, uint64_t token, bool *added_out,
                                            struct tally_error *error);

void token_set_free(struct token_set *set);

#endif
