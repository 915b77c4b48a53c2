/*
 * tree.c - RFC 6962's Merkle tree as a binary counter of peaks.
 *
 * The idea: RFC 6962 splits n leaves at the largest power of two below n, and so on down the right
 * side. What falls out is one complete subtree for every bit set in n, the largest leftmost: 6
 * leaves are a subtree of 4 and one of 2. Adding a leaf is adding 1 in binary: every trailing set
 * bit is a carry, in which two subtrees of one level become one of the next. The root joins the
 * peaks from the right, smallest first, exactly as the recursive definition nests them:
 *
 *     n = 7:   root = node(peak[2], node(peak[1], peak[0]))
 *
 * Invariants:
 * 1. peaks[k] is the hash of a complete subtree of 2^k leaves where bit k of size is set; other
 * peaks hold whatever was there and are never read.
 * 2. size <= TALLY_TREE_SIZE_MAX = 2^63 - 1, so no carry leaves level 62.
 *
 * After a crash nothing of this is needed: tally_tree_read() takes the peaks from stored hashes.
 */
#include "tally/tree.h"

#include "fault.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

void
tally_tree_init(struct tally_tree *tree)
{
    memset(tree, 0, sizeof *tree);
}

void
tally_tree_append(struct tally_tree *tree, const struct tally_hash *leaf)
{
    tally_tree_append_subtree(tree, 0, leaf);
}

void
tally_tree_append_subtree(struct tally_tree *tree, unsigned level, const struct tally_hash *hash)
{
    assert(level < TALLY_TREE_LEVELS);
    uint64_t leaves = UINT64_C(1) << level;
    assert(tree->size % leaves == 0);
    assert(tree->size <= TALLY_TREE_SIZE_MAX - leaves);

    struct tally_hash carry = *hash;
    for (; (tree->size >> level & 1) != 0; level++)
        tally_hash_node(&tree->peaks[level], &carry, &carry);
    tree->peaks[level] = carry;
    tree->size += leaves;
}

void
tally_tree_root(const struct tally_tree *tree, struct tally_hash *out)
{
    assert(tree->size <= TALLY_TREE_SIZE_MAX);

    if (tree->size == 0) {
        tally_hash_empty(out);
        return;
    }
    unsigned level = (unsigned)__builtin_ctzll(tree->size);
    struct tally_hash root = tree->peaks[level];
    for (level++; tree->size >> level != 0; level++)
        if ((tree->size >> level & 1) != 0)
            tally_hash_node(&tree->peaks[level], &root, &root);
    *out = root;
}

tally_status
tally_tree_read(uint64_t size, tally_hash_reader reader, void *context, struct tally_tree *tree_out,
                struct tally_error *error)
{
    if (size > TALLY_TREE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "no tree has %" PRIu64 " leaves", size);

    struct tally_tree tree;
    tally_tree_init(&tree);
    tree.size = size;
    for (unsigned level = 0; size >> level != 0; level++) {
        if ((size >> level & 1) == 0)
            continue;
        /* The subtree of this bit ends where the bits up to it do, and begins 2^level before. */
        uint64_t index = (size >> level) - 1;
        tally_status status = reader(context, level, index, &tree.peaks[level], error);
        if (status != TALLY_OK)
            return status;
    }
    *tree_out = tree;
    return TALLY_OK;
}
