/*
 * bits.c - packing in interleaved lanes.
 *
 * A row of 8 values, one of each lane, is one vector. The whole group is 32 such rows; row r of
 * width w begins at bit r * w of its lane, hence in word r * w / 32, and may go on in the next
 * word. The shifts are the same in all lanes, so the loops below are vector code on any processor
 * without naming one.
 *
 * Values of more than 32 bits are two groups: first of the low 32 bits, then of the rest. The bytes
 * are those of a little-endian machine, and only such machines are supported.
 */
#include "bits.h"

#include <assert.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes are read as they stand in memory");

#define LANES 8
#define ROWS  32 /* a group's */

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));
_Static_assert(LANES *ROWS == BITS_GROUP, "a group is all rows of all lanes");

static void
pack_group(const uint32_t *values, unsigned width, uint8_t *out)
{
    lanes pending = { 0 };

    for (unsigned row = 0; row < ROWS; row++) {
        unsigned shift = row * width % 32;
        lanes row_values;
        memcpy(&row_values, values + LANES * row, sizeof row_values);
        pending |= row_values << shift;
        if (shift + width < 32)
            continue;
        memcpy(out, &pending, sizeof pending);
        out += sizeof pending;
        /* What did not fit begins the next word; at a word's exact end nothing is left. */
        pending = shift + width == 32 ? (lanes){ 0 } : row_values >> (32 - shift);
    }
}

static void
unpack_group(const uint8_t *in, unsigned width, uint32_t *values)
{
    uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;

    for (unsigned row = 0; row < ROWS; row++) {
        unsigned shift = row * width % 32;
        lanes word, row_values;
        memcpy(&word, in + row * width / 32 * sizeof word, sizeof word);
        row_values = word >> shift;
        if (shift + width > 32) {
            memcpy(&word, in + (row * width / 32 + 1) * sizeof word, sizeof word);
            row_values |= word << (32 - shift);
        }
        row_values &= mask;
        memcpy(values + LANES * row, &row_values, sizeof row_values);
    }
}

void
bits_pack32(const uint32_t *values, size_t count, unsigned width, uint8_t *out)
{
    assert(width <= 32);
    if (width == 0)
        return;

    size_t whole = count / BITS_GROUP * BITS_GROUP;
    for (size_t i = 0; i < whole; i += BITS_GROUP)
        pack_group(values + i, width, out + bits_size(i, width));
    if (whole < count) {
        uint32_t padded[BITS_GROUP] = { 0 };
        memcpy(padded, values + whole, (count - whole) * sizeof *values);
        pack_group(padded, width, out + bits_size(whole, width));
    }
}

void
bits_unpack32(const uint8_t *in, size_t count, unsigned width, uint32_t *values_out)
{
    assert(width <= 32);
    if (width == 0) {
        memset(values_out, 0, bits_padded(count) * sizeof *values_out);
        return;
    }
    for (size_t i = 0; i < count; i += BITS_GROUP)
        unpack_group(in + bits_size(i, width), width, values_out + i);
}

void
bits_pack64(const uint64_t *values, size_t count, unsigned width, uint8_t *out)
{
    assert(width <= 64);
    unsigned low_width = width < 32 ? width : 32;
    uint8_t *high_out = out + bits_size(count, low_width);

    for (size_t i = 0; i < count; i += BITS_GROUP) {
        uint32_t low[BITS_GROUP] = { 0 }, high[BITS_GROUP] = { 0 };
        size_t end = count - i < BITS_GROUP ? count - i : BITS_GROUP;
        for (size_t j = 0; j < end; j++) {
            low[j] = (uint32_t)values[i + j];
            high[j] = (uint32_t)(values[i + j] >> 32);
        }
        bits_pack32(low, BITS_GROUP, low_width, out + bits_size(i, low_width));
        bits_pack32(high, BITS_GROUP, width - low_width,
                    high_out + bits_size(i, width - low_width));
    }
}

void
bits_unpack64_group(const uint8_t *in, size_t count, unsigned width, size_t first,
                    uint64_t *values_out)
{
    assert(width <= 64 && first < count && first % BITS_GROUP == 0);
    unsigned low_width = width < 32 ? width : 32;
    const uint8_t *high_in = in + bits_size(count, low_width);
    uint32_t low[BITS_GROUP], high[BITS_GROUP];

    bits_unpack32(in + bits_size(first, low_width), BITS_GROUP, low_width, low);
    if (width <= 32) {
        for (size_t i = 0; i < BITS_GROUP; i++)
            values_out[i] = low[i];
        return;
    }
    bits_unpack32(high_in + bits_size(first, width - low_width), BITS_GROUP, width - low_width,
                  high);
    for (size_t i = 0; i < BITS_GROUP; i++)
        values_out[i] = low[i] | (uint64_t)high[i] << 32;
}

/* Each lane gathers the bits of its values, at their places in a word of 32, and then the lanes are
 * put together.
 * Shifted so that `low` becomes the least signed number, one comparison tells: processors compare
 * signed numbers better. */
uint64_t
bits_between(const uint32_t *values, uint32_t low, uint32_t high)
{
    typedef int32_t signed_lanes __attribute__((vector_size(4 * LANES)));
    const lanes first = { 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7 };
    const uint32_t shift = low + (UINT32_C(1) << 31);
    const int32_t most = (int32_t)(high - shift);
    uint64_t bits = 0;
    assert(low <= high);

    for (unsigned half = 0; half < 2; half++) {
        lanes found = { 0 };
        for (unsigned row = 0; row < 4; row++) {
            lanes row_values;
            memcpy(&row_values, values + 32 * half + LANES * row, sizeof row_values);
            signed_lanes beyond = (signed_lanes)(row_values - shift) > most;
            found |= ~(lanes)beyond & first << 8 * row;
        }
        uint32_t word = 0;
        for (unsigned lane = 0; lane < LANES; lane++)
            word |= found[lane];
        bits |= (uint64_t)word << 32 * half;
    }
    return bits;
}
