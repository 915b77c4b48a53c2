/*
 * maps.h - find a map by its name.
 *
 * A name with a slash or ending in ".map" is a file. Any other is one of the maps that are built
 * into the program.
 */
#ifndef MAPS_H
#define MAPS_H

#include "map.h"

/* DONE, or MISUSED (no such map, with those there are; or a map that is none) or UNABLE after
 * saying why. Caller owns the map. */
int maps_find(const char *name, struct map **map_out);

#endif
