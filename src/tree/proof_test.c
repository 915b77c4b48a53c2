#include "tally/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZES 300

/* roots[begin][end] is MTH(D[begin:end]) by RFC 6962's definition, made once. */
static struct tally_hash roots[SIZES][SIZES + 1];

static size_t
split_of(size_t count)
{
    size_t split = 1;
    while (split * 2 < count)
        split *= 2;
    return split;
}

static int
make_roots(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIZES; i++)
        tally_hash_leaf(&i, sizeof i, &roots[i][i + 1]);
    for (size_t count = 2; count <= SIZES; count++) {
        size_t split = split_of(count);
        for (size_t begin = 0; begin + count <= SIZES; begin++)
            tally_hash_node(&roots[begin][begin + split], &roots[begin + split][begin + count],
                            &roots[begin][begin + count]);
    }
    return 0;
}

static tally_status
read_root(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
          struct tally_error *error)
{
    (void)context;
    (void)error;
    uint64_t begin = index << level;
    uint64_t end = (index + 1) << level;
    assert_true(end <= SIZES);
    *hash_out = roots[begin][end];
    return TALLY_OK;
}

static void
add_hash(struct tally_proof *proof, size_t begin, size_t end)
{
    proof->hashes[proof->count++] = roots[begin][end];
}

/* RFC 6962, section 2.1.1, word for word: PATH(index, D[begin:end]). */
static void
path_by_definition(size_t index, size_t begin, size_t end, struct tally_proof *proof)
{
    if (end - begin == 1)
        return;
    size_t middle = begin + split_of(end - begin);
    if (index < middle - begin) {
        path_by_definition(index, begin, middle, proof);
        add_hash(proof, middle, end);
    } else {
        path_by_definition(index - (middle - begin), middle, end, proof);
        add_hash(proof, begin, middle);
    }
}

/* RFC 6962, section 2.1.2, word for word: SUBPROOF(old_size, D[begin:end], whole). */
static void
subproof_by_definition(size_t old_size, size_t begin, size_t end, bool whole,
                       struct tally_proof *proof)
{
    if (old_size == end - begin) {
        if (!whole)
            add_hash(proof, begin, end);
        return;
    }
    size_t split = split_of(end - begin);
    if (old_size <= split) {
        subproof_by_definition(old_size, begin, begin + split, whole, proof);
        add_hash(proof, begin + split, end);
    } else {
        subproof_by_definition(old_size - split, begin + split, end, false, proof);
        add_hash(proof, begin, begin + split);
    }
}

/* The root to which a path leads, by the definition of PATH; false where its length is wrong. */
static bool
root_of_path(size_t index, size_t size, const struct tally_hash *leaf,
             const struct tally_hash *path, size_t count, struct tally_hash *root_out)
{
    if (size == 1) {
        *root_out = *leaf;
        return count == 0;
    }
    if (count == 0)
        return false;
    size_t split = split_of(size);
    bool left = index < split;
    struct tally_hash child;
    if (!root_of_path(left ? index : index - split, left ? split : size - split, leaf, path,
                      count - 1, &child))
        return false;
    if (left)
        tally_hash_node(&child, &path[count - 1], root_out);
    else
        tally_hash_node(&path[count - 1], &child, root_out);
    return true;
}

/* Both roots to which a consistency proof leads, by the definition of SUBPROOF. */
static bool
roots_of_proof(size_t old_size, size_t size, bool whole, const struct tally_hash *old_root,
               const struct tally_hash *hashes, size_t count, struct tally_hash found[2])
{
    if (old_size == size) {
        if (count != (whole ? 0 : 1))
            return false;
        found[0] = found[1] = whole ? *old_root : hashes[0];
        return true;
    }
    if (count == 0)
        return false;
    size_t split = split_of(size);
    const struct tally_hash *other = &hashes[count - 1];
    if (old_size <= split) {
        if (!roots_of_proof(old_size, split, whole, old_root, hashes, count - 1, found))
            return false;
        tally_hash_node(&found[1], other, &found[1]);
    } else {
        if (!roots_of_proof(old_size - split, size - split, false, old_root, hashes, count - 1,
                            found))
            return false;
        tally_hash_node(other, &found[0], &found[0]);
        tally_hash_node(other, &found[1], &found[1]);
    }
    return true;
}

