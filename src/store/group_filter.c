/*
 * How large a filter is to be is known only when all tokens are: a run may have few values many
 * times, or new ones in every row. So it is filled at the size that would do if no token came twice
 * and then halved as long as it stays clear enough: joining a block with its neighbour gives
 * exactly the filter that would have been filled at half the size.
 *
 * A filter ends between 0.35 and 0.58 full: 7 to 14 bits a token, one wrong answer in 27 to one in
 * 540. Events of some 4.3 tokens of their own take 4 bytes each at the fuller end.
 */
#include "group_filter.h"

#include "fault.h"
#include "run_column.h"

#define SINGLE_SIZE (BLOOM_BLOCK_ROWS / 8)

/* In hundredths: a filter that is not fuller is halved. */
#define FILL_LEAST 35u

static uint32_t
power_of_two(uint32_t least)
{
    uint32_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

static uint64_t
bits_set(const struct bloom *filter)
{
    uint64_t count = 0;
    for (size_t i = 0; i < (size_t)filter->block_count * SINGLE_SIZE; i += 8)
        count += (uint64_t)__builtin_popcountll(get_u64(filter->bits + i));
    return count;
}

/* Joins each block with its neighbour. */
static void
halve(struct bloom *filter)
{
    filter->block_count /= 2;
    for (size_t block = 0; block < filter->block_count; block++) {
        const uint8_t *pair = filter->bits + 2 * block * SINGLE_SIZE;
        uint8_t joined[SINGLE_SIZE];
        for (size_t i = 0; i < SINGLE_SIZE; i++)
            joined[i] = pair[i] | pair[SINGLE_SIZE + i];
        memcpy(filter->bits + block * SINGLE_SIZE, joined, SINGLE_SIZE);
    }
}

/* A filter of the size that would do if no token came twice. */
static tally_status
fill(const struct run_tokens *tokens, size_t id_count, struct bloom *filter_out,
     struct tally_error *error)
{
    const struct member_list *members = &tokens->members;
    uint32_t block_count =
        power_of_two(bloom_block_count(tokens->count + members->count + id_count));
    tally_status status = bloom_init(filter_out, 1, block_count, error);
    if (status != TALLY_OK)
        return status;
    bloom_add(filter_out, tokens->tokens, tokens->count, 0);
    bloom_add(filter_out, members->tokens, members->count, 0);
    bloom_add(filter_out, tokens->ids, id_count, 0);
    return TALLY_OK;
}

tally_status
group_filter_make(struct run_reader *reader, struct bloom *filter_out, struct tally_error *error)
{
    struct run_tokens *tokens;
    struct bloom filter;
    tally_status status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = fill(tokens, run_of(reader)->count, &filter, error);
    if (status != TALLY_OK)
        return status;
    while (filter.block_count > 1 &&
           bits_set(&filter) * 100 <= (uint64_t)filter.block_count * BLOOM_BLOCK_ROWS * FILL_LEAST)
        halve(&filter);
    *filter_out = filter;
    return TALLY_OK;
}

/* The bits of a row, of blocks of this many columns. */
static unsigned
width_of(unsigned columns)
{
    return (unsigned)(group_rows_size(columns) * 8 / BLOOM_BLOCK_ROWS);
}

void
group_rows_put(uint8_t *rows, unsigned columns, unsigned column, const uint8_t *single)
{
    size_t width = width_of(columns);
    for (size_t row = 0; row < BLOOM_BLOCK_ROWS; row++) {
        size_t bit = row * width + column;
        uint8_t mask = (uint8_t)(1u << bit % 8);
        if ((single[row / 8] >> row % 8 & 1) != 0)
            rows[bit / 8] |= mask;
        else
            rows[bit / 8] &= (uint8_t)~mask;
    }
}

/* Eight rows' bits of a column, where rows are of whole bytes. */
static uint8_t
column_of_eight(const uint8_t *at, size_t step, unsigned shift)
{
    unsigned bits = 0;
    for (unsigned row = 0; row < 8; row++)
        bits |= (at[row * step] >> shift & 1u) << row;
    return (uint8_t)bits;
}

void
group_rows_get(const uint8_t *rows, unsigned columns, unsigned column, uint8_t *single_out)
{
    size_t width = width_of(columns);
    if (width == 1) {
        memcpy(single_out, rows, SINGLE_SIZE);
        return;
    }
    if (width % 8 == 0) {
        for (size_t i = 0; i < SINGLE_SIZE; i++)
            single_out[i] = column_of_eight(rows + i * width + column / 8, width / 8, column % 8);
        return;
    }
    memset(single_out, 0, SINGLE_SIZE);
    for (size_t row = 0; row < BLOOM_BLOCK_ROWS; row++) {
        size_t bit = row * width + column;
        single_out[row / 8] |= (uint8_t)((rows[bit / 8] >> bit % 8 & 1) << row % 8);
    }
}

void
group_rows_join(uint8_t *rows, unsigned columns, unsigned at, const uint8_t *part,
                unsigned part_columns)
{
    size_t width = width_of(columns);
    /* Whole bytes where there are some, as where eight groups of eight become one of 64. */
    if (part_columns % 8 == 0 && width % 8 == 0 && at % 8 == 0) {
        size_t bytes = part_columns / 8, step = width / 8;
        for (size_t row = 0; row < BLOOM_BLOCK_ROWS; row++)
            memcpy(rows + row * step + at / 8, part + row * bytes, bytes);
        return;
    }
    for (unsigned column = 0; column < part_columns; column++) {
        uint8_t single[SINGLE_SIZE];
        group_rows_get(part, part_columns, column, single);
        group_rows_put(rows, columns, at + column, single);
    }
}
