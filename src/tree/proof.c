/*
 * proof.c - inclusion and consistency proofs, both made of one climb.
 *
 * The idea: number the nodes of each level from the left. Node i's parent is i / 2, its sibling i
 * ^ 1. Going up from a node to the root of a tree whose last node on that level is `last`, each
 * level is one of three cases:
 *
 *     i is odd               its sibling is to the left and complete: the proof has its hash
 *     i is even, i < last    its sibling is to the right: the proof has its hash; on the right edge
 *                            of the tree that subtree may be incomplete
 *     i is even, i == last   it has no sibling; RFC 6962 carries it up unchanged
 *
 * until last is 0. The number of hashes follows from i and last alone, so a proof of another length
 * is refused before we hash, and no hash in it goes unused.
 *
 * An inclusion proof is the climb from a leaf. A consistency proof is the climb from the last
 * subtree of the old tree: the largest complete one that ends where the old tree ends. On that way
 * the left siblings are in both trees and the right ones only in the new tree. The proof begins
 * with the hash of that subtree, unless it is the whole old tree (an old size that is a power of
 * two), whose root the checker has.
 *
 * There are no bytes here and nothing that a crash could harm: a proof is made from what the reader
 * gives, and checked from what the caller gives.
 */
#include "tally/proof.h"

#include "fault.h"
#include <assert.h>
#include <inttypes.h>

/* A place in the tree of some size: node `index` of `level`, and that level's last node. */
struct place {
    unsigned level;
    uint64_t index;
    uint64_t last;
};

static struct place
leaf_place(uint64_t index, uint64_t size)
{
    return (struct place){ .level = 0, .index = index, .last = size - 1 };
}

static void
place_climb(struct place *place)
{
    place->level++;
    place->index /= 2;
    place->last /= 2;
}

/* The largest complete subtree that ends where the old tree ends. */
static struct place
edge_place(uint64_t old_size, uint64_t size)
{
    struct place place = leaf_place(old_size - 1, size);
    while (place.index % 2 == 1)
        place_climb(&place);
    return place;
}

enum sibling {
    SIBLING_LEFT,
    SIBLING_RIGHT,
    SIBLING_NONE,
};

static enum sibling
place_sibling(const struct place *place)
{
    if (place->index % 2 == 1)
        return SIBLING_LEFT;
    return place->index < place->last ? SIBLING_RIGHT : SIBLING_NONE;
}

static unsigned
climb_length(struct place place)
{
    unsigned length = 0;
    for (; place.last > 0; place_climb(&place))
        if (place_sibling(&place) != SIBLING_NONE)
            length++;
    return length;
}

/* The hash of node `index` of `level` in the tree of `size` leaves. At the right edge the node may
 * be incomplete; then it is joined, from the right, of the complete subtrees it consists of. */
static tally_status
read_node(unsigned level, uint64_t index, uint64_t size, tally_hash_reader reader, void *context,
          struct tally_hash *hash_out, struct tally_error *error)
{
    uint64_t begin = index << level;
    uint64_t end = (index + 1) << level;
    if (end > size)
        end = size;

    struct tally_hash joined;
    for (uint64_t left = end - begin; left > 0; left &= left - 1) {
        unsigned part_level = (unsigned)__builtin_ctzll(left);
        uint64_t part_end = begin + left;
        struct tally_hash part;
        tally_status status =
            reader(context, part_level, (part_end >> part_level) - 1, &part, error);
        if (status != TALLY_OK)
            return status;
        if (part_end == end)
            joined = part;
        else
            tally_hash_node(&part, &joined, &joined);
    }
    *hash_out = joined;
    return TALLY_OK;
}

/* Adds to the proof the siblings met on the way from `place` to the root. */
static tally_status
climb_prove(struct place place, uint64_t size, tally_hash_reader reader, void *context,
            struct tally_proof *proof, struct tally_error *error)
{
    for (; place.last > 0; place_climb(&place)) {
        if (place_sibling(&place) == SIBLING_NONE)
            continue;
        assert(proof->count < TALLY_PROOF_MAX);
        tally_status status = read_node(place.level, place.index ^ 1, size, reader, context,
                                        &proof->hashes[proof->count], error);
        if (status != TALLY_OK)
            return status;
        proof->count++;
    }
    return TALLY_OK;
}

