/*
 * maps.h - find a map by its name.
 *
 * A name with a slash or ending in ".map" is a file. Else NAME.map is looked for
 *
 *     in the folders that TALLY_MAPS names, joined by colons
 *     where Tallystick is installed: beside the program, ../share/tallystick/maps
 *     where it is built: beside the program, ../share/maps
 *     in the data folder of the prefix it was configured for
 */
#ifndef MAPS_H
#define MAPS_H

#include "map.h"

/* DONE, or MISUSED (no such map, with those there are; or a map that is none) or UNABLE after
 * saying why. Caller owns the map. */
int maps_find(const char *name, struct map **map_out);

#endif
