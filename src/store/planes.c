/*
 * planes.c - bits turned from rows into planes and back, and compared as they lie.
 *
 * 64 integers of 8 bits are 8 words of 8 bytes of 8 bits. As rows, the word says which group of
 * eight rows, the byte which row of it and the bit which plane: (group, row, plane). As planes it
 * is (plane, group, row). One turn of the bytes among the words and one of the bits inside each
 * word lead from one to the other; wider integers are turned 8 bits at a time.
 *
 * A range is compared from the highest plane down. As long as both ends have the same bit, a row
 * stays in question that has it too; from where they part, a row goes with the lower or with the
 * upper end, and is inside as soon as it has a bit that its end has not. Equality is a range whose
 * ends never part: it is over as soon as no row is in question any more, and for a value that is
 * rare this is long before the last plane.
 *
 * Everything is done two words at a time in vectors of 16 bytes, which every 64-bit processor has.
 */
#include "planes.h"

#include <assert.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they stand in memory");

#define TURN_ROWS 64u
#define TURN_BITS 8u

typedef uint8_t byte_lanes __attribute__((vector_size(16)));
typedef uint16_t half_lanes __attribute__((vector_size(16)));
typedef uint64_t word_lanes __attribute__((vector_size(16)));

/* The bytes of two vectors in turn: of their first halves, and of their second ones. */
#define FIRST_HALVES(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND_HALVES(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* 64 bytes: eight words of eight. */
struct square {
    byte_lanes a, b, c, d;
};

/* Lays the bytes of the first half of a square between those of the second: this moves the highest
 * of the six bits of a byte's place to the end. */
static inline struct square
shuffle(struct square in)
{
    return (struct square){ FIRST_HALVES(in.a, in.c), SECOND_HALVES(in.a, in.c),
                            FIRST_HALVES(in.b, in.d), SECOND_HALVES(in.b, in.d) };
}

/* Byte j of word i goes to byte i of word j: after three times, the three bits of the word's number
 * and those of the byte's have changed places. */
static inline struct square
turn_bytes(struct square in)
{
    return shuffle(shuffle(shuffle(in)));
}

/* Bit j of byte i goes to bit i of byte j, in each word: squares of 1, 2 and 4 bits change places
 * across the diagonal. */
static inline byte_lanes
turn_lanes(byte_lanes bytes)
{
    word_lanes x = (word_lanes)bytes;
    word_lanes moved = (x ^ x >> 7) & 0x00aa00aa00aa00aau;
    x ^= moved ^ moved << 7;
    moved = (x ^ x >> 14) & 0x0000cccc0000ccccu;
    x ^= moved ^ moved << 14;
    moved = (x ^ x >> 28) & 0x00000000f0f0f0f0u;
    return (byte_lanes)(x ^ moved ^ moved << 28);
}

static inline struct square
turn_bits(struct square in)
{
    return (struct square){ turn_lanes(in.a), turn_lanes(in.b), turn_lanes(in.c),
                            turn_lanes(in.d) };
}

/* Packs 64 rows into a word of each plane. */
static void
pack_rows(const uint32_t *values, unsigned width, size_t stride, uint8_t *out)
{
    for (unsigned low = 0; low < width; low += TURN_BITS) {
        unsigned planes = width - low < TURN_BITS ? width - low : TURN_BITS;
        uint8_t bytes[TURN_ROWS];
        struct square square;
        for (unsigned i = 0; i < TURN_ROWS; i++)
            bytes[i] = (uint8_t)(values[i] >> low);
        memcpy(&square, bytes, sizeof square);
        square = turn_bytes(turn_bits(square));
        memcpy(bytes, &square, sizeof bytes);
        for (unsigned j = 0; j < planes; j++)
            memcpy(out + (low + j) * stride, bytes + 8 * j, 8);
    }
}

void
planes_pack(const uint32_t *values, uint32_t count, unsigned width, uint8_t *out)
{
    assert(count > 0 && count <= PAGE_ROWS && width <= PLANES_WIDTH_MAX);
    size_t stride = planes_size(count, 1);

    for (uint32_t row = 0; row < count; row += TURN_ROWS) {
        uint32_t padded[TURN_ROWS] = { 0 };
        uint32_t left = count - row;
        memcpy(padded, values + row, (left < TURN_ROWS ? left : TURN_ROWS) * sizeof *padded);
        pack_rows(padded, width, stride, out + row / 8);
    }
}

