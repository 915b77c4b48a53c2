#include "tally/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZES 300

static struct tally_hash leaves[SIZES];

static int
make_leaves(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZES; i++)
        tally_hash_leaf(&i, sizeof i, &leaves[i]);
    return 0;
}

/* RFC 6962, section 2.1, word for word: MTH(D[begin:end]). */
static struct tally_hash
root_by_definition(size_t begin, size_t end)
{
    struct tally_hash hash;
    if (begin == end) {
        tally_hash_empty(&hash);
        return hash;
    }
    if (end - begin == 1)
        return leaves[begin];
    size_t split = 1;
    while (split * 2 < end - begin)
        split *= 2;
    struct tally_hash left = root_by_definition(begin, begin + split);
    struct tally_hash right = root_by_definition(begin + split, end);
    tally_hash_node(&left, &right, &hash);
    return hash;
}

static tally_status
read_by_definition(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
                   struct tally_error *error)
{
    (void)context;
    (void)error;
    *hash_out = root_by_definition(index << level, (index + 1) << level);
    return TALLY_OK;
}

static void
assert_root(const struct tally_tree *tree, const struct tally_hash *expected)
{
    struct tally_hash root;
    tally_tree_root(tree, &root);
    assert_true(tally_hash_equal(&root, expected));
}

static void
appending_gives_the_root_of_the_definition(void **state)
{
    (void)state;
    struct tally_tree tree;
    tally_tree_init(&tree);
    for (size_t size = 0; size <= SIZES; size++) {
        assert_int_equal(tree.size, size);
        struct tally_hash expected = root_by_definition(0, size);
        assert_root(&tree, &expected);
        if (size < SIZES)
            tally_tree_append(&tree, &leaves[size]);
    }
}

static void
a_tree_read_back_goes_on_as_it_was(void **state)
{
    (void)state;
    struct tally_hash end = root_by_definition(0, SIZES);
    for (size_t size = 0; size <= SIZES; size++) {
        struct tally_tree tree;
        assert_int_equal(tally_tree_read(size, read_by_definition, NULL, &tree, NULL), TALLY_OK);
        struct tally_hash expected = root_by_definition(0, size);
        assert_root(&tree, &expected);
        for (size_t i = size; i < SIZES; i++)
            tally_tree_append(&tree, &leaves[i]);
        assert_root(&tree, &end);
    }
}

static void
subtrees_may_be_appended_whole(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= 8; level++) {
        struct tally_tree tree;
        tally_tree_init(&tree);
        size_t width = (size_t)1 << level;
        size_t at = 0;
        for (; at + width <= SIZES; at += width) {
            struct tally_hash subtree = root_by_definition(at, at + width);
            tally_tree_append_subtree(&tree, level, &subtree);
        }
        for (; at < SIZES; at++)
            tally_tree_append(&tree, &leaves[at]);
        struct tally_hash expected = root_by_definition(0, SIZES);
        assert_root(&tree, &expected);
    }
}

static void
a_tree_fills_to_its_limit(void **state)
{
    (void)state;
    struct tally_tree tree;
    tally_tree_init(&tree);
    struct tally_hash subtrees[TALLY_TREE_LEVELS];
    subtrees[0] = leaves[0];
    for (unsigned level = 1; level < TALLY_TREE_LEVELS; level++)
        tally_hash_node(&subtrees[level - 1], &subtrees[level - 1], &subtrees[level]);

    for (unsigned level = TALLY_TREE_LEVELS; level-- > 0;)
        tally_tree_append_subtree(&tree, level, &subtrees[level]);
    assert_true(tree.size == TALLY_TREE_SIZE_MAX);

    /* Joined from the right by hand. */
    struct tally_hash expected = subtrees[0];
    for (unsigned level = 1; level < TALLY_TREE_LEVELS; level++)
        tally_hash_node(&subtrees[level], &expected, &expected);
    assert_root(&tree, &expected);
}

static tally_status
fail_at_level_2(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
                struct tally_error *error)
{
    return level == 2 ? TALLY_DAMAGED : read_by_definition(context, level, index, hash_out, error);
}

static void
a_reader_s_fault_is_passed_up(void **state)
{
    (void)state;
    struct tally_tree tree, before;
    memset(&tree, 0xa5, sizeof tree);
    before = tree;
    assert_int_equal(tally_tree_read(7, fail_at_level_2, NULL, &tree, NULL), TALLY_DAMAGED);
    assert_memory_equal(&tree, &before, sizeof tree);

    struct tally_error error;
    assert_int_equal(tally_tree_read(TALLY_TREE_SIZE_MAX + 1, fail_at_level_2, NULL, &tree, &error),
                     TALLY_INVALID);
    assert_int_equal(error.status, TALLY_INVALID);
    assert_memory_equal(&tree, &before, sizeof tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending_gives_the_root_of_the_definition),
        cmocka_unit_test(a_tree_read_back_goes_on_as_it_was),
        cmocka_unit_test(subtrees_may_be_appended_whole),
        cmocka_unit_test(a_tree_fills_to_its_limit),
        cmocka_unit_test(a_reader_s_fault_is_passed_up),
    };
    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
