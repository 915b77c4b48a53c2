/*
 * member_list.h - the tokens (token.h) of members of objects, each with the blocks of 256 rows that
 * it stands in.
 */
#ifndef MEMBER_LIST_H
#define MEMBER_LIST_H

#include "tally/status.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
struct member_list {
    uint64_t *tokens;
    uint32_t *blocks; /* of each token, from the run's first row on */
    size_t count;
    size_t capacity;
};

/* Appends tokens of one block. */
TALLY_MUST_CHECK tally_status member_list_add(struct member_list *list, uint32_t block,
                                              const uint64_t *tokens, size_t count,
                                              struct tally_error *error);
/* Appends all of another list. */
TALLY_MUST_CHECK tally_status member_list_append(struct member_list *list,
                                                 const struct member_list *more,
                                                 struct tally_error *error);
void member_list_free(struct member_list *list);

#endif
