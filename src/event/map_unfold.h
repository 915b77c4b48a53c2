/*
 * map_unfold.h - records that stand as a text in another record. Internal to the maps.
 *
 * Log collectors wrap what they collect: {"message": "{\"eventTime\": …}"}. Where a map says
 * `within message`, such a text is read as the object that it spells.
 */
#ifndef MAP_UNFOLD_H
#define MAP_UNFOLD_H

#include "map_tree.h"

/* `tape` has a record, an object. Where a path of the map's `within` leads to a text that is a JSON
 * object, `tape` is scanned over with the object in the text's place, and the text it points to is
 * in *unfolded, which the caller frees. A text that only looks like one is left as it is.
 * TALLY_ABSENT where there was nothing to unfold; then neither is changed. */
TALLY_MUST_CHECK tally_status map_unfold(const struct map *map, struct json_tape *tape,
                                         struct buffer *unfolded, struct tally_error *error);

#endif
