/*
 * bloom_test.c - what was added is found, what was not hardly ever, and damage is seen.
 */
#include "bloom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static struct tally_error error;

static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t
probe(const struct buffer *encoded, unsigned columns, uint32_t block_count, uint64_t token)
{
    size_t size = bloom_block_size(columns);
    uint64_t found = 0;
    assert_int_equal(encoded->size, size * block_count);
    size_t at = bloom_block_of(token, block_count) * size;
    assert_true(bloom_probe(bytes_of(encoded->data + at, size), columns, token, &found));
    return found;
}

/* Fills each column with `tokens` of its own. */
static void
fill(unsigned columns, uint32_t tokens, uint64_t seed, struct bloom *bloom, struct buffer *encoded)
{
    assert_int_equal(bloom_init(bloom, columns, bloom_block_count(tokens), &error), TALLY_OK);
    for (unsigned column = 0; column < columns; column++) {
        for (uint32_t i = 0; i < tokens; i++)
            bloom_add(bloom, &(uint64_t){ next_random(&seed) }, 1, column);
    }
    bloom_encode(bloom, encoded);
    assert_false(buffer_failed(encoded));
}

static void
what_was_added_is_found(void **state)
{
    (void)state;
    for (unsigned columns = 1; columns <= BLOOM_COLUMNS_MAX; columns++) {
        uint32_t tokens = columns * 37 % 1500; /* none, few, many */
        struct bloom bloom;
        struct buffer encoded = { 0 };
        uint64_t seed = columns;
        fill(columns, tokens, seed, &bloom, &encoded);
        for (unsigned column = 0; column < columns; column++) {
            for (uint32_t i = 0; i < tokens; i++) {
                uint64_t found = probe(&encoded, columns, bloom.block_count, next_random(&seed));
                assert_true(found >> column & 1);
                assert_true(columns == 64 || found >> columns == 0);
            }
        }
        bloom_free(&bloom);
        buffer_free(&encoded);
    }
}

/* In theory (1 - e^(-6/8))^6 = 2.2 %, a little more for blocks that are fuller than others; the
 * least that makes sense is as good as a filter half as large again. */
