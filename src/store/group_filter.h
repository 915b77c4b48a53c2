/*
 * group_filter.h - the tokens of one whole segment as a Bloom filter of one column, and columns
 * put side by side. Pure but for memory and what the run reads.
 *
 * A filter has a power of two of blocks. A token's block in a filter twice as large is one of the
 * two that its block here would be cut into (bloom_block_of() takes the highest bits), and its rows
 * are the same; so a filter is made larger by repeating each block, smaller by joining neighbours.
 */
#ifndef GROUP_FILTER_H
#define GROUP_FILTER_H

#include "bloom.h"
#include "run.h"

/* Filters of runs that are beside each other in one table. */
#define GROUP_COLUMNS_MAX BLOOM_COLUMNS_MAX

/* All tokens of a run's entries (token_fields()). The bits depend on the tokens alone. The caller
 * frees it (bloom_free()). */
TALLY_MUST_CHECK tally_status group_filter_make(struct run_reader *reader, struct bloom *filter_out,
                                                struct tally_error *error);

/* The bytes of the rows of a block, without its checksum. */
static inline size_t
group_rows_size(unsigned columns)
{
    return bloom_block_size(columns) - 4;
}

/* Whether `count` is one that a filter may have. */
static inline bool
group_blocks_fit(uint32_t count)
{
    return count > 0 && count <= BLOOM_BLOCKS_MAX && (count & (count - 1)) == 0;
}

/* Sets a column of a block of `columns` from the rows of a filter's block (of one column). */
void group_rows_put(uint8_t *rows, unsigned columns, unsigned column, const uint8_t *single);
/* And takes it out again. */
void group_rows_get(const uint8_t *rows, unsigned columns, unsigned column, uint8_t *single_out);

/* Adds the columns [0, part_columns) of a block behind the first `at` columns of another, which has
 * none there yet. */
void group_rows_join(uint8_t *rows, unsigned columns, unsigned at, const uint8_t *part,
                     unsigned part_columns);

#endif