/* The words of two planes that have 64 rows; zero where there is no such plane. */
static inline byte_lanes
pair_of(const uint8_t *planes, unsigned plane, unsigned width, size_t stride)
{
    word_lanes words = { plane < width ? get_u64(planes + plane * stride) : 0,
                         plane + 1 < width ? get_u64(planes + (plane + 1) * stride) : 0 };
    return (byte_lanes)words;
}

/* Eight planes of 64 rows from plane `low` on as a byte a row. */
static inline struct square
unpack_bytes(const uint8_t *planes, unsigned low, unsigned width, size_t stride)
{
    struct square square = {
        pair_of(planes, low, width, stride),
        pair_of(planes, low + 2, width, stride),
        pair_of(planes, low + 4, width, stride),
        pair_of(planes, low + 6, width, stride),
    };
    return turn_bits(turn_bytes(square));
}

/* 16 values out of their lower and their upper bytes. */
static inline void
widen(byte_lanes lower, byte_lanes upper, uint32_t values_out[16])
{
    half_lanes none = { 0 };
    half_lanes first = (half_lanes)FIRST_HALVES(lower, upper);
    half_lanes second = (half_lanes)SECOND_HALVES(lower, upper);
    half_lanes out[4] = {
        __builtin_shufflevector(first, none, 0, 8, 1, 9, 2, 10, 3, 11),
        __builtin_shufflevector(first, none, 4, 12, 5, 13, 6, 14, 7, 15),
        __builtin_shufflevector(second, none, 0, 8, 1, 9, 2, 10, 3, 11),
        __builtin_shufflevector(second, none, 4, 12, 5, 13, 6, 14, 7, 15),
    };
    memcpy(values_out, out, sizeof out);
}

/* 16 planes of 64 rows, or as many as there are from plane `low` on. */
static inline void
unpack_rows(const uint8_t *planes, unsigned low, unsigned width, size_t stride,
            uint32_t values_out[TURN_ROWS])
{
    struct square lower = unpack_bytes(planes, low, width, stride), upper = { 0 };
    if (low + TURN_BITS < width)
        upper = unpack_bytes(planes, low + TURN_BITS, width, stride);
    widen(lower.a, upper.a, values_out);
    widen(lower.b, upper.b, values_out + 16);
    widen(lower.c, upper.c, values_out + 32);
    widen(lower.d, upper.d, values_out + 48);
}

void
planes_unpack(const uint8_t *planes, uint32_t count, unsigned width, uint32_t *values_out)
{
    assert(count > 0 && count <= PAGE_ROWS && width <= PLANES_WIDTH_MAX);
    size_t stride = planes_size(count, 1);

    for (uint32_t row = 0; row < count; row += TURN_ROWS) {
        uint32_t *values = values_out + row, upper[TURN_ROWS];
        unpack_rows(planes + row / 8, 0, width, stride, values);
        if (width <= 2 * TURN_BITS)
            continue;
        unpack_rows(planes + row / 8, 2 * TURN_BITS, width, stride, upper);
        for (unsigned i = 0; i < TURN_ROWS; i++)
            values[i] |= upper[i] << 16;
    }
}

void
planes_gather16(const uint8_t *planes, uint32_t count, unsigned width, uint32_t first,
                uint32_t values_out[16])
{
    assert(first % 16 == 0 && first < count && width <= PLANES_WIDTH_MAX);
    size_t stride = planes_size(count, 1);
    byte_lanes bytes[4] = { 0 }; /* by eight planes: a byte a row */

    for (unsigned low = 0; low < width; low += TURN_BITS) {
        uint64_t rows[2] = { 0 };
        for (unsigned j = 0; j < TURN_BITS && low + j < width; j++) {
            const uint8_t *at = planes + (low + j) * stride + first / 8;
            rows[0] |= (uint64_t)at[0] << 8 * j;
            rows[1] |= (uint64_t)at[1] << 8 * j;
        }
        word_lanes both = { rows[0], rows[1] };
        bytes[low / TURN_BITS] = turn_lanes((byte_lanes)both);
    }
    widen(bytes[0], bytes[1], values_out);
    if (width > 2 * TURN_BITS) {
        uint32_t upper[16];
        widen(bytes[2], bytes[3], upper);
        for (unsigned i = 0; i < 16; i++)
            values_out[i] |= upper[i] << 16;
    }
}

/*
 * Comparing. `flip` is all ones where a zero bit is looked for, else zero.
 */

