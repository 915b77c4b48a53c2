/*
 * trail_place.h - where the files of a trail are: what everything that reads or writes one is told.
 */
#ifndef TRAIL_PLACE_H
#define TRAIL_PLACE_H

#include "disk.h"

/* All of it is lent, for as long as whoever was told uses it. */
struct trail_place {
    struct disk *disk;
    const char *folder; /* the trail's, relative to the disk: "trails/NAME" */
    const uint8_t *tag; /* 16 bytes that bind each file to its trail */
};

#endif
