/*
 * bloom.c - bit-sliced Bloom filters.
 *
 *     block      512 rows, one behind the other, the lowest bits first: a bit for each column
 *                4 CRC-32C of them
 *
 * A token's block is its high 32 bits times the count of blocks, the whole part. The token times a
 * constant gives the rows within the block: from the highest bits down, nine bits each. A column
 * may have the token if its bit is set in all of them.
 *
 * That all rows stand in one block costs little: a block has some 64 tokens a column, give or take
 * eight, and the fuller ones answer wrongly more often than the emptier ones less.
 */
#include "bloom.h"

#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <stdlib.h>

#define ROW_FACTOR UINT64_C(0xd6e8feb86659fd93)
#define ROW_BITS   9u
#define CRC_SIZE   4u

#define TOKENS_AHEAD 8u

_Static_assert(1u << ROW_BITS == BLOOM_BLOCK_ROWS, "a row is told by ROW_BITS");
_Static_assert(ROW_BITS *BLOOM_PROBES <= 64, "a hash has bits for all rows");

/* The bytes of a block's rows. */
static size_t
rows_size(unsigned columns)
{
    assert(columns > 0 && columns <= BLOOM_COLUMNS_MAX);
    return (size_t)BLOOM_BLOCK_ROWS / 8 * columns;
}

uint32_t
bloom_block_count(uint64_t tokens)
{
    uint64_t count =
        tokens / BLOOM_BLOCK_ROWS * BLOOM_BITS +
        (tokens % BLOOM_BLOCK_ROWS * BLOOM_BITS + BLOOM_BLOCK_ROWS - 1) / BLOOM_BLOCK_ROWS;
    if (count == 0)
        return 1;
    return count < BLOOM_BLOCKS_MAX ? (uint32_t)count : BLOOM_BLOCKS_MAX;
}

size_t
bloom_block_size(unsigned columns)
{
    return rows_size(columns) + CRC_SIZE;
}

uint32_t
bloom_block_of(uint64_t token, uint32_t block_count)
{
    return (uint32_t)((token >> 32) * block_count >> 32);
}

/* The i-th row of a token. */
static unsigned
row_of(uint64_t token, unsigned i)
{
    return (unsigned)(token * ROW_FACTOR >> (64 - ROW_BITS * (i + 1))) % BLOOM_BLOCK_ROWS;
}

tally_status
bloom_init(struct bloom *bloom_out, unsigned columns, uint32_t block_count,
           struct tally_error *error)
{
    assert(block_count > 0 && block_count <= BLOOM_BLOCKS_MAX);
    struct bloom bloom = { columns, block_count, NULL };
    bloom.bits = calloc(block_count, rows_size(bloom.columns));
    if (bloom.bits == NULL)
        return memory_fault(error);
    *bloom_out = bloom;
    return TALLY_OK;
}

void
bloom_free(struct bloom *bloom)
{
    free(bloom->bits);
    *bloom = (struct bloom){ 0 };
}

static uint8_t *
rows_of(const struct bloom *bloom, size_t size, uint64_t token)
{
    return bloom->bits + bloom_block_of(token, bloom->block_count) * size;
}

/* Where each row has the column's bit is looked up: rows are of as many bits as there are columns.
 * Tokens fall into blocks at random: those of the next ones are fetched meanwhile. */
void
bloom_add(struct bloom *bloom, const uint64_t *tokens, size_t count, unsigned column)
{
    uint16_t places[BLOOM_BLOCK_ROWS];
    uint8_t masks[BLOOM_BLOCK_ROWS];
    size_t size = rows_size(bloom->columns);
    assert(column < bloom->columns);
    for (size_t row = 0; row < BLOOM_BLOCK_ROWS; row++) {
        size_t bit = row * bloom->columns + column;
        places[row] = (uint16_t)(bit / 8);
        masks[row] = (uint8_t)(1u << bit % 8);
    }
    for (size_t k = 0; k < count; k++) {
        uint8_t *block = rows_of(bloom, size, tokens[k]);
        if (count - k > TOKENS_AHEAD)
            __builtin_prefetch(rows_of(bloom, size, tokens[k + TOKENS_AHEAD]), 1);
#pragma GCC unroll 6
        for (unsigned i = 0; i < BLOOM_PROBES; i++) {
            unsigned row = row_of(tokens[k], i);
            block[places[row]] |= masks[row];
        }
    }
}

void
bloom_encode(const struct bloom *bloom, struct buffer *out)
{
    size_t size = rows_size(bloom->columns);
    for (uint32_t i = 0; i < bloom->block_count && !buffer_failed(out); i++) {
        const uint8_t *block = bloom->bits + i * size;
        buffer_append(out, block, size);
        buffer_u32(out, crc32c(0, block, size));
    }
}

/* A row's bits, from the bytes that they lie in: up to nine. */
static uint64_t
row_read(const uint8_t *rows, unsigned columns, unsigned row)
{
    size_t first = (size_t)row * columns;
    unsigned shift = first % 8;
    const uint8_t *at = rows + first / 8;
    uint64_t bits = at[0] >> shift;
    for (unsigned have = 8 - shift, i = 1; have < columns; have += 8, i++)
        bits |= (uint64_t)at[i] << have;
    return bits;
}

bool
bloom_probe(struct bytes block, unsigned columns, uint64_t token, uint64_t *columns_out)
{
    size_t size = rows_size(columns);
    if (block.size != size + CRC_SIZE || get_u32(block.data + size) != crc32c(0, block.data, size))
        return false;
    uint64_t found = columns == 64 ? UINT64_MAX : (UINT64_C(1) << columns) - 1;
    for (unsigned i = 0; i < BLOOM_PROBES; i++)
        found &= row_read(block.data, columns, row_of(token, i));
    *columns_out = found;
    return true;
}
