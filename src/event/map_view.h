/*
 * map_view.h - a record seen through a map: what paths, tests and values give. Internal to map.c
 * and map_view.c.
 *
 * Values are texts, appended to `scratch`: note its size before, look at what was appended since,
 * and set the size back when done. Memory running short shows in buffer_failed(&scratch).
 */
#ifndef MAP_VIEW_H
#define MAP_VIEW_H

#include "map_tree.h"

struct map_view {
    const struct map *map;
    const struct json_tape *tape;
    struct buffer scratch; /* has memory from the start */
    /* The nodes that the map's `within` leads to. They are found once, because most paths of a map
     * lead nowhere in a record and are tried from all of them. */
    uint32_t places[MAP_PLACES_MAX];
    size_t place_count;
    bool no_time; /* set by map_append: a function was to make a time of what is none */
};

/* Finds the places, once tape and map are set. */
void map_view_find_places(struct map_view *view);

/* True if one of the patterns has this text. */
bool map_matches(const struct map_pattern *patterns, struct bytes text);

/* The node at a path, from the top or from where the map says `within`; or 0. */
uint32_t map_find(const struct map_view *view, const struct map_path *path);

/* True if one of the tests holds. */
bool map_one_holds(struct map_view *view, const struct map_test *tests);

/* Appends a part's text. False, with nothing appended, where it gives none; a text that is given is
 * not empty unless the map spells it so. */
bool map_append(struct map_view *view, const struct map_part *part);

/* What was appended to scratch from `mark` on, lent until more is. */
struct bytes map_appended(const struct map_view *view, size_t mark);

#endif