unsigned
tally_inclusion_length(uint64_t index, uint64_t size)
{
    assert(index < size && size <= TALLY_TREE_SIZE_MAX);

    return climb_length(leaf_place(index, size));
}

unsigned
tally_consistency_length(uint64_t old_size, uint64_t size)
{
    assert(0 < old_size && old_size <= size && size <= TALLY_TREE_SIZE_MAX);

    if (old_size == size)
        return 0;
    struct place place = edge_place(old_size, size);
    return (place.index > 0 ? 1 : 0) + climb_length(place);
}

tally_status
tally_inclusion_prove(uint64_t index, uint64_t size, tally_hash_reader reader, void *context,
                      struct tally_proof *proof_out, struct tally_error *error)
{
    if (size > TALLY_TREE_SIZE_MAX || index >= size)
        return fault(error, TALLY_INVALID,
                     "a tree of %" PRIu64 " leaves has no leaf %" PRIu64 " to prove", size, index);

    struct tally_proof proof = { .count = 0 };
    tally_status status =
        climb_prove(leaf_place(index, size), size, reader, context, &proof, error);
    if (status != TALLY_OK)
        return status;
    *proof_out = proof;
    return TALLY_OK;
}

tally_status
tally_inclusion_check(uint64_t index, uint64_t size, const struct tally_hash *leaf,
                      const struct tally_proof *proof, const struct tally_hash *root)
{
    if (size > TALLY_TREE_SIZE_MAX || index >= size ||
        proof->count != tally_inclusion_length(index, size))
        return TALLY_DISAGREES;

    struct tally_hash hash = *leaf;
    const struct tally_hash *next = proof->hashes;
    for (struct place place = leaf_place(index, size); place.last > 0; place_climb(&place)) {
        enum sibling sibling = place_sibling(&place);
        if (sibling == SIBLING_LEFT)
            tally_hash_node(next++, &hash, &hash);
        else if (sibling == SIBLING_RIGHT)
            tally_hash_node(&hash, next++, &hash);
    }
    return tally_hash_equal(&hash, root) ? TALLY_OK : TALLY_DISAGREES;
}

tally_status
tally_consistency_prove(uint64_t old_size, uint64_t size, tally_hash_reader reader, void *context,
                        struct tally_proof *proof_out, struct tally_error *error)
{
    if (size > TALLY_TREE_SIZE_MAX || old_size == 0 || old_size > size)
        return fault(error, TALLY_INVALID,
                     "a tree of %" PRIu64
                     " leaves cannot be proved the beginning of one of %" PRIu64,
                     old_size, size);

    struct tally_proof proof = { .count = 0 };
    if (old_size < size) {
        struct place place = edge_place(old_size, size);
        tally_status status;
        if (place.index > 0) {
            status = reader(context, place.level, place.index, &proof.hashes[0], error);
            if (status != TALLY_OK)
                return status;
            proof.count = 1;
        }
        status = climb_prove(place, size, reader, context, &proof, error);
        if (status != TALLY_OK)
            return status;
    }
    *proof_out = proof;
    return TALLY_OK;
}

tally_status
tally_consistency_check(uint64_t old_size, const struct tally_hash *old_root, uint64_t size,
                        const struct tally_hash *root, const struct tally_proof *proof)
{
    if (size > TALLY_TREE_SIZE_MAX || old_size == 0 || old_size > size ||
        proof->count != tally_consistency_length(old_size, size))
        return TALLY_DISAGREES;
    if (old_size == size)
        return tally_hash_equal(old_root, root) ? TALLY_OK : TALLY_DISAGREES;

    struct place place = edge_place(old_size, size);
    const struct tally_hash *next = proof->hashes;
    struct tally_hash old_hash = place.index > 0 ? *next++ : *old_root;
    struct tally_hash hash = old_hash;
    for (; place.last > 0; place_climb(&place)) {
        enum sibling sibling = place_sibling(&place);
        if (sibling == SIBLING_LEFT) {
            tally_hash_node(next, &old_hash, &old_hash);
            tally_hash_node(next++, &hash, &hash);
        } else if (sibling == SIBLING_RIGHT) {
            tally_hash_node(&hash, next++, &hash);
        }
    }
    if (!tally_hash_equal(&old_hash, old_root) || !tally_hash_equal(&hash, root))
        return TALLY_DISAGREES;
    return TALLY_OK;
}
