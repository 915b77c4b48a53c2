/* Lookups against a plain list, with hashes that collide; and the region they live in. */
#include "lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t state = 42;

static uint32_t
next(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 32);
}

static bool
offers(const struct lookup *lookup, uint32_t hash, uint32_t wanted, uint32_t count)
{
    struct lookup_walk walk = lookup_begin(lookup, hash);
    uint32_t number;
    bool found = false;
    while (lookup_next(&walk, &number)) {
        assert_true(number < count); /* nothing that was taken back */
        found = found || number == wanted;
    }
    return found;
}

static void
check_lookup(uint32_t hash_mask, uint32_t total)
{
    struct lookup lookup = { NULL };
    struct region region = { 0 };
    uint32_t *hashes = malloc(total * sizeof *hashes);
    uint32_t count = 0;

    assert_false(offers(&lookup, 7, 0, 0)); /* an empty one */
    while (count < total) {
        uint32_t more = 1 + next() % 100;
        for (uint32_t i = 0; i < more && count < total; i++) {
            hashes[count] = next() & hash_mask;
            assert_true(lookup_add(&lookup, &region, hashes[count++]));
        }
        if (next() % 3 == 0) {
            count -= count < more ? count : more;
            lookup_truncate(&lookup, count);
        }
        for (uint32_t i = 0; i < 20 && count > 0; i++) {
            uint32_t number = next() % count;
            assert_true(offers(&lookup, hashes[number], number, count));
        }
    }
    for (uint32_t number = 0; number < count; number++)
        assert_true(offers(&lookup, hashes[number], number, count));
    free(hashes);
    region_finish(&region);
}

static void
test_lookup(void **unused)
{
    (void)unused;
    check_lookup(UINT32_MAX, 20000);
    check_lookup(0xfff80000, 300); /* all begin in the same slot */
    check_lookup(0x0000001f, 500); /* all have the same tag */
    check_lookup(0, 200);          /* all the same */
}

static void
test_lookup_full(void **unused)
{
    (void)unused;
    struct lookup lookup = { NULL };
    struct region region = { 0 };
    for (uint32_t i = 0; i < LOOKUP_COUNT_MAX; i++)
        assert_true(lookup_add(&lookup, &region, next()));
    assert_false(lookup_add(&lookup, &region, next()));
    lookup_truncate(&lookup, LOOKUP_COUNT_MAX - 1);
    assert_true(lookup_add(&lookup, &region, 77));
    assert_true(offers(&lookup, 77, LOOKUP_COUNT_MAX - 1, LOOKUP_COUNT_MAX));
    region_finish(&region);
}

static void
test_region(void **unused)
{
    (void)unused;
    struct region region = { 0 };
    struct bytes kept[100];

    for (unsigned i = 0; i < 100; i++) {
        uint8_t text[200];
        memset(text, (int)i, sizeof text);
        kept[i] = region_copy(&region, bytes_of(text, i * 2));
        assert_non_null(kept[i].data); /* also where it is empty */
        struct region_mark mark = region_mark(&region);
        size_t memory = region.memory;
        for (unsigned j = 0; j < 50; j++) {
            uint8_t *piece = region_take(&region, 1 + next() % 5000);
            assert_non_null(piece);
            assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
            memset(piece, 0xff, 1);
        }
        assert_non_null(region_take(&region, 3 * REGION_CHUNK_MAX));
        region_return(&region, mark);
        assert_int_equal(region.memory, memory);
    }
    for (unsigned i = 0; i < 100; i++) {
        for (size_t j = 0; j < kept[i].size; j++)
            assert_int_equal(kept[i].data[j], i);
    }
    assert_true(region.memory < 64 * 1024);
    region_finish(&region);
    assert_int_equal(region.memory, 0);
    region_finish(&region);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_lookup_full),
        cmocka_unit_test(test_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