static void
assert_proofs_equal(const struct tally_proof *a, const struct tally_proof *b)
{
    assert_int_equal(a->count, b->count);
    if (a->count > 0)
        assert_memory_equal(a->hashes, b->hashes, a->count * sizeof a->hashes[0]);
}

static void
inclusion_agrees_with_the_definition(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZES; size++) {
        for (size_t index = 0; index < size; index++) {
            struct tally_proof expected = { .count = 0 }, proof;
            path_by_definition(index, 0, size, &expected);
            assert_int_equal(tally_inclusion_prove(index, size, read_root, NULL, &proof, NULL),
                             TALLY_OK);
            assert_proofs_equal(&proof, &expected);
            assert_int_equal(tally_inclusion_length(index, size), expected.count);
            assert_int_equal(tally_inclusion_check(index, size, &roots[index][index + 1], &proof,
                                                   &roots[0][size]),
                             TALLY_OK);
        }
    }
}

static void
consistency_agrees_with_the_definition(void **state)
{
    (void)state;
    for (size_t size = 1; size <= SIZES; size++) {
        for (size_t old_size = 1; old_size <= size; old_size++) {
            struct tally_proof expected = { .count = 0 }, proof;
            subproof_by_definition(old_size, 0, size, true, &expected);
            assert_int_equal(tally_consistency_prove(old_size, size, read_root, NULL, &proof, NULL),
                             TALLY_OK);
            assert_proofs_equal(&proof, &expected);
            assert_int_equal(tally_consistency_length(old_size, size), expected.count);
            assert_int_equal(tally_consistency_check(old_size, &roots[0][old_size], size,
                                                     &roots[0][size], &proof),
                             TALLY_OK);
        }
    }
}

static void
flip(void *bytes, size_t bit)
{
    ((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* Flips each bit of `bytes` in turn and expects the verdict of `check` to be a refusal each time.
 */
#define ASSERT_EVERY_BIT_COUNTS(bytes, size, check) \
    for (size_t bit = 0; bit < 8 * (size); bit++) { \
        flip(bytes, bit);                           \
        assert_int_equal(check, TALLY_DISAGREES);   \
        flip(bytes, bit);                           \
    }

static void
flip_inclusion(uint64_t index, uint64_t size)
{
    struct tally_hash leaf = roots[index][index + 1];
    struct tally_hash root = roots[0][size];
    struct tally_proof proof;
    assert_int_equal(tally_inclusion_prove(index, size, read_root, NULL, &proof, NULL), TALLY_OK);

    ASSERT_EVERY_BIT_COUNTS(&leaf, sizeof leaf,
                            tally_inclusion_check(index, size, &leaf, &proof, &root));
    ASSERT_EVERY_BIT_COUNTS(&root, sizeof root,
                            tally_inclusion_check(index, size, &leaf, &proof, &root));
    ASSERT_EVERY_BIT_COUNTS(proof.hashes, proof.count * sizeof proof.hashes[0],
                            tally_inclusion_check(index, size, &leaf, &proof, &root));
    ASSERT_EVERY_BIT_COUNTS(&index, sizeof index,
                            tally_inclusion_check(index, size, &leaf, &proof, &root));
    ASSERT_EVERY_BIT_COUNTS(&proof.count, sizeof proof.count,
                            tally_inclusion_check(index, size, &leaf, &proof, &root));
    assert_int_equal(tally_inclusion_check(index, size, &leaf, &proof, &root), TALLY_OK);
}

static void
flip_consistency(uint64_t old_size, uint64_t size)
{
    struct tally_hash old_root = roots[0][old_size];
    struct tally_hash root = roots[0][size];
    struct tally_proof proof;
    assert_int_equal(tally_consistency_prove(old_size, size, read_root, NULL, &proof, NULL),
                     TALLY_OK);

    ASSERT_EVERY_BIT_COUNTS(&old_root, sizeof old_root,
                            tally_consistency_check(old_size, &old_root, size, &root, &proof));
    ASSERT_EVERY_BIT_COUNTS(&root, sizeof root,
                            tally_consistency_check(old_size, &old_root, size, &root, &proof));
    ASSERT_EVERY_BIT_COUNTS(proof.hashes, proof.count * sizeof proof.hashes[0],
                            tally_consistency_check(old_size, &old_root, size, &root, &proof));
    ASSERT_EVERY_BIT_COUNTS(&proof.count, sizeof proof.count,
                            tally_consistency_check(old_size, &old_root, size, &root, &proof));
    assert_int_equal(tally_consistency_check(old_size, &old_root, size, &root, &proof), TALLY_OK);
}

static void
every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 20; size++) {
        for (uint64_t index = 0; index < size; index++) {
            flip_inclusion(index, size);
            flip_consistency(index + 1, size);
        }
    }
    /* Around a power of two, and far from one. */
    static const uint64_t large[] = { 127, 128, 129, 255, 256, 257, 299, 300 };
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        flip_inclusion(0, large[i]);
        flip_inclusion(large[i] / 3, large[i]);
        flip_inclusion(large[i] - 1, large[i]);
        flip_consistency(1, large[i]);
        flip_consistency(large[i] / 3, large[i]);
        flip_consistency(large[i] - 1, large[i]);
    }
}

