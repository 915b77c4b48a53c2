/*
 * id_index_test.c - buckets hold every row once, and their bytes give back what went in.
 */
#include "id_index.h"

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
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state ^ *state >> 33;
}

/* The hash is stored: these values never change. */
static void
hash_is_what_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        uint64_t hash;
        const char *why;
    } rows[] = {
        { "", UINT64_C(0x9534b8099082170b), "nothing" },
        { "a", UINT64_C(0x8d57add6575b560a), "less than a word" },
        { "12345678", UINT64_C(0xae0d5de0384969a3), "one word" },
        { "0190b2a4-7c3e-7d11-8e1f-0123456789ab", UINT64_C(0xa4c42878b9ae2b84),
          "a UUID: four words and a half" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (id_hash(bytes_text(rows[i].id)) != rows[i].hash)
            fail_msg("%s (%s): 0x%016llx", rows[i].id, rows[i].why,
                     (unsigned long long)id_hash(bytes_text(rows[i].id)));
}

/* Ids that differ in one place fall into all buckets alike. */
static void
hash_spreads(void **state)
{
    (void)state;
    uint32_t counts[256] = { 0 };
    for (uint32_t i = 0; i < 256 * 400; i++) {
        char text[40];
        int size = snprintf(text, sizeof text, "0190b2a4-7c3e-7d11-8e1f-%012u", i);
        counts[id_hash(bytes_of(text, (size_t)size)) >> 56]++;
    }
    for (unsigned i = 0; i < 256; i++)
        assert_in_range(counts[i], 300, 500);
}

/* A bucket's rows, from its bytes, in order. */
static void
check_bucket(const struct id_index *index, uint32_t bucket, const uint64_t *hashes, uint8_t *seen)
{
    struct buffer encoded = { 0 };
    id_index_bucket_encode(index, bucket, &encoded);
    uint32_t rows = id_bucket_rows(encoded.size, index->row_bits);
    assert_int_equal(rows, index->starts[bucket + 1] - index->starts[bucket]);

    uint64_t before = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint16_t fingerprint = get_u16(encoded.data + 2 * i);
        uint32_t row = id_bucket_row(buffer_view(&encoded), rows, index->row_bits, i);
        assert_true(row < index->count && !seen[row]);
        seen[row] = 1;
        assert_int_equal(id_bucket_number(hashes[row], index->bucket_bits), bucket);
        assert_int_equal(id_fingerprint(hashes[row], index->bucket_bits), fingerprint);
        uint64_t key = (uint64_t)fingerprint << 32 | row;
        assert_true(i == 0 || key > before);
        before = key;
    }
    buffer_free(&encoded);
}

static void
every_row_is_in_its_bucket(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 1, 2, 31, 32, 33, 64, 65, 1000, 4096, 70000 };
    uint64_t random = 1;

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        /* Kind 1: many equal hashes; 2: all in one bucket. */
        for (unsigned kind = 0; kind < 3; kind++) {
            uint32_t count = counts[c];
            uint64_t *hashes = calloc(count, sizeof *hashes);
            uint8_t *seen = calloc(count, 1);
            struct id_index index;
            for (uint32_t i = 0; i < count; i++) {
                hashes[i] = next_random(&random);
                if (kind == 1)
                    hashes[i] = hashes[i / 3];
                if (kind == 2)
                    hashes[i] >>= 30;
            }
            assert_int_equal(id_index_build(&index, hashes, count, &error), TALLY_OK);
            for (uint32_t b = 0; b < UINT32_C(1) << index.bucket_bits; b++)
                check_bucket(&index, b, hashes, seen);
            for (uint32_t i = 0; i < count; i++)
                assert_true(seen[i]);
            id_index_free(&index);
            free(hashes);
            free(seen);
        }
    }
}

static void
filter_has_what_the_index_has(void **state)
{
    (void)state;
    enum {
        COUNT = 10000
    };
    static uint64_t hashes[2 * COUNT];
    static bool hits[2 * COUNT];
    uint64_t random = 7;
    struct id_index index;
    struct id_filter whole, pieces;

    for (uint32_t i = 0; i < 2 * COUNT; i++)
        hashes[i] = next_random(&random);
    assert_int_equal(id_index_build(&index, hashes, COUNT, &error), TALLY_OK);
    assert_int_equal(id_filter_init(&whole, COUNT, &error), TALLY_OK);
    assert_int_equal(id_filter_init(&pieces, COUNT, &error), TALLY_OK);
    id_filter_fill_all(&whole, &index);
    for (uint32_t b = 0; b < UINT32_C(1) << index.bucket_bits; b++) {
        struct buffer encoded = { 0 };
        id_index_bucket_encode(&index, b, &encoded);
        id_filter_fill(&pieces, b, buffer_view(&encoded),
                       id_bucket_rows(encoded.size, index.row_bits));
        buffer_free(&encoded);
    }
    assert_memory_equal(whole.fingerprints, pieces.fingerprints, COUNT * sizeof(uint16_t));

    id_filter_probe(&pieces, hashes, 2 * COUNT, hits);
    uint32_t false_hits = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(hits[i]);
        false_hits += hits[COUNT + i];
    }
    assert_true(false_hits < 30); /* about 32 in 65,536 */
    id_filter_free(&whole);
    id_filter_free(&pieces);
    id_index_free(&index);
}

/* Sizes that no count of rows has are refused. */
static void
odd_sizes_are_no_buckets(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 24; bits++) {
        uint32_t next = 0;
        for (size_t size = 0; size < 400; size++) {
            uint32_t rows = id_bucket_rows(size, bits);
            size_t right = next * 2 + (next * bits + 7) / 8;
            if (size == right)
                assert_int_equal(rows, next++);
            else
                assert_int_equal(rows, UINT32_MAX);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_what_it_was),
        cmocka_unit_test(hash_spreads),
        cmocka_unit_test(every_row_is_in_its_bucket),
        cmocka_unit_test(filter_has_what_the_index_has),
        cmocka_unit_test(odd_sizes_are_no_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
