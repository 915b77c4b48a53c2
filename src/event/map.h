/*
 * map.h - foreign audit records turned into events by a small declarative file.
 *
 * A map says, field by field, where an event's values stand in a record of another product;
 * docs/maps.md is the manual of its language, share/maps has the maps that come with Tallystick. A
 * map is immutable once parsed and may be used by any number of threads, each with a tape of its
 * own.
 *
 *     event = what the rules give, `details`: the whole record, `id`: from the record's own id
 *
 * The id is UUIDv5(UUIDv5(MAP_NAMESPACE, name of the map), source id): a record imported twice is
 * one event. A record without a source id has "sha256:" and the SHA-256 of its bytes in hexadecimal
 * in its place. A map that says `copy record` (tallystick.map) makes the event of the record's own
 * members instead, its id included.
 */
#ifndef TALLY_MAP_H
#define TALLY_MAP_H

#include "json.h"
#include "records.h"

#define MAP_SIZE_MAX      (64 * 1024) /* bytes of a map's text */
#define MAP_PARTS_MAX     8192        /* paths, texts, calls, patterns and so on in one map */
#define MAP_DEPTH_MAX     16          /* brackets in brackets */
#define MAP_LISTS_MAX     8           /* paths behind `records` */
#define MAP_PLACES_MAX    32          /* paths behind `within` */
#define MAP_NAME_SIZE_MAX 63          /* of a map's name: [a-z0-9][a-z0-9-]* */

/* The namespace of all maps' namespaces, in canonical text. */
#define MAP_NAMESPACE "73eb9e5b-c9ca-4162-9a0b-eb18337d25fa"

struct map;

/* Reads a map. `name` is what the map is called (a file's name without its folder and ".map"); it
 * goes into the ids of events, so it is refused unless it is a name as above. TALLY_INVALID with
 * line, column and a sentence that says what would be accepted. The text is copied. Caller owns. */
TALLY_MUST_CHECK tally_status map_parse(struct bytes text, const char *name, struct map **map_out,
                                        struct tally_error *error);
void map_destroy(struct map *map);

/* True for a map that says `copy record`: its records are events that were on record before, with
 * all that was filled in then, so nothing may be filled in from a catalogue again. */
bool map_copies(const struct map *map);

/* Where the map says that records stand, for records_unwrap; lent by the map. */
const struct record_list *map_lists(const struct map *map, size_t *count_out);

/* What an event's id is made from. */
enum map_identity {
    /* The record's own id, if the map finds one. */
    MAP_ID_SOURCE,
    /* Always the record's bytes: for a record whose own id is stored with other content, which must
     * not be lost for that. A map that copies keeps the record's id even so. */
    MAP_ID_CONTENT,
};

/* Appends the event of one record as the text of a JSON object. `record` is refused as json_scan
 * refuses, and if it is not an object; `tape` is scanned over. TALLY_ABSENT where the map says that
 * such records are skipped. TALLY_INVALID, with line (of the record's text) and pointer, where the
 * record is not what the map requires, or its time cannot be read. Members that only would be nice
 * to have never are a reason: what does not fit a field is left out, texts beyond a field's limit
 * are cut and end in `…`; `details` keeps the whole record in any case. On anything but TALLY_OK
 * `event_out` is as before. */
TALLY_MUST_CHECK tally_status map_apply(const struct map *map, struct json_tape *tape,
                                        struct bytes record, enum map_identity identity,
                                        struct buffer *event_out, struct tally_error *error);

#endif
