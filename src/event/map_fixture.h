/*
 * map_fixture.h - what the tests of maps share: a catalogue, a tape and a reader of events, made by
 * the group's set-up.
 */
#ifndef MAP_FIXTURE_H
#define MAP_FIXTURE_H

#include "event.h"
#include "map.h"

extern struct json_tape map_fixture_tape;

int map_fixture_set_up(void **state);
int map_fixture_tear_down(void **state);

/* A map called demo; the caller destroys it. Fails the test where it is none. */
struct map *map_fixture_parse(const char *text);

/* What a map is refused for, and where: a fault's line and column, from 1; 0 for all of it. */
struct map_refusal {
    const char *text;
    unsigned line;
    unsigned column;
    const char *reason; /* a part of it */
};
void map_fixture_refuse(const struct map_refusal *rows, size_t count);

/* Applies rules to a record and compares the event without its id and details. */
void map_fixture_expect(const char *rules, const char *record, const char *expected,
                        const char *why);

/* A map that comes with the program; the caller destroys it. Fails the test where it is none. */
struct map *map_fixture_standard(const char *name);

/* Maps a record and reads the event; the event lasts until `out` changes. */
tally_status map_fixture_read(const struct map *map, struct bytes record, struct buffer *out,
                              struct event *event, struct tally_error *error);

#endif
