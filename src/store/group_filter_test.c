#include "group_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SINGLE (BLOOM_BLOCK_ROWS / 8)

static uint64_t
next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 29;
}

static void
fill(uint64_t *state, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next(state);
}

/* Columns put into a block come out of it as they were, for every count of columns. */
static void
columns_come_out_as_they_went_in(void **state)
{
    (void)state;
    static uint8_t singles[GROUP_COLUMNS_MAX][SINGLE];
    uint64_t random = 3;
    for (unsigned columns = 1; columns <= GROUP_COLUMNS_MAX; columns++) {
        uint8_t rows[SINGLE * GROUP_COLUMNS_MAX];
        fill(&random, rows, sizeof rows); /* whatever was there is overwritten */
        for (unsigned i = 0; i < columns; i++) {
            fill(&random, singles[i], SINGLE);
            group_rows_put(rows, columns, i, singles[i]);
        }
        for (unsigned i = 0; i < columns; i++) {
            uint8_t out[SINGLE];
            group_rows_get(rows, columns, i, out);
            assert_memory_equal(out, singles[i], SINGLE);
        }
    }
}

/* Joining is putting one column after the other. */
static void
joining_is_putting_side_by_side(void **state)
{
    (void)state;
    static const struct {
        unsigned columns, at, part;
        const char *why;
    } rows[] = {
        { 8, 3, 1, "ones to eight" },          { 64, 40, 8, "eights to 64, by bytes" },
        { 16, 8, 8, "the last of two" },       { 11, 3, 8, "eight that begin within a byte" },
        { 64, 0, 3, "rows wider than three" }, { 2, 1, 1, "two" },
    };
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t part[SINGLE * GROUP_COLUMNS_MAX] = { 0 },
                              joined[SINGLE * GROUP_COLUMNS_MAX] = { 0 },
                              put[SINGLE * GROUP_COLUMNS_MAX] = { 0 };
        for (unsigned k = 0; k < rows[i].part; k++) {
            uint8_t single[SINGLE];
            fill(&random, single, sizeof single);
            group_rows_put(part, rows[i].part, k, single);
            group_rows_put(put, rows[i].columns, rows[i].at + k, single);
        }
        group_rows_join(joined, rows[i].columns, rows[i].at, part, rows[i].part);
        if (memcmp(joined, put, sizeof put) != 0)
            fail_msg("%s", rows[i].why);
    }
}

/* A token that a filter has is in one that is made twice as large by repeating its blocks. */
static void
a_filter_may_be_repeated(void **state)
{
    (void)state;
    uint64_t random = 7;
    struct bloom small, large;
    assert_int_equal(bloom_init(&small, 1, 4, NULL), TALLY_OK);
    assert_int_equal(bloom_init(&large, 1, 32, NULL), TALLY_OK);
    for (unsigned i = 0; i < 200; i++)
        bloom_add(&small, &(uint64_t){ next(&random) }, 1, 0);
    for (size_t block = 0; block < 32; block++)
        memcpy(large.bits + block * SINGLE, small.bits + block / 8 * SINGLE, SINGLE);
    struct buffer encoded = { 0 };
    bloom_encode(&large, &encoded);
    random = 7;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t token = next(&random), columns;
        size_t size = bloom_block_size(1);
        size_t at = bloom_block_of(token, 32) * size;
        assert_true(bloom_probe(bytes_of(encoded.data + at, size), 1, token, &columns));
        assert_int_equal(columns, 1);
    }
    buffer_free(&encoded);
    bloom_free(&small);
    bloom_free(&large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_come_out_as_they_went_in),
        cmocka_unit_test(joining_is_putting_side_by_side),
        cmocka_unit_test(a_filter_may_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
