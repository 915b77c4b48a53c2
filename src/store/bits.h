/*
 * bits.h - many unsigned integers of few bits each.
 *
 * Values are packed in groups of BITS_GROUP, the last padded with zeros. A group of width w is 32 *
 * w bytes: 8 lanes of w little-endian 32-bit words, interleaved, so that word k of lane j stands at
 * byte 4 * (8 * k + j). Value i of the group belongs to lane i % 8; within a lane values follow
 * each other from the least significant bit of word 0 upwards. Thus one shift and one mask unpack 8
 * values at a time, without a table or an instruction that not every processor has.
 */
#ifndef BITS_H
#define BITS_H

#include "bytes.h"

#define BITS_GROUP 256u

/* The bits that `value` needs: 0 for 0, 64 at most. */
static inline unsigned
bits_width(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

/* How many values `count` become when the last group is padded. */
static inline size_t
bits_padded(size_t count)
{
    return (count + BITS_GROUP - 1) / BITS_GROUP * BITS_GROUP;
}

/* The bytes of `count` values of `width` bits. */
static inline size_t
bits_size(size_t count, unsigned width)
{
    return bits_padded(count) / 8 * width;
}

/* Packs values that fit in `width` bits (0 to 32, 0 to 64) into bits_size() bytes. */
void bits_pack32(const uint32_t *values, size_t count, unsigned width, uint8_t *out);
void bits_pack64(const uint64_t *values, size_t count, unsigned width, uint8_t *out);

/* Unpacks from bits_size() bytes; any bytes are valid. Writes bits_padded(count) values. */
void bits_unpack32(const uint8_t *in, size_t count, unsigned width, uint32_t *values_out);

/* One group of `count` values, in room for BITS_GROUP: the one that begins with value `first`. */
void bits_unpack64_group(const uint8_t *in, size_t count, unsigned width, size_t first,
                         uint64_t *values_out);

/* Which of 64 values are from `low` to `high`, a bit each; low <= high. */
uint64_t bits_between(const uint32_t *values, uint32_t low, uint32_t high);

#endif
