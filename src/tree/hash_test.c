#include "tally/hash.h"

#include "base64.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
assert_hash(const struct tally_hash *hash, const char *hex)
{
    char actual[2 * TALLY_HASH_SIZE + 1] = { 0 };
    hex_encode(hash->bytes, TALLY_HASH_SIZE, actual);
    assert_string_equal(actual, hex);
}

static void
hashes_known_inputs(void **state)
{
    (void)state;
    struct tally_hash hash;

    tally_hash_empty(&hash);
    assert_hash(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    /* SHA-256 of the single byte 0x00 */
    tally_hash_leaf(NULL, 0, &hash);
    assert_hash(&hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    /* printf 'abc' | sha256sum */
    tally_hash_pieces(&(struct tally_piece){ "abc", 3 }, 1, &hash);
    assert_hash(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
prefixes_keep_leaves_and_nodes_apart(void **state)
{
    (void)state;
    struct tally_hash left, right, node, pieces, leaf;
    tally_hash_leaf("l", 1, &left);
    tally_hash_leaf("r", 1, &right);

    tally_hash_node(&left, &right, &node);
    const struct tally_piece as_node[] = { { "\x01", 1 }, { left.bytes, 32 }, { right.bytes, 32 } };
    tally_hash_pieces(as_node, 3, &pieces);
    assert_true(tally_hash_equal(&node, &pieces));

    uint8_t both[64];
    memcpy(both, left.bytes, 32);
    memcpy(both + 32, right.bytes, 32);
    tally_hash_leaf(both, sizeof both, &leaf);
    assert_false(tally_hash_equal(&node, &leaf));
    const struct tally_piece as_leaf[] = {
        { "\x00", 1 }, { both, 1 }, { NULL, 0 }, { both + 1, 63 }
    };
    tally_hash_pieces(as_leaf, 4, &pieces);
    assert_true(tally_hash_equal(&leaf, &pieces));
}

static void
a_node_may_take_the_place_of_a_child(void **state)
{
    (void)state;
    struct tally_hash left, right, node;
    tally_hash_leaf("l", 1, &left);
    tally_hash_leaf("r", 1, &right);
    tally_hash_node(&left, &right, &node);

    struct tally_hash over = left;
    tally_hash_node(&over, &right, &over);
    assert_true(tally_hash_equal(&over, &node));
    over = right;
    tally_hash_node(&left, &over, &over);
    assert_true(tally_hash_equal(&over, &node));
}

static void *
hash_many(void *out)
{
    struct tally_hash hash = { { 0 } };
    for (unsigned i = 0; i < 20000; i++)
        tally_hash_node(&hash, &hash, &hash);
    *(struct tally_hash *)out = hash;
    return NULL;
}

static void
threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct tally_hash alone, hashes[4];
    hash_many(&alone);

    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_many, &hashes[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(tally_hash_equal(&hashes[i], &alone));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_known_inputs),
        cmocka_unit_test(prefixes_keep_leaves_and_nodes_apart),
        cmocka_unit_test(a_node_may_take_the_place_of_a_child),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