static void
what_was_not_is_rarely_found(void **state)
{
    (void)state;
    static const struct {
        unsigned columns;
        uint32_t tokens;
    } rows[] = { { 64, 20000 }, { 33, 3000 }, { 8, 500 }, { 1, 30000 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bloom bloom;
        struct buffer encoded = { 0 };
        uint64_t seed = 1000 + i, other = 77, wrong = 0;
        unsigned asked = 640000 / rows[i].columns;
        fill(rows[i].columns, rows[i].tokens, seed, &bloom, &encoded);
        for (unsigned j = 0; j < asked; j++)
            wrong += (uint64_t)__builtin_popcountll(
                probe(&encoded, rows[i].columns, bloom.block_count, next_random(&other)));
        double rate = (double)wrong / ((double)asked * rows[i].columns);
        if (rate < 0.008 || rate > 0.035)
            fail_msg("%u columns of %u tokens: %f", rows[i].columns, rows[i].tokens, rate);
        bloom_free(&bloom);
        buffer_free(&encoded);
    }
}

/* Tokens of one column do not show in its neighbours, whatever the width of a row. */
static void
columns_are_apart(void **state)
{
    (void)state;
    for (unsigned columns = 1; columns <= BLOOM_COLUMNS_MAX; columns++) {
        for (unsigned column = 0; column < columns; column++) {
            struct bloom bloom;
            struct buffer encoded = { 0 };
            uint64_t seed = columns * 64 + column;
            uint64_t token = next_random(&seed);
            assert_int_equal(bloom_init(&bloom, columns, 1, &error), TALLY_OK);
            bloom_add(&bloom, &token, 1, column);
            bloom_encode(&bloom, &encoded);
            assert_true(probe(&encoded, columns, 1, token) == UINT64_C(1) << column);
            bloom_free(&bloom);
            buffer_free(&encoded);
        }
    }
}

/* Where a token stands is stored: these bytes never change. */
static void
bytes_are_what_they_were(void **state)
{
    (void)state;
    static const unsigned set[] = { 98, 220, 288, 298, 328, 370 };
    struct bloom bloom;
    struct buffer encoded = { 0 };
    assert_int_equal(bloom_init(&bloom, 1, 1, &error), TALLY_OK);
    bloom_add(&bloom, &(uint64_t){ UINT64_C(0x0123456789abcdef) }, 1, 0);
    bloom_encode(&bloom, &encoded);
    assert_int_equal(encoded.size, 68);
    unsigned count = 0;
    for (unsigned row = 0; row < BLOOM_BLOCK_ROWS; row++) {
        if ((encoded.data[row / 8] >> row % 8 & 1) == 0)
            continue;
        if (count == 6 || set[count] != row)
            fail_msg("row %u is set", row);
        count++;
    }
    assert_int_equal(count, 6);
    assert_int_equal(bloom_block_of(UINT64_C(0x7fffffffffffffff), 10), 4);
    assert_int_equal(bloom_block_of(UINT64_C(0x8000000000000000), 10), 5);
    assert_int_equal(bloom_block_of(UINT64_MAX, 10), 9);
    bloom_free(&bloom);
    buffer_free(&encoded);
}

static void
sizes_follow_the_tokens(void **state)
{
    (void)state;
    assert_int_equal(bloom_block_count(0), 1);
    assert_int_equal(bloom_block_count(64), 1);
    assert_int_equal(bloom_block_count(65), 2);
    assert_int_equal(bloom_block_count(512), 8);
    assert_int_equal(bloom_block_count(UINT64_MAX), BLOOM_BLOCKS_MAX);
    assert_int_equal(bloom_block_size(1), 68);
    assert_int_equal(bloom_block_size(5), 324);
    assert_int_equal(bloom_block_size(64), 4100);
}

static void
damage_is_seen(void **state)
{
    (void)state;
    for (unsigned columns = 1; columns <= 4; columns++) {
        struct bloom bloom;
        struct buffer encoded = { 0 };
        uint64_t found = 5;
        fill(columns, 40, columns, &bloom, &encoded);
        size_t size = bloom_block_size(columns);
        for (size_t bit = 0; bit < size * 8; bit++) {
            encoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(bloom_probe(bytes_of(encoded.data, size), columns, 1, &found));
            encoded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < size; cut++)
            assert_false(bloom_probe(bytes_of(encoded.data, cut), columns, 1, &found));
        assert_int_equal(found, 5);
        bloom_free(&bloom);
        buffer_free(&encoded);
    }
}

/* Many at once are what one after the other is. */
static void
many_are_added_as_one_is(void **state)
{
    (void)state;
    for (unsigned columns = 1; columns <= BLOOM_COLUMNS_MAX; columns++) {
        uint64_t tokens[300], seed = columns;
        struct bloom single, many;
        struct buffer a = { 0 }, b = { 0 };
        for (size_t i = 0; i < 300; i++)
            tokens[i] = next_random(&seed);
        assert_int_equal(bloom_init(&single, columns, 7, &error), TALLY_OK);
        assert_int_equal(bloom_init(&many, columns, 7, &error), TALLY_OK);
        for (unsigned column = 0; column < columns; column += 3) {
            for (size_t i = 0; i < 300; i++)
                bloom_add(&single, &(uint64_t){ tokens[i] + column }, 1, column);
            for (size_t i = 0; i < 300; i++)
                tokens[i] += column;
            bloom_add(&many, tokens, 300, column);
            for (size_t i = 0; i < 300; i++)
                tokens[i] -= column;
        }
        bloom_encode(&single, &a);
        bloom_encode(&many, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        buffer_free(&a);
        buffer_free(&b);
        bloom_free(&single);
        bloom_free(&many);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_added_as_one_is),
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(what_was_not_is_rarely_found),
        cmocka_unit_test(columns_are_apart),
        cmocka_unit_test(bytes_are_what_they_were),
        cmocka_unit_test(sizes_follow_the_tokens),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
