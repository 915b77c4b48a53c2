/*
 * tile_fuzz.c - anything at all as the path of a tile: what is read is written the same again.
 */
#include "bytes.h"
#include "tally/tile.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tally_tile tile;
    char again[TALLY_TILE_PATH_SIZE];
    if (tally_tile_parse((const char *)data, size, &tile, NULL) != TALLY_OK)
        return 0;
    tally_tile_format(&tile, again);
    if (!bytes_is(bytes_of(data, size), again))
        abort();
    return 0;
}
