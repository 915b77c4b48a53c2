#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Pieces of all sizes keep what was written to them until the reset. */
static void
pieces_do_not_move_or_overlap(void **state)
{
    enum {
        PIECES = 3000
    };
    static uint8_t *pieces[PIECES];
    static const size_t sizes[] = {
        0, 1, 7, 300, 5000, ARENA_CHUNK_SIZE - 1, ARENA_CHUNK_SIZE + 1
    };
    struct arena arena = { 0 };
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < PIECES; i++) {
            size_t size = sizes[i % 997 == 0 ? 6 : i % 499 == 0 ? 5 : i % 5];
            pieces[i] = arena_take(&arena, size);
            assert_non_null(pieces[i]);
            memset(pieces[i], (int)(i % 251), size);
        }
        for (unsigned i = 0; i < PIECES; i++) {
            size_t size = sizes[i % 997 == 0 ? 6 : i % 499 == 0 ? 5 : i % 5];
            for (size_t at = 0; at < size; at++)
                assert_true(pieces[i][at] == i % 251);
        }
        arena_reset(&arena);
    }
    arena_finish(&arena);
    assert_null(arena.chunk);
    arena_finish(&arena);
}

static void
a_steady_user_keeps_its_chunk(void **state)
{
    struct arena arena = { 0 };
    (void)state;
    uint8_t *first = arena_take(&arena, 100);
    arena_reset(&arena);
    assert_ptr_equal(arena_take(&arena, 200), first);
    arena_untake(&arena, 150);
    assert_ptr_equal(arena_take(&arena, 1), first + 50);
    arena_finish(&arena);
}

static void
copies(void **state)
{
    struct arena arena = { 0 };
    (void)state;
    struct bytes copy = arena_copy(&arena, bytes_text("tally"));
    assert_true(bytes_is(copy, "tally"));
    assert_non_null(arena_copy(&arena, bytes_of(NULL, 0)).data);
    arena_finish(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_move_or_overlap),
        cmocka_unit_test(a_steady_user_keeps_its_chunk),
        cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
