/*
 * map_standard.h - the maps that come with Tallystick: share/maps, built into the program.
 *
 * Built in, so that `--map cloudtrail` works wherever the program was copied to.
 */
#ifndef MAP_STANDARD_H
#define MAP_STANDARD_H

#include "bytes.h"

struct map_standard {
    const char *name;
    struct bytes text;
};

/* In alphabetical order. */
extern const struct map_standard map_standards[];
extern const size_t map_standard_count;

/* The text of a map by name, for map_parse; static. False where there is none of that name. */
bool map_standard_find(const char *name, struct bytes *text_out);

#endif
