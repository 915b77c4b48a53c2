/*
 * token_gather.c - distinct tokens by buckets.
 *
 * One table for all tokens of a page would be larger than the processor's nearest memory. So they
 * are put into buckets by their highest bits, some hundreds each, and equal ones are found within a
 * bucket, by a small table. Tokens are hashes, which fill the buckets evenly; values that are
 * chosen to fall into one make it large, and that is sorted instead.
 *
 * Filters choose a block by the highest bits too, so that what comes out of a bucket falls into few
 * blocks.
 */
#include "token_gather.h"

#include "fault.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST  4096u
#define BUCKET_TOKENS   512u /* on average, at most */
#define BUCKET_BITS_MAX 12u
#define TABLE_BITS      12u

/* A bucket of more is sorted: half of the table's slots are free. */
#define TABLE_TOKENS_MAX (1u << (TABLE_BITS - 1))

void
token_gather_clear(struct token_gather *gather)
{
    gather->count = 0;
    gather->failed = false;
    memset(gather->recent, 0, sizeof gather->recent);
    gather->recent[0] =
        1; /* is not in its place, so that no token is taken for one that was there */
}

void
token_gather_free(struct token_gather *gather)
{
    free(gather->tokens);
    free(gather->sorted);
    *gather = (struct token_gather){ 0 };
}

bool
token_gather_grow(struct token_gather *gather)
{
    size_t capacity = gather->capacity == 0 ? CAPACITY_FIRST : gather->capacity * 2;
    uint64_t *tokens = realloc(gather->tokens, capacity * sizeof *tokens);
    if (tokens == NULL) {
        gather->failed = true;
        return false;
    }
    gather->tokens = tokens;
    gather->capacity = capacity;
    return true;
}

static unsigned
bucket_bits(size_t count)
{
    unsigned bits = 0;
    while (bits < BUCKET_BITS_MAX && count >> bits > BUCKET_TOKENS)
        bits++;
    return bits;
}

static size_t
bucket_of(uint64_t token, unsigned bits)
{
    return (size_t)(token >> 1 >> (63 - bits)); /* no bits, no bucket but 0 */
}

/* Puts the tokens into `sorted` by their buckets; ends[b] is where bucket b ends. */
static void
distribute(struct token_gather *gather, unsigned bits, size_t *ends)
{
    size_t buckets = (size_t)1 << bits;
    memset(ends, 0, buckets * sizeof *ends);
    for (size_t i = 0; i < gather->count; i++)
        ends[bucket_of(gather->tokens[i], bits)]++;
    for (size_t b = 0, start = 0; b < buckets; b++) {
        size_t size = ends[b];
        ends[b] = start;
        start += size;
    }
    for (size_t i = 0; i < gather->count; i++)
        gather->sorted[ends[bucket_of(gather->tokens[i], bits)]++] = gather->tokens[i];
}

/* Copies each of some tokens once; both places may be the same. */
static size_t
copy_distinct(const uint64_t *tokens, size_t count, uint64_t *out)
{
    uint64_t table[1u << TABLE_BITS];
    size_t slots = 64, kept = 0;
    bool zero = false; /* the token 0, which a free slot looks like */
    while (slots < 2 * count)
        slots *= 2;
    memset(table, 0, slots * sizeof *table);
    for (size_t i = 0; i < count; i++) {
        uint64_t token = tokens[i];
        size_t slot = (size_t)token & (slots - 1);
        while (table[slot] != token && table[slot] != 0)
            slot = (slot + 1) & (slots - 1);
        if (token == 0 ? zero : table[slot] == token)
            continue;
        zero |= token == 0;
        table[slot] = token;
        out[kept++] = token;
    }
    return kept;
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The same for a large bucket. */
static size_t
sort_distinct(uint64_t *tokens, size_t count, uint64_t *out)
{
    size_t kept = 0;
    qsort(tokens, count, sizeof *tokens, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || out[kept - 1] != tokens[i])
            out[kept++] = tokens[i];
    }
    return kept;
}

tally_status
token_gather_distinct(struct token_gather *gather, const uint64_t **tokens_out, size_t *count_out,
                      struct tally_error *error)
{
    if (gather->failed)
        return memory_fault(error);
    if (gather->count == 0) { /* perhaps nothing was ever allocated */
        *tokens_out = gather->sorted;
        *count_out = 0;
        return TALLY_OK;
    }
    if (gather->sorted_capacity < gather->capacity) {
        uint64_t *sorted = realloc(gather->sorted, gather->capacity * sizeof *sorted);
        if (sorted == NULL)
            return memory_fault(error);
        gather->sorted = sorted;
        gather->sorted_capacity = gather->capacity;
    }
    size_t ends[1u << BUCKET_BITS_MAX];
    unsigned bits = bucket_bits(gather->count);
    size_t kept = 0;
    distribute(gather, bits, ends);
    for (size_t b = 0, start = 0; b < (size_t)1 << bits; start = ends[b++]) {
        uint64_t *bucket = gather->sorted + start;
        size_t count = ends[b] - start;
        kept += count <= TABLE_TOKENS_MAX ? copy_distinct(bucket, count, gather->sorted + kept)
                                          : sort_distinct(bucket, count, gather->sorted + kept);
    }
    *tokens_out = gather->sorted;
    *count_out = kept;
    return TALLY_OK;
}
