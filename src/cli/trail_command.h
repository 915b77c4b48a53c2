/*
 * trail_command.h - what `tally trail` prints the same for a folder and for a server.
 */
#ifndef TRAIL_COMMAND_H
#define TRAIL_COMMAND_H

#include "listing.h"
#include "out.h"
#include "trail_info.h"

enum trail_list_column {
    TRAIL_LIST_NAME,
    TRAIL_LIST_SIZE, /* of the newest checkpoint */
    TRAIL_LIST_ORIGIN,
    TRAIL_LIST_COUNT,
};
extern const struct listing_column trail_list_columns[TRAIL_LIST_COUNT];

/* A trail's description: lines of `name: value`, or a row where --format asks for one. `cells` are
 * those of trail_info_columns. Returns the exit status. */
int trail_print_info(const struct invocation *invocation,
                     const struct bytes cells[TRAIL_INFO_COUNT], struct out *out);

/* Lists, makes or describes trails of a server; for other verbs says that they need the folder.
 * Operands are checked. Returns the exit status. */
int trail_remote(const struct invocation *invocation);

#endif
