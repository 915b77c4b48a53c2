/*
 * tile.h - the paths under which a trail's hashes and entries are served (c2sp.org/tlog-tiles).
 *
 *     tile/LEVEL/INDEX[.p/WIDTH]      256 hashes of tree level 8 * LEVEL
 *     tile/entries/INDEX[.p/WIDTH]    256 entries
 *
 * INDEX is written in groups of three digits, all but the last behind an x: 1234067 is
 * x001/x234/067. The suffix stands on tiles that are not full yet.
 */
#ifndef TALLY_TILE_H
#define TALLY_TILE_H

#include "tally/status.h"
#include <stddef.h>

#define TALLY_TILE_WIDTH     256
#define TALLY_TILE_LEVEL_MAX 63
#define TALLY_TILE_INDEX_MAX UINT64_C(999999999999999999)

/* A buffer that holds any path with its NUL. */
#define TALLY_TILE_PATH_SIZE 48

enum tally_tile_kind {
    TALLY_TILE_HASHES,
    TALLY_TILE_ENTRIES,
};

/* `level` is 0 for entries; `width` is 1 to 256, 256 being a full tile. */
struct tally_tile {
    enum tally_tile_kind kind;
    unsigned level;
    uint64_t index;
    unsigned width;
};

/* Tells how much of tile `index` at `level` is there in a tree of `size` leaves: 0 to 256
 * (full). */
unsigned tally_tile_width(unsigned level, uint64_t index, uint64_t size);

/* Writes the path of a tile, NUL-terminated. The members must be within the limits above. */
void tally_tile_format(const struct tally_tile *tile, char out[TALLY_TILE_PATH_SIZE]);

/* Reads the path of a tile: TALLY_INVALID for anything that formatting does not give. */
TALLY_MUST_CHECK tally_status tally_tile_parse(const char *path, size_t size,
                                               struct tally_tile *tile_out,
                                               struct tally_error *error);

#endif
