/* Bit planes against the words of their definition, and ranges against one comparison a row. */
#include "planes.h"

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

static const uint32_t counts[] = { 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 1000, 4033, 4095, 4096 };
#define COUNTS (sizeof counts / sizeof *counts)

/* Values of `width` bits, packed into memory of exactly their size at an odd address. */
struct packed {
    uint32_t count;
    unsigned width;
    uint32_t values[PAGE_ROWS];
    uint8_t *memory;
    uint8_t *planes;
};

static uint32_t
widest(unsigned width)
{
    return width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
}

static void
pack(struct packed *packed, uint32_t count, unsigned width)
{
    packed->count = count;
    packed->width = width;
    packed->memory = malloc(planes_size(count, width) + 5);
    packed->planes = packed->memory + 5;
    uint32_t few = next() % 2 == 0 ? UINT32_MAX : 3; /* often the same ones */
    for (uint32_t i = 0; i < count; i++)
        packed->values[i] = (uint32_t)(next() & few) & widest(width);
    planes_pack(packed->values, count, width, packed->planes);
}

/* Bit i % 64 of word i / 64 of plane j, as the header says. */
static unsigned
bit_by_definition(const struct packed *packed, uint32_t i, unsigned j)
{
    size_t word = j * planes_words(packed->count) + i / 64;
    return packed->planes[word * 8 + i % 64 / 8] >> i % 8 & 1;
}

static void
check_layout(const struct packed *packed)
{
    uint32_t room = (uint32_t)planes_words(packed->count) * 64;
    for (uint32_t i = 0; i < room; i++) {
        uint32_t value = i < packed->count ? packed->values[i] : 0;
        for (unsigned j = 0; j < packed->width; j++)
            assert_int_equal(bit_by_definition(packed, i, j), value >> j & 1);
    }
}

static void
check_inverse(const struct packed *packed)
{
    uint32_t room = (uint32_t)planes_words(packed->count) * 64;
    uint32_t *back = malloc(room * sizeof *back);
    planes_unpack(packed->planes, packed->count, packed->width, back);
    for (uint32_t i = 0; i < room; i++)
        assert_int_equal(back[i], i < packed->count ? packed->values[i] : 0);
    free(back);
}

static void
check_gather(const struct packed *packed)
{
    for (uint32_t first = 0; first < packed->count; first += 16) {
        uint32_t values[16];
        planes_gather16(packed->planes, packed->count, packed->width, first, values);
        for (uint32_t i = 0; i < 16; i++)
            assert_int_equal(values[i], first + i < packed->count ? packed->values[first + i] : 0);
    }
}

static void
test_layout_and_inverse(void **unused)
{
    (void)unused;
    struct packed *packed = malloc(sizeof *packed);
    for (unsigned width = 0; width <= 32; width++) {
        for (size_t c = 0; c < COUNTS; c++) {
            pack(packed, counts[c], width);
            check_layout(packed);
            check_inverse(packed);
            check_gather(packed);
            assert_true(planes_clean(packed->planes, packed->count, width));
            free(packed->memory);
        }
    }
    free(packed);
}

/* Rows in the range, and no other of `among`; what `out` held stays. */
static void
check_range(const struct packed *packed, uint32_t low, uint32_t high)
{
    struct row_set among, out, before;
    row_set_fill(&among, packed->count);
    for (unsigned i = 0; i < ROW_SET_WORDS; i++) {
        among.words[i] &= next() | next();
        before.words[i] = next() & next() & next();
    }
    out = before;
    planes_in_range(packed->planes, packed->count, packed->width, low, high, &among, &out);
    for (uint32_t i = 0; i < PAGE_ROWS; i++) {
        bool in = i < packed->count && row_set_has(&among, i) && packed->values[i] >= low &&
                  packed->values[i] <= high;
        if (row_set_has(&out, i) != (in || row_set_has(&before, i)))
            fail_msg("row %u of %u, width %u, is %u; asked for %u to %u", i, packed->count,
                     packed->width, packed->values[i], low, high);
    }
}

static void
test_all_small_ranges(void **unused)
{
    (void)unused;
    struct packed *packed = malloc(sizeof *packed);
    for (unsigned width = 0; width <= 4; width++) {
        pack(packed, 200, width);
        for (uint32_t low = 0; low <= widest(width); low++) {
            for (uint32_t high = low; high <= widest(width); high++)
                check_range(packed, low, high);
        }
        free(packed->memory);
    }
    free(packed);
}

static void
test_ranges(void **unused)
{
    (void)unused;
    struct packed *packed = malloc(sizeof *packed);
    for (unsigned width = 1; width <= 32; width++) {
        for (size_t c = 0; c < COUNTS; c++) {
            pack(packed, counts[c], width);
            for (unsigned round = 0; round < 4; round++) {
                uint32_t a = packed->values[next() % packed->count];
                uint32_t b = (uint32_t)next() & widest(width);
                check_range(packed, a, a);
                check_range(packed, a < b ? a : b, a < b ? b : a);
            }
            check_range(packed, 0, widest(width));
            check_range(packed, widest(width), widest(width));
            check_range(packed, 0, widest(width) / 2);
            free(packed->memory);
        }
    }
    free(packed);
}

/* Each bit behind the last row is seen, and none before it taken for one. */
static void
test_clean(void **unused)
{
    (void)unused;
    struct packed *packed = malloc(sizeof *packed);
    pack(packed, 70, 3);
    for (unsigned j = 0; j < 3; j++) {
        for (uint32_t i = 0; i < 128; i++) {
            uint8_t *byte = &packed->planes[(j * 2 + i / 64) * 8 + i % 64 / 8];
            *byte ^= (uint8_t)(1u << i % 8);
            assert_int_equal(planes_clean(packed->planes, 70, 3), i < 70);
            *byte ^= (uint8_t)(1u << i % 8);
        }
    }
    free(packed->memory);
    free(packed);
}

static void
test_row_set(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < 200; round++) {
        struct row_set set = { 0 }, all, rest;
        uint32_t rows = round == 0 ? PAGE_ROWS : 1 + (uint32_t)(next() % PAGE_ROWS);
        uint32_t count = 0;
        row_set_fill(&all, rows);
        assert_int_equal(row_set_count(&all), rows);
        for (uint32_t row = 0; row < rows; row++) {
            if (next() % (1 + round) == 0) {
                row_set_add(&set, row);
                count++;
            }
        }
        assert_int_equal(row_set_count(&set), count);
        assert_int_equal(row_set_empty(&set), count == 0);
        row_set_without(&all, &set, &rest);
        assert_int_equal(row_set_count(&rest), rows - count);
        uint32_t seen = 0;
        for (uint32_t row = row_set_next(&set, 0); row < PAGE_ROWS;
             row = row_set_next(&set, row + 1)) {
            assert_true(row_set_has(&set, row) && !row_set_has(&rest, row));
            seen++;
        }
        assert_int_equal(seen, count);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_and_inverse),
        cmocka_unit_test(test_all_small_ranges),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_row_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
