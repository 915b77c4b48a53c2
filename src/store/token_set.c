/*
 * token_set.c - open addressing: a token stands in the first free slot from where its low bits say.
 *
 * Tokens are hashes already. At most half of the slots are taken, so that a search is one or two
 * steps.
 */
#include "token_set.h"

#include "fault.h"

#include <stdlib.h>

#define CAPACITY_FIRST 1024u

/* The slot that holds the token, or the free one where it belongs. */
static uint64_t *
slot_of(const struct token_set *set, uint64_t token)
{
    size_t at = token & (set->capacity - 1);
    while (set->slots[at] != 0 && set->slots[at] != token)
        at = (at + 1) & (set->capacity - 1);
    return &set->slots[at];
}

static tally_status
grow(struct token_set *set, struct tally_error *error)
{
    struct token_set larger = {
        .capacity = set->capacity == 0 ? CAPACITY_FIRST : set->capacity * 2,
        .count = set->count,
        .zero = set->zero,
    };
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return memory_fault(error);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0)
            *slot_of(&larger, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    *set = larger;
    return TALLY_OK;
}

tally_status
token_set_add(struct token_set *set, uint64_t token, bool *added_out, struct tally_error *error)
{
    if (token == 0) {
        *added_out = !set->zero;
        set->zero = true;
        return TALLY_OK;
    }
    if (set->count >= set->capacity / 2) {
        tally_status status = grow(set, error);
        if (status != TALLY_OK)
            return status;
    }
    uint64_t *slot = slot_of(set, token);
    *added_out = *slot == 0;
    set->count += *slot == 0;
    *slot = token;
    return TALLY_OK;
}

void
token_set_free(struct token_set *set)
{
    free(set->slots);
    *set = (struct token_set){ 0 };
}
