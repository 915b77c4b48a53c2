#include "tally/proof.h"
#include "vectors.h"

/* Vectors give hashes of any length and proofs of any number of them; what our types cannot hold is
 * refused before a check could see it. */
static bool
read_proof(const json_t *array, struct tally_proof *proof)
{
    proof->count = 0;
    if (json_array_size(array) > TALLY_PROOF_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!vectors_hash(json_array_get(array, i), &proof->hashes[proof->count++]))
            return false;
    return true;
}

static tally_status
judge_inclusion(const json_t *vector)
{
    struct tally_hash leaf, root;
    struct tally_proof proof;
    if (!vectors_hash(vectors_member(vector, "leafHash"), &leaf) ||
        !vectors_hash(vectors_member(vector, "root"), &root) ||
        !read_proof(vectors_member(vector, "proof"), &proof))
        return TALLY_DISAGREES;
    return tally_inclusion_check(vectors_number(vector, "leafIdx"),
                                 vectors_number(vector, "treeSize"), &leaf, &proof, &root);
}

static tally_status
judge_consistency(const json_t *vector)
{
    struct tally_hash old_root, root;
    struct tally_proof proof;
    if (!vectors_hash(vectors_member(vector, "root1"), &old_root) ||
        !vectors_hash(vectors_member(vector, "root2"), &root) ||
        !read_proof(vectors_member(vector, "proof"), &proof))
        return TALLY_DISAGREES;
    return tally_consistency_check(vectors_number(vector, "size1"), &old_root,
                                   vectors_number(vector, "size2"), &root, &proof);
}

static unsigned accepted;

static void
expect(const char *name, const json_t *vector, tally_status status)
{
    bool refuse = json_is_true(vectors_member(vector, "wantErr"));
    /* Expects success with roots of 11 bytes; a root has 32. */
    if (strstr(name, "sizes-are-equal-one-and-proof-is-empty") != NULL) {
        assert_false(refuse);
        refuse = true;
    }
    if (status != (refuse ? TALLY_DISAGREES : TALLY_OK))
        fail_msg("%s: status %d", name, status);
    accepted += status == TALLY_OK;
}

static void
expect_inclusion(const char *name, const json_t *vector)
{
    expect(name, vector, judge_inclusion(vector));
}

static void
expect_consistency(const char *name, const json_t *vector)
{
    expect(name, vector, judge_consistency(vector));
}

static void
inclusion_proofs_are_judged_as_by_others(void **state)
{
    (void)state;
    accepted = 0;
    assert_true(vectors_each("merkle/testdata/inclusion", expect_inclusion) >= 90);
    assert_true(accepted >= 5);
}

static void
consistency_proofs_are_judged_as_by_others(void **state)
{
    (void)state;
    accepted = 0;
    assert_true(vectors_each("merkle/testdata/consistency", expect_consistency) >= 90);
    assert_true(accepted >= 5);
}

static void
assert_hex(const struct tally_hash *hash, const json_t *hex)
{
    struct tally_hash expected;
    assert_true(vectors_hex(hex, expected.bytes, sizeof expected.bytes));
    assert_memory_equal(hash->bytes, expected.bytes, sizeof expected.bytes);
}

static void
leaf_of_hex(const json_t *hex, struct tally_hash *hash)
{
    uint8_t data[64];
    size_t size = json_string_length(hex) / 2;
    assert_true(size <= sizeof data && vectors_hex(hex, data, size));
    tally_hash_leaf(data, size, hash);
}

/* The leaf hashes of the reference tree, one level of nodes at a time. */
static void
check_levels(const json_t *levels, struct tally_hash nodes[8])
{
    size_t count = 8;
    for (unsigned level = 0; level <= 3; level++, count /= 2) {
        char name[8];
        snprintf(name, sizeof name, "level%u", level);
        const json_t *expected = vectors_member(levels, name);
        assert_int_equal(json_array_size(expected), count);
        for (size_t i = 0; i < count; i++) {
            if (level > 0)
                tally_hash_node(&nodes[2 * i], &nodes[2 * i + 1], &nodes[i]);
            assert_hex(&nodes[i], json_array_get(expected, i));
        }
    }
}

static void
the_reference_tree_comes_out(void **state)
{
    (void)state;
    json_t *json = vectors_json("rfc6962/reference-tree.json");
    const json_t *inputs = vectors_member(json, "leaf_inputs_hex");
    const json_t *roots = vectors_member(json, "root_by_size_hex");
    assert_int_equal(json_array_size(inputs), 8);
    assert_int_equal(json_array_size(roots), 9);

    struct tally_tree tree;
    struct tally_hash nodes[8], root;
    tally_tree_init(&tree);
    for (size_t size = 0;; size++) {
        tally_tree_root(&tree, &root);
        assert_hex(&root, json_array_get(roots, size));
        if (size == 8)
            break;
        leaf_of_hex(json_array_get(inputs, size), &nodes[size]);
        tally_tree_append(&tree, &nodes[size]);
    }
    check_levels(vectors_member(json, "node_hashes_hex"), nodes);
    json_decref(json);
}

static void
single_hashes_come_out(void **state)
{
    (void)state;
    json_t *json = vectors_json("rfc6962/reference-tree.json");
    const json_t *single = vectors_member(json, "single");
    assert_int_equal(json_array_size(single), 4);
    struct tally_hash hash;
    tally_hash_empty(&hash);
    assert_hex(&hash, vectors_member(json_array_get(single, 0), "want"));
    tally_hash_leaf("", 0, &hash);
    assert_hex(&hash, vectors_member(json_array_get(single, 1), "want"));
    tally_hash_leaf("L123456", 7, &hash);
    assert_hex(&hash, vectors_member(json_array_get(single, 2), "want"));
    /* Children of four bytes, which only the pieces can show. */
    const struct tally_piece node[] = { { "\x01", 1 }, { "N123", 4 }, { "N456", 4 } };
    tally_hash_pieces(node, 3, &hash);
    assert_hex(&hash, vectors_member(json_array_get(single, 3), "want"));
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inclusion_proofs_are_judged_as_by_others),
        cmocka_unit_test(consistency_proofs_are_judged_as_by_others),
        cmocka_unit_test(the_reference_tree_comes_out),
        cmocka_unit_test(single_hashes_come_out),
    };
    return vectors_present() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
