/*
 * recent_ids.c - Bloom filters whose ids each lie in one block.
 *
 * A block is 32 bytes, so that an id costs one line of memory: it has a bit in each of the block's
 * eight words, two bytes of filter for each id. Ids leave in the order they came, and no bit can be
 * taken back; so a filter is filled up to its capacity, another one is begun, and the oldest goes
 * as a whole when all its entries are too old. The first is made for what comes first, each next
 * for four times as many, up to CAPACITY_MAX: a trail that seals little pays little.
 *
 * Only what this process seals is added. Segments that were there before are asked one by one,
 * until they are too old.
 */
#include "recent_ids.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_WORDS  8u
#define BLOCK_IDS    16u /* in a block, on average, when the filter is full */
#define CAPACITY_MIN 4096u
#define CAPACITY_MAX (UINT32_C(1) << 21)
#define GROWTH       4u
#define AHEAD        16u /* ids whose blocks are fetched meanwhile */

struct recent_block {
    _Alignas(4 * BLOCK_WORDS) uint32_t words[BLOCK_WORDS];
};

/* One odd factor a word: the five highest bits of a product say which bit it is. */
static const uint32_t factors[BLOCK_WORDS] = { 0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                               0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31 };

static struct recent_block *
block_of(const struct recent_filter *filter, uint64_t hash)
{
    return &filter->blocks[(hash >> 32) * filter->block_count >> 32];
}

static unsigned
bit_of(uint64_t hash, unsigned word)
{
    return (uint32_t)hash * factors[word] >> 27;
}

/* Half of the words deny nearly all that is not there, which a processor then guesses. */
static inline bool
block_has(const struct recent_block *block, uint64_t hash)
{
    uint32_t all = 1;
    for (unsigned i = 0; i < BLOCK_WORDS / 2; i++)
        all &= block->words[i] >> bit_of(hash, i);
    if (all == 0)
        return false;
    for (unsigned i = BLOCK_WORDS / 2; i < BLOCK_WORDS; i++)
        all &= block->words[i] >> bit_of(hash, i);
    return all != 0;
}

static void
filter_free(struct recent_filter *filter)
{
    free(filter->blocks);
    *filter = (struct recent_filter){ 0 };
}

void
recent_ids_free(struct recent_ids *recent)
{
    for (unsigned i = 0; i < recent->count; i++)
        filter_free(&recent->filters[i]);
    recent->count = 0;
}

void
recent_ids_drop(struct recent_ids *recent, uint64_t first)
{
    unsigned gone = 0;
    while (gone < recent->count && recent->filters[gone].end <= first)
        filter_free(&recent->filters[gone++]);
    recent->count -= gone;
    memmove(recent->filters, recent->filters + gone, recent->count * sizeof *recent->filters);
}

/* An empty filter behind the others, for at least `count` ids. NULL where memory is short. */
static struct recent_filter *
begin_filter(struct recent_ids *recent, uint64_t first, uint32_t count)
{
    uint32_t capacity = CAPACITY_MIN;
    if (recent->count > 0)
        capacity = GROWTH * recent->filters[recent->count - 1].capacity;
    capacity = capacity < CAPACITY_MAX ? capacity : CAPACITY_MAX;
    capacity = capacity > count ? capacity : count;
    if (recent->count == RECENT_FILTERS_MAX)
        recent_ids_drop(recent, recent->filters[0].end);
    struct recent_filter filter = {
        .first = first,
        .end = first,
        .capacity = capacity,
        .block_count = capacity / BLOCK_IDS + 1,
    };
    filter.blocks =
        aligned_alloc(sizeof *filter.blocks, filter.block_count * sizeof *filter.blocks);
    if (filter.blocks == NULL)
        return NULL;
    memset(filter.blocks, 0, filter.block_count * sizeof *filter.blocks);
    recent->filters[recent->count] = filter;
    return &recent->filters[recent->count++];
}

static void
filter_add(struct recent_filter *filter, const uint64_t *hashes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(block_of(filter, hashes[i + AHEAD]), 1);
        struct recent_block *block = block_of(filter, hashes[i]);
        for (unsigned word = 0; word < BLOCK_WORDS; word++)
            block->words[word] |= UINT32_C(1) << bit_of(hashes[i], word);
    }
    filter->end += count;
}

void
recent_ids_add(struct recent_ids *recent, uint64_t first, const uint64_t *hashes, uint32_t count)
{
    struct recent_filter *filter = recent->count == 0 ? NULL : &recent->filters[recent->count - 1];
    if (filter != NULL && filter->end != first) {
        recent_ids_free(recent);
        filter = NULL;
    }
    if (filter == NULL || filter->end - filter->first + count > filter->capacity)
        filter = begin_filter(recent, first, count);
    if (filter == NULL)
        recent_ids_free(recent);
    else
        filter_add(filter, hashes, count);
}

size_t
recent_ids_memory(const struct recent_ids *recent)
{
    size_t memory = 0;
    for (unsigned i = 0; i < recent->count; i++)
        memory += recent->filters[i].block_count * sizeof *recent->filters[i].blocks;
    return memory;
}

const struct recent_filter *
recent_ids_covering(const struct recent_ids *recent, uint64_t first, uint32_t count)
{
    for (unsigned i = recent->count; i-- > 0;) {
        const struct recent_filter *filter = &recent->filters[i];
        if (first >= filter->first && first + count <= filter->end)
            return filter;
    }
    return NULL;
}

size_t
recent_filter_probe(const struct recent_filter *filter, const uint64_t *hashes, size_t count,
                    uint32_t *places_out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(block_of(filter, hashes[i + AHEAD]));
        places_out[found] = (uint32_t)i;
        found += block_has(block_of(filter, hashes[i]), hashes[i]);
    }
    return found;
}
