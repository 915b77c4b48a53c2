/*
 * member_list.c - two arrays that grow together.
 *
 * Tokens stand by themselves, since filters are filled from arrays of tokens (bloom.h).
 */
#include "member_list.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>

static tally_status
reserve(struct member_list *list, size_t count, struct tally_error *error)
{
    if (count <= list->capacity)
        return TALLY_OK;
    size_t capacity = count + count / 2;
    uint64_t *tokens = realloc(list->tokens, capacity * sizeof *tokens);
    if (tokens == NULL)
        return memory_fault(error);
    list->tokens = tokens;
    uint32_t *blocks = realloc(list->blocks, capacity * sizeof *blocks);
    if (blocks == NULL)
        return memory_fault(error);
    list->blocks = blocks;
    list->capacity = capacity;
    return TALLY_OK;
}

tally_status
member_list_add(struct member_list *list, uint32_t block, const uint64_t *tokens, size_t count,
                struct tally_error *error)
{
    if (count == 0)
        return TALLY_OK;
    tally_status status = reserve(list, list->count + count, error);
    if (status != TALLY_OK)
        return status;
    memcpy(list->tokens + list->count, tokens, count * sizeof *tokens);
    for (size_t i = 0; i < count; i++)
        list->blocks[list->count + i] = block;
    list->count += count;
    return TALLY_OK;
}

tally_status
member_list_append(struct member_list *list, const struct member_list *more,
                   struct tally_error *error)
{
    if (more->count == 0)
        return TALLY_OK;
    tally_status status = reserve(list, list->count + more->count, error);
    if (status != TALLY_OK)
        return status;
    memcpy(list->tokens + list->count, more->tokens, more->count * sizeof *more->tokens);
    memcpy(list->blocks + list->count, more->blocks, more->count * sizeof *more->blocks);
    list->count += more->count;
    return TALLY_OK;
}

void
member_list_free(struct member_list *list)
{
    free(list->tokens);
    free(list->blocks);
    *list = (struct member_list){ 0 };
}
