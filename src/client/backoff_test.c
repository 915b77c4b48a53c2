#include "backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The wait before jitter, by the definition: 100, 200, 400, …, at most 30,000. */
static uint32_t
whole_by_definition(unsigned failures)
{
    uint64_t whole = BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < failures && whole < BACKOFF_LAST_MS; i++)
        whole *= 2;
    return (uint32_t)(whole < BACKOFF_LAST_MS ? whole : BACKOFF_LAST_MS);
}

static void
waits_double_and_keep_within_half_and_whole(void **state)
{
    (void)state;
    static const uint32_t randoms[] = { 0, 1, 49, 50, 51, 12345, 0x7fffffff, UINT32_MAX };
    for (size_t r = 0; r < sizeof randoms / sizeof randoms[0]; r++) {
        struct backoff backoff = { 0 };
        for (unsigned i = 0; i < 40; i++) {
            uint32_t whole = whole_by_definition(i);
            uint32_t wait = backoff_next(&backoff, 0, randoms[r]);
            assert_true(wait >= whole / 2);
            assert_true(wait <= whole);
        }
    }
}

static void
both_ends_are_reached(void **state)
{
    (void)state;
    struct backoff first = { 0 };
    assert_int_equal(backoff_next(&first, 0, 0), 50);
    struct backoff second = { 0 };
    assert_int_equal(backoff_next(&second, 0, 50), 100);
    struct backoff worn = { UINT32_MAX };
    assert_true(backoff_next(&worn, 0, 7) >= BACKOFF_LAST_MS / 2);
    assert_int_equal(worn.failures, UINT32_MAX);
}

static void
what_is_asked_for_is_waited_at_least(void **state)
{
    (void)state;
    static const uint32_t asked[] = { 1, 1000, 60000, UINT32_MAX - 20000, UINT32_MAX };
    for (size_t a = 0; a < sizeof asked / sizeof asked[0]; a++) {
        for (uint32_t random = 0; random < 20000; random += 97) {
            struct backoff backoff = { 3 };
            uint32_t wait = backoff_next(&backoff, asked[a], random);
            if (asked[a] < UINT32_MAX - 20000)
                assert_true(wait >= asked[a]);
            else
                assert_true(wait >= UINT32_MAX - 20000);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_and_keep_within_half_and_whole),
        cmocka_unit_test(both_ends_are_reached),
        cmocka_unit_test(what_is_asked_for_is_waited_at_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