static uint64_t
flip_of(uint32_t value, unsigned bit)
{
    return (value >> bit & 1) != 0 ? 0 : UINT64_MAX;
}

static inline word_lanes
lanes_at(const void *at)
{
    word_lanes lanes;
    memcpy(&lanes, at, sizeof lanes);
    return lanes;
}

/* Keeps in `set` the rows that have the bit; false where there is none left. */
static bool
keep(uint64_t *set, const uint8_t *plane, uint64_t flip, size_t words)
{
    word_lanes any = { 0 };
    size_t i = 0;
    for (; i + 4 <= words; i += 4) {
        word_lanes low = lanes_at(set + i) & (lanes_at(plane + 8 * i) ^ flip);
        word_lanes high = lanes_at(set + i + 2) & (lanes_at(plane + 8 * i + 16) ^ flip);
        memcpy(set + i, &low, sizeof low);
        memcpy(set + i + 2, &high, sizeof high);
        any |= low | high;
    }
    uint64_t left = any[0] | any[1];
    for (; i < words; i++)
        left |= set[i] &= get_u64(plane + 8 * i) ^ flip;
    return left != 0;
}

/* The same at one end of a range; `inside` gets the rows that lie on the inner side of it by this
 * bit: with a one where the lower end has a zero, with a zero where the upper one has a one. */
static bool
keep_at_end(uint64_t *set, uint64_t *inside, const uint8_t *plane, uint64_t flip, size_t words)
{
    word_lanes any = { 0 };
    size_t i = 0;
    for (; i + 2 <= words; i += 2) {
        word_lanes same = lanes_at(plane + 8 * i) ^ flip, rows = lanes_at(set + i);
        word_lanes left = rows & same, gone = lanes_at(inside + i) | (rows & ~same);
        memcpy(set + i, &left, sizeof left);
        memcpy(inside + i, &gone, sizeof gone);
        any |= left;
    }
    uint64_t left = any[0] | any[1];
    for (; i < words; i++) {
        uint64_t same = get_u64(plane + 8 * i) ^ flip;
        inside[i] |= set[i] & ~same;
        left |= set[i] &= same;
    }
    return left != 0;
}

/* The planes below the one in which the ends part. */
static void
compare_ends(const uint8_t *planes, size_t words, unsigned width, uint32_t low, uint32_t high,
             struct row_set *lower, struct row_set *upper, struct row_set *out)
{
    bool at_low = true, at_high = true;
    for (unsigned j = width; j-- > 0 && (at_low || at_high);) {
        const uint8_t *plane = planes + j * 8 * words;
        uint64_t low_flip = flip_of(low, j), high_flip = flip_of(high, j);
        if (at_low)
            at_low = low_flip != 0 ? keep_at_end(lower->words, out->words, plane, low_flip, words)
                                   : keep(lower->words, plane, low_flip, words);
        if (at_high)
            at_high = high_flip == 0
                          ? keep_at_end(upper->words, out->words, plane, high_flip, words)
                          : keep(upper->words, plane, high_flip, words);
    }
    for (size_t i = 0; i < words; i++)
        out->words[i] |= lower->words[i] | upper->words[i];
}

void
planes_in_range(const uint8_t *planes, uint32_t count, unsigned width, uint32_t low, uint32_t high,
                const struct row_set *among, struct row_set *out)
{
    assert(low <= high && (width >= 32 || high >> width == 0) && count <= PAGE_ROWS);
    size_t words = planes_words(count);
    struct row_set same = *among;
    unsigned j = width;

    for (; j > 0 && flip_of(low, j - 1) == flip_of(high, j - 1); j--) {
        if (!keep(same.words, planes + (j - 1) * 8 * words, flip_of(low, j - 1), words))
            return;
    }
    if (j == 0) {
        for (size_t i = 0; i < words; i++)
            out->words[i] |= same.words[i];
        return;
    }

    const uint8_t *parting = planes + --j * 8 * words;
    struct row_set upper = same;
    (void)keep(upper.words, parting, 0, words);
    (void)keep(same.words, parting, UINT64_MAX, words);
    compare_ends(planes, words, j, low, high, &same, &upper, out);
}

bool
planes_clean(const uint8_t *planes, uint32_t count, unsigned width)
{
    size_t words = planes_words(count);
    uint64_t behind = 0;
    for (unsigned j = 0; j < width && count % 64 != 0; j++)
        behind |= get_u64(planes + (j + 1) * 8 * words - 8) >> count % 64;
    return behind == 0;
}
