/*
 * row_set.h - a set of a page's rows, a bit each.
 *
 * What a question finds in a page, and what is left of a page to be asked: sets are combined a word
 * of 64 rows at a time. Rows that a page does not have are in none of its sets.
 */
#ifndef ROW_SET_H
#define ROW_SET_H

#include "page.h"

#define ROW_SET_WORDS (PAGE_ROWS / 64)

struct row_set {
    uint64_t words[ROW_SET_WORDS];
};

/* The first `rows` rows. */
static inline void
row_set_fill(struct row_set *set, uint32_t rows)
{
    for (uint32_t i = 0; i < ROW_SET_WORDS; i++) {
        uint32_t left = rows <= i * 64 ? 0 : rows - i * 64;
        set->words[i] = left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
    }
}

static inline bool
row_set_empty(const struct row_set *set)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < ROW_SET_WORDS; i++)
        any |= set->words[i];
    return any == 0;
}

static inline bool
row_set_has(const struct row_set *set, uint32_t row)
{
    return (set->words[row / 64] >> row % 64 & 1) != 0;
}

static inline void
row_set_add(struct row_set *set, uint32_t row)
{
    set->words[row / 64] |= UINT64_C(1) << row % 64;
}

/* The first row at or behind `row` that is in the set, PAGE_ROWS where there is none. */
static inline uint32_t
row_set_next(const struct row_set *set, uint32_t row)
{
    for (; row < PAGE_ROWS; row = (row / 64 + 1) * 64) {
        uint64_t word = set->words[row / 64] >> row % 64;
        if (word != 0)
            return row + (uint32_t)__builtin_ctzll(word);
    }
    return PAGE_ROWS;
}

/* How many rows are in the set. Counted by adding up neighbours, because not every processor has an
 * instruction for it: in two words at a time, up to half bytes that count 8 at most, then bytes,
 * then 16 bits. */
static inline uint32_t
row_set_count(const struct row_set *set)
{
    uint64_t sums = 0;
    for (unsigned i = 0; i < ROW_SET_WORDS; i += 2) {
        uint64_t a = set->words[i], b = set->words[i + 1];
        a -= a >> 1 & 0x5555555555555555u;
        b -= b >> 1 & 0x5555555555555555u;
        uint64_t halves = (a & 0x3333333333333333u) + (a >> 2 & 0x3333333333333333u) +
                          (b & 0x3333333333333333u) + (b >> 2 & 0x3333333333333333u);
        uint64_t bytes = (halves & 0x0f0f0f0f0f0f0f0fu) + (halves >> 4 & 0x0f0f0f0f0f0f0f0fu);
        sums += (bytes & 0x00ff00ff00ff00ffu) + (bytes >> 8 & 0x00ff00ff00ff00ffu);
    }
    return (uint32_t)((sums & 0xffff) + (sums >> 16 & 0xffff) + (sums >> 32 & 0xffff) +
                      (sums >> 48));
}

/* What is in `rows` and not in `taken`. */
static inline void
row_set_without(const struct row_set *rows, const struct row_set *taken, struct row_set *out)
{
    for (unsigned i = 0; i < ROW_SET_WORDS; i++)
        out->words[i] = rows->words[i] & ~taken->words[i];
}

#endif
