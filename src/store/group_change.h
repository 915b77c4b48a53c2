/*
 * group_change.h - the next list of a trail's groups: files are made for what changes, before the
 * manifest names them, and let go after it no longer does.
 *
 *     group_change_begin(&change, …)
 *     group_change_add() …            as often as there are new segments; group_change_replace()
 *     … the manifest with change.items, change.count …
 *     group_change_finish(&change)    or group_change_cancel(&change) where it could not be written
 *
 * Under the right to seal.
 */
#ifndef GROUP_CHANGE_H
#define GROUP_CHANGE_H

#include "group_write.h"
#include "segment.h"

/* So many groups of one size become one. */
#define GROUP_MERGE 8u

struct group_change {
    struct trail_place place;
    uint32_t first_generation; /* of the files that the change makes */
    uint32_t next_generation;
    struct group_info *items; /* the list as it is to be */
    size_t count;
    struct group_info *gone; /* what the manifest names and will not */
    size_t gone_count;
};

enum group_change_from {
    GROUPS_KEEP, /* the list goes on */
    GROUPS_NEW,  /* all of its files are made anew */
};

/* `infos` is the list that the manifest names. `segments_max`: how many will be added. What place
 * lends must last for the change. */
TALLY_MUST_CHECK tally_status group_change_begin(struct group_change *change,
                                                 const struct trail_place *place,
                                                 const struct group_info *infos, size_t count,
                                                 enum group_change_from from, size_t segments_max,
                                                 struct tally_error *error);

/* A group for the segment behind all others, whose entries `reader` reads; where it makes
 * GROUP_MERGE of a size, they become one. `segments` are those of the trail up to this one. */
TALLY_MUST_CHECK tally_status group_change_add(struct group_change *change,
                                               const struct segment_info *segments, size_t count,
                                               struct run_reader *reader,
                                               struct tally_error *error);

/* The i-th group with other tokens for some of its segments (group_replace()). One that cannot be
 * used leaves the list. */
TALLY_MUST_CHECK tally_status group_change_replace(struct group_change *change, size_t i,
                                                   const struct bloom *filters,
                                                   struct tally_error *error);

/* Syncs the names of the files made. */
TALLY_MUST_CHECK tally_status group_change_sync(struct group_change *change,
                                                struct tally_error *error);

/* Unlinks what is gone, and frees all but `items`, which the manifest has now. */
TALLY_MUST_CHECK tally_status group_change_finish(struct group_change *change,
                                                  struct tally_error *error);
/* Frees all. Files that were made stay, since it may not be known which manifest is there: they are
 * written over or removed later. Zeroed is allowed. */
void group_change_cancel(struct group_change *change);

/* Removes files of groups that the list does not name: what a crash has left. */
TALLY_MUST_CHECK tally_status group_remnants(const struct trail_place *place,
                                             const struct group_info *infos, size_t count,
                                             struct tally_error *error);

#endif
