/* recent_ids_test.c - what was added is never denied; what was not, nearly always; old filters go.
 */
#include "recent_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define RUN 50000u

static uint64_t
mixed(uint64_t number)
{
    number = (number ^ number >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 29) * UINT64_C(0xff51afd7ed558ccd);
    return number ^ number >> 32;
}

static void
make(uint64_t first, uint32_t count, uint64_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = mixed(first + i);
}

static void
add(struct recent_ids *recent, uint64_t first, uint32_t count)
{
    static uint64_t hashes[RUN];
    make(first, count, hashes);
    recent_ids_add(recent, first, hashes, count);
}

/* How many of the ids of entries [first, first + RUN) may be in the filter. */
static size_t
probe(const struct recent_filter *filter, uint64_t first)
{
    static uint64_t hashes[RUN];
    static uint32_t places[RUN];
    make(first, RUN, hashes);
    size_t found = recent_filter_probe(filter, hashes, RUN, places);
    for (size_t i = 1; i < found; i++)
        assert_true(places[i] > places[i - 1] && places[i] < RUN);
    return found;
}

static void
what_was_added_is_found(void **state)
{
    struct recent_ids recent = { 0 };
    (void)state;
    for (unsigned i = 0; i < 30; i++)
        add(&recent, 7 + i * (uint64_t)RUN, RUN);
    for (unsigned i = 0; i < 30; i++) {
        uint64_t first = 7 + i * (uint64_t)RUN;
        const struct recent_filter *filter = recent_ids_covering(&recent, first, RUN);
        assert_non_null(filter);
        assert_int_equal(probe(filter, first), RUN);
        /* Others are denied but for one in a thousand when the filter is full. */
        assert_in_range(probe(filter, UINT64_C(1) << 40), 0, RUN / 250);
    }
    assert_in_range(recent_ids_memory(&recent), 30 * RUN * 2, 30 * RUN * 10);
    recent_ids_free(&recent);
    assert_int_equal(recent_ids_memory(&recent), 0);
}

static void
nothing_is_said_of_others(void **state)
{
    struct recent_ids recent = { 0 };
    (void)state;
    assert_null(recent_ids_covering(&recent, 0, 1));
    add(&recent, 100, 50);
    assert_non_null(recent_ids_covering(&recent, 100, 50));
    assert_null(recent_ids_covering(&recent, 99, 2));
    assert_null(recent_ids_covering(&recent, 149, 2));
    assert_null(recent_ids_covering(&recent, 150, 1));
    add(&recent, 150, 50);
    assert_non_null(recent_ids_covering(&recent, 150, 50));

    /* A gap: what was before it is forgotten, and what comes is known. */
    add(&recent, 300, 50);
    assert_null(recent_ids_covering(&recent, 100, 50));
    assert_non_null(recent_ids_covering(&recent, 300, 50));
    recent_ids_free(&recent);
}

static void
old_filters_go(void **state)
{
    struct recent_ids recent = { 0 };
    uint64_t size = 0;
    (void)state;
    for (; size < 40 * (uint64_t)RUN; size += RUN) {
        add(&recent, size, RUN);
        uint64_t window = 8 * (uint64_t)RUN;
        uint64_t begin = size > window ? size - window : 0;
        recent_ids_drop(&recent, begin);
        assert_true(recent.count > 0 && recent.filters[0].end > begin);
        for (uint64_t at = begin; at <= size; at += RUN)
            assert_non_null(recent_ids_covering(&recent, at, RUN));
    }
    assert_null(recent_ids_covering(&recent, 0, RUN));
    recent_ids_drop(&recent, size);
    assert_int_equal(recent.count, 0);
}

/* More filters than there is room for: the oldest goes. */
static void
filters_are_limited(void **state)
{
    enum {
        MANY = 1100000
    }; /* no two of them fit the largest filter */
    struct recent_ids recent = { 0 };
    uint64_t *hashes = malloc(MANY * sizeof *hashes);
    (void)state;
    assert_non_null(hashes);
    make(0, MANY, hashes);
    for (uint64_t i = 0; i <= RECENT_FILTERS_MAX; i++)
        recent_ids_add(&recent, i * MANY, hashes, MANY);
    assert_int_equal(recent.count, RECENT_FILTERS_MAX);
    assert_null(recent_ids_covering(&recent, 0, MANY));
    for (uint64_t i = 1; i <= RECENT_FILTERS_MAX; i++)
        assert_non_null(recent_ids_covering(&recent, i * MANY, MANY));
    recent_ids_free(&recent);
    free(hashes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(nothing_is_said_of_others),
        cmocka_unit_test(old_filters_go),
        cmocka_unit_test(filters_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
