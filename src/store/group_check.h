/*
 * group_check.h - a segment's tokens against the group that has them.
 */
#ifndef GROUP_CHECK_H
#define GROUP_CHECK_H

#include "group_write.h"
#include "manifest.h"

/* Compares the group that covers a segment, if one does, with the tokens of its entries, which
 * `reader` reads; with its first segment the whole file. `number` is the segment's in the manifest.
 * TALLY_DAMAGED, TALLY_UNSUPPORTED, TALLY_ABSENT where the group is not what it should be, with the
 * file's name. A file that is gone because the manifest names others by now is none of that. */
TALLY_MUST_CHECK tally_status group_check(const struct trail_place *place,
                                          const struct manifest *manifest, size_t number,
                                          struct run_reader *reader, char name_out[GROUP_NAME_MAX],
                                          struct tally_error *error);

#endif
