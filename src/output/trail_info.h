/*
 * trail_info.h - a trail described in a row: origin, key, size, root, segments, private fields.
 */
#ifndef TRAIL_INFO_H
#define TRAIL_INFO_H

#include "base64.h"
#include "listing.h"
#include "snapshot.h"

#define TRAIL_INFO_COUNT 10
extern const struct listing_column trail_info_columns[TRAIL_INFO_COUNT];

/* A row's cells, and what they point to: not to be copied. */
struct trail_info {
    struct bytes cells[TRAIL_INFO_COUNT];
    char numbers[TRAIL_INFO_COUNT][24];
    char vkey[TALLY_VKEY_TEXT_SIZE];
    char root[BASE64_SIZE(TALLY_HASH_SIZE)];
    struct buffer fields;
};

/* Describes a trail as it is now; it stays open as long as the row is used, which the caller
 * finishes. */
TALLY_MUST_CHECK tally_status trail_info_read(struct folder *folder, struct trail *trail,
                                              struct trail_info *info_out,
                                              struct tally_error *error);
void trail_info_finish(struct trail_info *info);

#endif
