/*
 * map_tree.h - a parsed map: what map_parse.c builds and map.c follows. Internal to both.
 *
 * Everything hangs on lists in the order of the map's text and is given back with the map.
 */
#ifndef MAP_TREE_H
#define MAP_TREE_H

#include "field.h"
#include "map.h"

struct map_function;

/* A text to compare with. `wild`: each * stands for any characters. */
struct map_pattern {
    struct map_pattern *next;
    struct bytes text;
    bool wild;
};

/* A path into the record, outermost name first. */
struct map_path {
    struct map_path *next; /* of the map's list `within` */
    struct bytes *names;
    size_t count;
};

/* `pairs name value`: the members of an array's objects that make it stand for one object. */
struct map_pair {
    struct map_pair *next;
    struct bytes name;
    struct bytes value;
};

/* `path`, `not path`, `path is a, b`, `path is not a, b`; a named value may stand for the path. */
struct map_test {
    struct map_test *next; /* or this one */
    struct map_part *value;
    struct map_pattern *patterns; /* NULL: only whether something is there */
    bool negated;
};

enum map_kind {
    MAP_TEXT,   /* "text" */
    MAP_PATH,   /* a.b */
    MAP_CALL,   /* function(a, b) */
    MAP_JOIN,   /* a + b */
    MAP_FIRST,  /* a | b */
    MAP_WHEN,   /* a if test */
    MAP_CHOOSE, /* choose a  x, y -> b  z -> c */
};

struct map_part {
    struct map_part *next;
    enum map_kind kind;
    struct map_part *parts;              /* operands; of MAP_CHOOSE and MAP_WHEN the one value */
    struct bytes text;                   /* MAP_TEXT */
    struct map_path path;                /* MAP_PATH */
    const struct map_function *function; /* MAP_CALL */
    struct map_test *tests;              /* MAP_WHEN: one of them holds */
    struct map_row *rows;                /* MAP_CHOOSE */
};

struct map_row {
    struct map_row *next;
    struct map_pattern *patterns;
    struct map_part *value;
};

/* A line `require …` or `skip if …`. */
struct map_demand {
    struct map_demand *next;
    struct map_test *tests; /* one of them holds */
    struct bytes text;      /* as the map spells them */
};

/* What the map's memory hangs on, so that it is given back by going along one list. */
struct map_block {
    struct map_block *next;
};

struct map {
    char name[MAP_NAME_SIZE_MAX + 1];
    uint8_t namespace_uuid[16];
    struct map_block *blocks;
    uint8_t *text;
    bool copies;
    struct map_path *within; /* where paths are tried that lead nowhere from the top */
    struct map_pair *pairs;  /* how arrays of names and values are read */
    struct record_list lists[MAP_LISTS_MAX];
    size_t list_count;
    struct map_pattern *except;          /* members that are not copied */
    struct map_pattern *none;            /* texts that mean nothing is there */
    struct map_demand *skipped;          /* one of them holds: the record is left out */
    struct map_demand *required;         /* all of them hold */
    struct map_part *rules[FIELD_COUNT]; /* NULL: no rule */
};

#endif
