/*
 * tree.h - the Merkle tree of a trail (RFC 6962, section 2.1), grown at its right edge.
 *
 * A tree of any size is a row of complete subtrees, one for every bit set in its size, the largest
 * at the left. Their roots, the peaks, are all that appending and the root need, so the struct is a
 * plain value of about 2 KiB: copy it to keep an older state. It is the caller's; one thread at a
 * time may change it.
 */
#ifndef TALLY_TREE_H
#define TALLY_TREE_H

#include "tally/hash.h"
#include "tally/status.h"

/* No tree is larger, so that sizes fit a signed integer everywhere they may go. */
#define TALLY_TREE_SIZE_MAX ((uint64_t)INT64_MAX)

/* The levels a tree may have: a complete subtree of level k spans 2^k leaves. */
#define TALLY_TREE_LEVELS 63

/* `peaks[level]` is meaningful where bit `level` of `size` is set. All zeros is the empty tree. */
struct tally_tree {
    uint64_t size;
    struct tally_hash peaks[TALLY_TREE_LEVELS];
};

/*
 * Gives the hash of the complete subtree over the leaves [index << level, (index + 1) << level),
 * level 0 being the leaf hashes themselves. Whoever passes one decides where hashes come from.
 * Returns TALLY_OK, or a fault (with `error` filled), which the caller gets unchanged.
 */
typedef tally_status (*tally_hash_reader)(void *context, unsigned level, uint64_t index,
                                          struct tally_hash *hash_out, struct tally_error *error);

/* Makes an empty tree. */
void tally_tree_init(struct tally_tree *tree);

/* Adds a leaf hash at the right of a tree. The size must be below TALLY_TREE_SIZE_MAX. */
void tally_tree_append(struct tally_tree *tree, const struct tally_hash *leaf);

/* Adds a complete subtree of 2^level leaves at the right of a tree. The size must be a multiple of
 * 2^level and may not grow beyond TALLY_TREE_SIZE_MAX. */
void tally_tree_append_subtree(struct tally_tree *tree, unsigned level,
                               const struct tally_hash *hash);

/* Computes the root at the tree's size; SHA-256 of nothing for the empty tree. */
void tally_tree_root(const struct tally_tree *tree, struct tally_hash *out);

/* Makes the tree of the first `size` leaves, its peaks taken from the reader (at most 63 reads): to
 * go on appending after a restart, or to recompute an older root. TALLY_INVALID where `size` is
 * above TALLY_TREE_SIZE_MAX; else the reader's faults. */
TALLY_MUST_CHECK tally_status tally_tree_read(uint64_t size, tally_hash_reader reader,
                                              void *context, struct tally_tree *tree_out,
                                              struct tally_error *error);

#endif