/* A root does not bind the size: some proofs hold for several sizes. Which ones, the definition
 * says. */
static void
other_sizes_are_judged_as_the_definition_does(void **state)
{
    (void)state;
    unsigned accepted = 0;
    for (size_t size = 1; size <= 40; size++) {
        for (size_t index = 0; index < size; index++) {
            struct tally_proof proof;
            assert_int_equal(tally_inclusion_prove(index, size, read_root, NULL, &proof, NULL),
                             TALLY_OK);
            for (size_t other = 0; other <= 70; other++) {
                struct tally_hash root;
                bool holds = index < other &&
                             root_of_path(index, other, &roots[index][index + 1], proof.hashes,
                                          proof.count, &root) &&
                             tally_hash_equal(&root, &roots[0][size]);
                tally_status status = tally_inclusion_check(index, other, &roots[index][index + 1],
                                                            &proof, &roots[0][size]);
                assert_int_equal(status, holds ? TALLY_OK : TALLY_DISAGREES);
                accepted += holds && other != size;
            }
        }
    }
    /* Otherwise this test would show nothing. */
    assert_true(accepted > 0);
}

static void
other_size_pairs_are_judged_as_the_definition_does(void **state)
{
    (void)state;
    for (size_t size = 2; size <= 17; size++) {
        for (size_t old_size = 1; old_size < size; old_size++) {
            struct tally_proof proof;
            assert_int_equal(tally_consistency_prove(old_size, size, read_root, NULL, &proof, NULL),
                             TALLY_OK);
            for (size_t other = 0; other <= 35; other++) {
                for (size_t other_old = 0; other_old <= other + 1; other_old++) {
                    struct tally_hash found[2];
                    bool holds = 0 < other_old && other_old <= other &&
                                 roots_of_proof(other_old, other, true, &roots[0][old_size],
                                                proof.hashes, proof.count, found) &&
                                 tally_hash_equal(&found[0], &roots[0][old_size]) &&
                                 tally_hash_equal(&found[1], &roots[0][size]);
                    tally_status status = tally_consistency_check(other_old, &roots[0][old_size],
                                                                  other, &roots[0][size], &proof);
                    assert_int_equal(status, holds ? TALLY_OK : TALLY_DISAGREES);
                }
            }
        }
    }
}

/* In a tree of equal leaves every complete subtree of a level has the same hash. */
static tally_status
read_uniform(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
             struct tally_error *error)
{
    (void)error;
    assert_true(level < TALLY_TREE_LEVELS);
    assert_true(index < TALLY_TREE_SIZE_MAX >> level);
    *hash_out = ((const struct tally_hash *)context)[level];
    return TALLY_OK;
}

