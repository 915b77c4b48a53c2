/* Packing against a bit-by-bit oracle that follows the header's words. */
#include "bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t state = 1;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Bit `bit` of value `i` of a group, found by the layout's definition. */
static unsigned
bit_by_definition(const uint8_t *group, unsigned width, unsigned i, unsigned bit)
{
    unsigned lane = i % 8;
    unsigned place = i / 8 * width + bit; /* in the lane */
    unsigned byte = 4 * (8 * (place / 32) + lane) + place % 32 / 8;
    return group[byte] >> (place % 8) & 1;
}

static void
test_layout(void **unused)
{
    (void)unused;
    for (unsigned width = 1; width <= 32; width++) {
        uint32_t values[BITS_GROUP];
        uint8_t *packed = malloc(bits_size(BITS_GROUP, width)); /* exact: ASan sees any excess */
        for (unsigned i = 0; i < BITS_GROUP; i++)
            values[i] = (uint32_t)next() >> (32 - width);
        bits_pack32(values, BITS_GROUP, width, packed);
        for (unsigned i = 0; i < BITS_GROUP; i++) {
            for (unsigned bit = 0; bit < width; bit++)
                assert_int_equal(bit_by_definition(packed, width, i, bit), values[i] >> bit & 1);
        }
        free(packed);
    }
}

static void
test_inverse(void **unused)
{
    (void)unused;
    static const size_t counts[] = { 1, 7, 8, 255, 256, 257, 511, 1000, 4095, 4096 };

    for (unsigned width = 0; width <= 64; width++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            size_t count = counts[c];
            uint64_t wide[4096], wide_back[4096];
            uint32_t narrow[4096], narrow_back[4096];
            uint8_t *packed = malloc(bits_size(count, width) + 1);
            for (size_t i = 0; i < count; i++) {
                wide[i] = width == 0 ? 0 : next() >> (64 - width);
                narrow[i] = (uint32_t)wide[i];
            }
            bits_pack64(wide, count, width, packed);
            for (size_t first = 0; first < count; first += BITS_GROUP)
                bits_unpack64_group(packed, count, width, first, wide_back + first);
            assert_memory_equal(wide, wide_back, count * sizeof *wide);
            if (width <= 32) {
                bits_pack32(narrow, count, width, packed);
                bits_unpack32(packed, count, width, narrow_back);
                assert_memory_equal(narrow, narrow_back, count * sizeof *narrow);
            }
            free(packed);
        }
    }
}

/* Values at, next to and far from the bounds, which are anything too. */
static void
test_between(void **unused)
{
    (void)unused;
    static const uint32_t ends[] = { 0, 1, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX };
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t a = round % 3 == 0 ? ends[next() % 5] : (uint32_t)(next() >> next() % 64);
        uint32_t b = round % 5 == 0 ? ends[next() % 5] : (uint32_t)(next() >> next() % 64);
        uint32_t low = a < b ? a : b, high = a < b ? b : a;
        uint32_t values[64];
        for (unsigned i = 0; i < 64; i++) {
            const uint32_t near[] = { low,      low - 1,          high,
                                      high + 1, ends[next() % 5], (uint32_t)next() };
            values[i] = near[next() % 6];
        }
        uint64_t bits = bits_between(values, low, high);
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(bits >> i & 1, values[i] >= low && values[i] <= high);
    }
}

static void
test_width(void **unused)
{
    (void)unused;
    assert_int_equal(bits_width(0), 0);
    assert_int_equal(bits_width(1), 1);
    assert_int_equal(bits_width(255), 8);
    assert_int_equal(bits_width(256), 9);
    assert_int_equal(bits_width(UINT64_MAX), 64);
    assert_int_equal(bits_size(1, 1), 32);
    assert_int_equal(bits_size(4096, 5), 2560);
    assert_int_equal(bits_size(0, 5), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
