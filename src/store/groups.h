/*
 * groups.h - the groups of an open trail: an immutable list, replaced as a whole when a segment is
 * sealed or rewritten. Snapshots keep the list they began with.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include "group.h"
#include "trail_place.h"

struct groups;

/* A list of what the manifest names. Groups that `old` (may be NULL) has, too, are shared with it.
 * Nothing is read; what `place` lends lasts as long as any group. Caller holds the first reference.
 */
TALLY_MUST_CHECK tally_status groups_create(const struct trail_place *place,
                                            const struct group_info *infos, size_t count,
                                            const struct groups *old, struct groups **groups_out,
                                            struct tally_error *error);
void groups_retain(struct groups *groups);
void groups_release(struct groups *groups); /* NULL is allowed */

size_t groups_count(const struct groups *groups);
/* In order of their entries; lent. */
struct group *groups_at(const struct groups *groups, size_t i);

#endif