static void
proves_at_the_largest_sizes(void **state)
{
    (void)state;
    struct tally_hash uniform[TALLY_TREE_LEVELS];
    tally_hash_leaf("same", 4, &uniform[0]);
    for (unsigned level = 1; level < TALLY_TREE_LEVELS; level++)
        tally_hash_node(&uniform[level - 1], &uniform[level - 1], &uniform[level]);

    const uint64_t max = TALLY_TREE_SIZE_MAX;
    const uint64_t half = UINT64_C(1) << 62;
    const uint64_t sizes[] = { 1, 2, max / 3, half - 1, half, half + 1, max - 1, max };
    const size_t count = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < count; i++) {
        struct tally_tree tree, old_tree;
        struct tally_hash root, old_root;
        struct tally_proof proof;
        assert_int_equal(tally_tree_read(sizes[i], read_uniform, uniform, &tree, NULL), TALLY_OK);
        tally_tree_root(&tree, &root);
        for (size_t j = 0; j <= i; j++) {
            uint64_t index = sizes[j] - 1;
            assert_int_equal(
                tally_inclusion_prove(index, sizes[i], read_uniform, uniform, &proof, NULL),
                TALLY_OK);
            assert_int_equal(tally_inclusion_check(index, sizes[i], &uniform[0], &proof, &root),
                             TALLY_OK);

            assert_int_equal(tally_tree_read(sizes[j], read_uniform, uniform, &old_tree, NULL),
                             TALLY_OK);
            tally_tree_root(&old_tree, &old_root);
            assert_int_equal(
                tally_consistency_prove(sizes[j], sizes[i], read_uniform, uniform, &proof, NULL),
                TALLY_OK);
            assert_true(proof.count <= TALLY_PROOF_MAX);
            assert_int_equal(tally_consistency_check(sizes[j], &old_root, sizes[i], &root, &proof),
                             TALLY_OK);
        }
    }
}

static void
sizes_out_of_range_are_refused(void **state)
{
    (void)state;
    struct tally_proof proof, before;
    memset(&proof, 0xa5, sizeof proof);
    before = proof;
    static const struct {
        uint64_t first, size;
        const char *why;
    } rows[] = {
        { 0, 0, "the empty tree has no leaf, and nothing follows from it" },
        { 9, 8, "beyond the end" },
        { UINT64_MAX, 8, "far beyond the end" },
        { 1, TALLY_TREE_SIZE_MAX + 1, "the tree is too large" },
        { 1, UINT64_MAX, "the tree is far too large" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_error error;
        assert_int_equal(
            tally_inclusion_prove(rows[i].first, rows[i].size, read_root, NULL, &proof, &error),
            TALLY_INVALID);
        assert_int_equal(
            tally_consistency_prove(rows[i].first, rows[i].size, read_root, NULL, &proof, &error),
            TALLY_INVALID);
        assert_memory_equal(&proof, &before, sizeof proof);

        struct tally_proof empty = { .count = 0 };
        const struct tally_hash *root = &roots[0][1];
        assert_int_equal(tally_inclusion_check(rows[i].first, rows[i].size, root, &empty, root),
                         TALLY_DISAGREES);
        assert_int_equal(tally_consistency_check(rows[i].first, root, rows[i].size, root, &empty),
                         TALLY_DISAGREES);
    }
}

/* Fails at the read whose number the context counts down to. */
static tally_status
fail_late(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
          struct tally_error *error)
{
    unsigned *reads_left = context;
    if (*reads_left == 0)
        return TALLY_DAMAGED;
    --*reads_left;
    return read_root(NULL, level, index, hash_out, error);
}

static void
a_reader_s_fault_is_passed_up(void **state)
{
    (void)state;
    struct tally_proof proof, before;
    memset(&proof, 0xa5, sizeof proof);
    before = proof;
    for (unsigned reads = 0;; reads++) {
        unsigned left = reads;
        tally_status status = tally_inclusion_prove(100, 299, fail_late, &left, &proof, NULL);
        if (status == TALLY_OK)
            break;
        assert_int_equal(status, TALLY_DAMAGED);
        assert_memory_equal(&proof, &before, sizeof proof);
    }
    memset(&proof, 0xa5, sizeof proof);
    for (unsigned reads = 0;; reads++) {
        unsigned left = reads;
        tally_status status = tally_consistency_prove(100, 299, fail_late, &left, &proof, NULL);
        if (status == TALLY_OK)
            break;
        assert_int_equal(status, TALLY_DAMAGED);
        assert_memory_equal(&proof, &before, sizeof proof);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inclusion_agrees_with_the_definition),
        cmocka_unit_test(consistency_agrees_with_the_definition),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(other_sizes_are_judged_as_the_definition_does),
        cmocka_unit_test(other_size_pairs_are_judged_as_the_definition_does),
        cmocka_unit_test(proves_at_the_largest_sizes),
        cmocka_unit_test(sizes_out_of_range_are_refused),
        cmocka_unit_test(a_reader_s_fault_is_passed_up),
    };
    return cmocka_run_group_tests(tests, make_roots, NULL);
}
