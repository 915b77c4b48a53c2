/*
 * tree_many.c - adding in binary, a level at a time instead of a leaf at a time.
 *
 * On each level stand the hashes that are new there, in a row, behind the peak that was there, if
 * there was one. Neighbours pair up, which none of them waits for, and make the row of the level
 * above; what is left alone at the end is the level's new peak.
 */
#include "tree_many.h"

#include "hash_many.h"

#include <assert.h>
#include <string.h>

bool
tree_append_many(struct tally_tree *tree, const struct tally_hash *leaves, size_t count,
                 struct tally_hash *node_out)
{
    assert(count > 0 && count <= tree_many_room(tree));
    assert(tree->size <= TALLY_TREE_SIZE_MAX - count);

    struct tally_hash row[TREE_MANY_MAX + 1], above[TREE_MANY_MAX / 2 + 1];
    bool complete = false;
    memcpy(row + 1, leaves, count * sizeof *leaves);
    size_t fresh = count;
    for (unsigned level = 0; fresh > 0; level++) {
        if (level == TREE_MANY_LEVEL) {
            *node_out = row[1];
            complete = true;
        }
        const struct tally_hash *first = row + 1;
        size_t length = fresh;
        if ((tree->size >> level & 1) != 0) {
            row[0] = tree->peaks[level];
            first = row;
            length++;
        }
        if (length % 2 != 0)
            tree->peaks[level] = first[length - 1];
        fresh = length / 2;
        hash_pairs(first, fresh, above);
        memcpy(row + 1, above, fresh * sizeof *above);
    }
    tree->size += count;
    return complete;
}
