/*
 * proof.h - prove that an entry is in a tree, and that a tree is the beginning of a larger one.
 *
 * Inclusion and consistency proofs of RFC 6962, sections 2.1.1 and 2.1.2, checked as RFC 9162,
 * sections 2.1.3.2 and 2.1.4.2, write it down. A proof is a list of hashes, nothing else: index and
 * sizes are known from elsewhere (a receipt, a signed checkpoint), and its length follows from
 * them. A proof of any other length is refused before anything is hashed.
 *
 * A root binds every leaf, but not the number of leaves: only a checkpoint's signature ties a size
 * to a root. So never check a proof against a size that comes with the proof itself.
 */
#ifndef TALLY_PROOF_H
#define TALLY_PROOF_H

#include "tally/tree.h"

/* The longest proof a tree of TALLY_TREE_SIZE_MAX leaves needs. */
#define TALLY_PROOF_MAX 64

/* Inclusion: from the leaf's sibling up to the root's child. Consistency: as in RFC 6962. */
struct tally_proof {
    unsigned count;
    struct tally_hash hashes[TALLY_PROOF_MAX];
};

/* Counts the hashes in the inclusion proof of leaf `index` in a tree of `size` leaves. Requires
 * index < size <= TALLY_TREE_SIZE_MAX. */
unsigned tally_inclusion_length(uint64_t index, uint64_t size);

/* Counts the hashes in the consistency proof from `old_size` to `size` leaves. Requires 0 <
 * old_size <= size <= TALLY_TREE_SIZE_MAX. */
unsigned tally_consistency_length(uint64_t old_size, uint64_t size);

/* Makes the inclusion proof of leaf `index` in the tree of the first `size` leaves. TALLY_INVALID
 * unless index < size <= TALLY_TREE_SIZE_MAX; else the reader's faults. */
TALLY_MUST_CHECK tally_status tally_inclusion_prove(uint64_t index, uint64_t size,
                                                    tally_hash_reader reader, void *context,
                                                    struct tally_proof *proof_out,
                                                    struct tally_error *error);

/* Checks an inclusion proof. TALLY_OK where it leads from the leaf hash at `index` to the root of a
 * tree of `size` leaves, else TALLY_DISAGREES, also where no such proof can exist. */
TALLY_MUST_CHECK tally_status tally_inclusion_check(uint64_t index, uint64_t size,
                                                    const struct tally_hash *leaf,
                                                    const struct tally_proof *proof,
                                                    const struct tally_hash *root);

/* Makes the consistency proof from `old_size` to `size` leaves: that the tree of the first is the
 * beginning of the tree of the second. Empty where both sizes are equal. TALLY_INVALID unless 0 <
 * old_size <= size <= TALLY_TREE_SIZE_MAX; else the reader's faults. */
TALLY_MUST_CHECK tally_status tally_consistency_prove(uint64_t old_size, uint64_t size,
                                                      tally_hash_reader reader, void *context,
                                                      struct tally_proof *proof_out,
                                                      struct tally_error *error);

/* Checks a consistency proof. TALLY_OK where it leads to both roots, or where the sizes are equal,
 * the roots too and the proof is empty; else TALLY_DISAGREES. Every tree begins with the empty one,
 * so a proof from it would say nothing: an `old_size` of 0 always disagrees. */
TALLY_MUST_CHECK tally_status tally_consistency_check(uint64_t old_size,
                                                      const struct tally_hash *old_root,
                                                      uint64_t size, const struct tally_hash *root,
                                                      const struct tally_proof *proof);

#endif
