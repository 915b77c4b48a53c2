/*
 * group_write.h - making the files of groups: of one segment, of smaller groups, of one whose
 * segments were rewritten.
 *
 * Each writes a file that nothing names yet and syncs it; the folder is not synced. On a fault
 * there is no file.
 */
#ifndef GROUP_WRITE_H
#define GROUP_WRITE_H

#include "group.h"
#include "trail_place.h"

/* One of a single segment. `info_inout` says its first entry and generation. */
TALLY_MUST_CHECK tally_status group_write(const struct trail_place *place,
                                          const struct bloom *filter, struct group_info *info_inout,
                                          struct tally_error *error);

/* One of groups that follow each other, together of at most GROUP_COLUMNS_MAX segments.
 * TALLY_ABSENT or TALLY_DAMAGED where one of them cannot be used. */
TALLY_MUST_CHECK tally_status group_merge(const struct trail_place *place,
                                          const struct group_info *parts, size_t count,
                                          uint32_t generation, struct group_info *info_out,
                                          struct tally_error *error);

/* One of the same segments in which some have other tokens: `filters` has a filter for each of
 * them, and bits NULL for those that are as they were. Status as for group_merge(). */
TALLY_MUST_CHECK tally_status group_replace(const struct trail_place *place,
                                            const struct group_info *old,
                                            const struct bloom *filters, uint32_t generation,
                                            struct group_info *info_out, struct tally_error *error);

#endif
