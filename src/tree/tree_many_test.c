#include "tree_many.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Complete 256, by nodes from leaf to root. */
static void
complete_by_nodes(const struct tally_hash *leaves, struct tally_hash *out)
{
    struct tally_hash row[TREE_MANY_MAX];
    memcpy(row, leaves, sizeof row);
    for (size_t count = TREE_MANY_MAX / 2; count > 0; count /= 2)
        for (size_t i = 0; i < count; i++)
            tally_hash_node(&row[2 * i], &row[2 * i + 1], &row[i]);
    *out = row[0];
}

static void
check_equal(const struct tally_tree *a, const struct tally_tree *b)
{
    assert_int_equal(a->size, b->size);
    for (unsigned level = 0; level < TALLY_TREE_LEVELS; level++)
        if ((a->size >> level & 1) != 0)
            assert_memory_equal(&a->peaks[level], &b->peaks[level], sizeof a->peaks[level]);
}

/* Grown by rows of one length, as far as there is room, and one by one. */
static void
check_step(const struct tally_hash *leaves, size_t count, size_t start, size_t step)
{
    struct tally_tree alone, many;
    tally_tree_init(&alone);
    for (size_t i = 0; i < start; i++)
        tally_tree_append(&alone, &leaves[i]);
    many = alone;
    for (size_t at = start, some; at < count; at += some) {
        size_t room = tree_many_room(&many);
        some = step < room ? step : room;
        some = some < count - at ? some : count - at;
        struct tally_hash node, expected;
        bool complete = tree_append_many(&many, leaves + at, some, &node);
        assert_int_equal(complete, (at + some) % TREE_MANY_MAX == 0);
        if (complete) {
            complete_by_nodes(leaves + at + some - TREE_MANY_MAX, &expected);
            assert_true(tally_hash_equal(&node, &expected));
        }
        for (size_t i = 0; i < some; i++)
            tally_tree_append(&alone, &leaves[at + i]);
        check_equal(&alone, &many);
    }
}

static void
one_by_one_is_the_same(void **state)
{
    (void)state;
    enum {
        COUNT = 1100
    };
    struct tally_hash *leaves = malloc(COUNT * sizeof *leaves);
    for (unsigned i = 0; i < COUNT; i++)
        tally_hash_leaf(&i, sizeof i, &leaves[i]);
    static const size_t starts[] = { 0, 1, 2, 3, 77, 255, 256, 257, 511, 767, 1023 };
    static const size_t steps[] = { 1, 2, 3, 7, 64, 100, 255, 256 };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++)
            check_step(leaves, COUNT, starts[i], steps[k]);
    free(leaves);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_by_one_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
