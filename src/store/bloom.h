/*
 * bloom.h - which of up to 64 sets may have a token: a Bloom filter for each, laid side by side.
 *
 * The sets are columns (a segment's pages, or the segments of a group) of one table of bits; a
 * token has a few rows of it, the same for all columns. All of a token's rows lie in one block, so
 * that one read answers for every column. Pure but for memory.
 *
 * Law: a column that a token was added to is always among those that probing answers. Others are
 * rarely: with BLOOM_BITS bits for each token of the fullest column, one in 45 or so.
 */
#ifndef BLOOM_H
#define BLOOM_H

#include "buffer.h"
#include "tally/status.h"

#define BLOOM_COLUMNS_MAX 64u
#define BLOOM_BLOCK_ROWS  512u
#define BLOOM_PROBES      6u
#define BLOOM_BITS        8u
#define BLOOM_BLOCKS_MAX  (UINT32_C(1) << 24)

/* How many blocks there should be where the fullest column has `tokens` of them: at least 1. */
uint32_t bloom_block_count(uint64_t tokens);

/* The bytes of a block, its checksum among them: 68 for one column, 4,100 for 64. */
size_t bloom_block_size(unsigned columns);

/* The block that has a token's rows. */
uint32_t bloom_block_of(uint64_t token, uint32_t block_count);

/* A table being filled. Zeroed is empty. */
struct bloom {
    unsigned columns;
    uint32_t block_count;
    uint8_t *bits;
};

/* `columns` 1 to BLOOM_COLUMNS_MAX, `block_count` 1 to BLOOM_BLOCKS_MAX. */
TALLY_MUST_CHECK tally_status bloom_init(struct bloom *bloom_out, unsigned columns,
                                         uint32_t block_count, struct tally_error *error);
void bloom_free(struct bloom *bloom);

/* Adds tokens of one column. */
void bloom_add(struct bloom *bloom, const uint64_t *tokens, size_t count, unsigned column);

/* Appends all blocks, one behind the other. Ask buffer_failed after. */
void bloom_encode(const struct bloom *bloom, struct buffer *out);

/* The columns that may have a token, a bit each, from the encoded block that has the token's rows.
 * False where the block is not what was encoded, by its size or checksum. */
bool bloom_probe(struct bytes block, unsigned columns, uint64_t token, uint64_t *columns_out);

#endif
