/*
 * map_function.h - the functions of the map language: text in, text out.
 *
 * docs/maps.md describes each. A function that has nothing to give for its arguments says so; then
 * there is no value, and the next alternative is tried.
 */
#ifndef MAP_FUNCTION_H
#define MAP_FUNCTION_H

#include "bytes.h"

#define MAP_ARGUMENTS_MAX 2

/* The most that a function gives for a first argument of `size` bytes. */
#define MAP_RESULT_SIZE_MAX(size) (2 * (size) + 64)

struct map_function {
    const char *name;
    const char *usage; /* for messages: "before(value, text)" */
    size_t arguments;
    bool times; /* gives a time: an argument it has none for is a mistake, not nothing */
    /* Writes at most MAP_RESULT_SIZE_MAX bytes and returns how many; 0: no value. */
    size_t (*call)(const struct bytes *arguments, uint8_t *out);
};

/* By name, or NULL. */
const struct map_function *map_function_find(struct bytes name);

/* All names in one line, for messages. Static. */
extern const char map_function_names[];

#endif
