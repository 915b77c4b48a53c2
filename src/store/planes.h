/*
 * planes.h - up to 4,096 unsigned integers of few bits each, as bit planes.
 *
 * Plane j is bit j of every integer: a row of 64-bit little-endian words, bit i % 64 of word i / 64
 * being integer i's. The planes follow one another from the lowest bit up; in each, the bits behind
 * the last integer are zero. So the integers that equal something are found 64 at a time, by a
 * handful of instructions a plane, and without taking any of them apart.
 *
 * Pure, and any bytes are valid planes: where they come from a file, planes_clean() says whether a
 * writer could have written what is behind the last integer.
 */
#ifndef PLANES_H
#define PLANES_H

#include "row_set.h"

#define PLANES_WIDTH_MAX 32u

/* The words of a plane, and the bytes of `width` planes. */
static inline size_t
planes_words(uint32_t count)
{
    return (count + 63) / 64;
}

static inline size_t
planes_size(uint32_t count, unsigned width)
{
    return planes_words(count) * 8 * width;
}

/* Packs `count` values (1 to PAGE_ROWS) that fit in `width` bits (0 to 32) into planes_size()
 * bytes.
 */
void planes_pack(const uint32_t *values, uint32_t count, unsigned width, uint8_t *out);

/* Unpacks planes_words(count) * 64 values: those behind the last are 0 in clean planes. */
void planes_unpack(const uint8_t *planes, uint32_t count, unsigned width, uint32_t *values_out);

/* Unpacks the 16 values from `first` on, a multiple of 16 below `count`; those behind the last are
 * 0. */
void planes_gather16(const uint8_t *planes, uint32_t count, unsigned width, uint32_t first,
                     uint32_t values_out[16]);

/* Adds to `out` those of `among` whose value is from `low` to `high`: low <= high, and neither has
 * more than `width` bits. `among` has no row at or behind `count`. */
void planes_in_range(const uint8_t *planes, uint32_t count, unsigned width, uint32_t low,
                     uint32_t high, const struct row_set *among, struct row_set *out);

/* Whether all bits behind the last integer are zero. */
bool planes_clean(const uint8_t *planes, uint32_t count, unsigned width);

#endif
