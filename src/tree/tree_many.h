/*
 * tree_many.h - grow a tree by many leaves at once, nodes hashed side by side.
 *
 * The tree is the one that tally_tree_append() gives, leaf by leaf.
 */
#ifndef TREE_MANY_H
#define TREE_MANY_H

#include "tally/tree.h"

#include <stdbool.h>
#include <stddef.h>

#define TREE_MANY_LEVEL 8u
#define TREE_MANY_MAX   (1u << TREE_MANY_LEVEL)

/* How many leaves may be added at once: to where the next 256 are complete. */
static inline size_t
tree_many_room(const struct tally_tree *tree)
{
    return TREE_MANY_MAX - (size_t)(tree->size % TREE_MANY_MAX);
}

/* Adds `count` leaves, tree_many_room() at most. Where they complete 256, true and the hash of the
 * subtree over those in *node_out. */
bool tree_append_many(struct tally_tree *tree, const struct tally_hash *leaves, size_t count,
                      struct tally_hash *node_out);

#endif
