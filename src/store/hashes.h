/*
 * hashes.h - the hashes of a trail's tree from level 8 up (one per 256 entries and above).
 *
 *     tree/FIRST    the level 8 hashes that the segment beginning at entry FIRST completed
 *
 * Level 0 is recomputed from the entries; storing it would double the trail's size. The levels
 * above 8 are recomputed from level 8, in memory, when a proof first asks for them. All of it is
 * derived: what a signed root says of the entries stands above it.
 *
 * Thread-safe.
 */
#ifndef HASHES_H
#define HASHES_H

#include "tally/tree.h"
#include "trail_place.h"

#define HASHES_LEVEL 8u
#define HASHES_SPAN  256u

struct hashes;

/* For a trail whose first `sealed` entries are in segments. `firsts` are the segments' first
 * indexes, copied. Reads nothing yet. What `place` lends lasts until hashes_destroy(). */
TALLY_MUST_CHECK tally_status hashes_create(const struct trail_place *place, const uint64_t *firsts,
                                            size_t count, uint64_t sealed,
                                            struct hashes **hashes_out, struct tally_error *error);
void hashes_destroy(struct hashes *hashes); /* NULL is allowed */

/* Whether `leaf`, added to `tree`, completes 256 entries, and their level 8 hash if so. Pure. */
bool hashes_complete(const struct tally_tree *tree, const struct tally_hash *leaf,
                     struct tally_hash *hash_out);

/* Appends the next level 8 hash; entries [256 n, 256 n + 256) are committed. */
TALLY_MUST_CHECK tally_status hashes_append(struct hashes *hashes, const struct tally_hash *hash,
                                            struct tally_error *error);

/* The level 8 hash over [256 number, 256 number + 256), which are committed and not all sealed. */
void hashes_unsealed(struct hashes *hashes, uint64_t number, struct tally_hash *hash_out);

/* Writes tree/FIRST for the segment of entries [first, end), the first ones not sealed yet; synced
 * with its folder. A remnant of the same name is replaced. Once the manifest names the segment,
 * hashes_sealed() makes the file one of those to be read. */
TALLY_MUST_CHECK tally_status hashes_seal(struct hashes *hashes, uint64_t first, uint64_t end,
                                          struct tally_error *error);
TALLY_MUST_CHECK tally_status hashes_sealed(struct hashes *hashes, uint64_t first, uint64_t end,
                                            struct tally_error *error);

/* Files were written anew: what was read from the old ones is read again when it is asked for. */
void hashes_forget(struct hashes *hashes);

/* The hash of the complete subtree `index` of `level` >= 8. TALLY_ABSENT where it is not complete;
 * TALLY_DAMAGED names the file. */
TALLY_MUST_CHECK tally_status hashes_get(struct hashes *hashes, unsigned level, uint64_t index,
                                         struct tally_hash *hash_out, struct tally_error *error);

/* Writes and reads one file: the level 8 hashes from number `first_hash`. For rebuilding and for
 * verification. */
TALLY_MUST_CHECK tally_status hashes_write_file(const struct trail_place *place, uint64_t first,
                                                uint64_t first_hash,
                                                const struct tally_hash *hashes, size_t count,
                                                struct tally_error *error);
/* `hashes_out` has room for `count`, which the file must hold exactly; else TALLY_DAMAGED. */
TALLY_MUST_CHECK tally_status hashes_read_file(const struct trail_place *place, uint64_t first,
                                               uint64_t first_hash, struct tally_hash *hashes_out,
                                               size_t count, struct tally_error *error);

#endif
