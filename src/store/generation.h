/*
 * generation.h - the next generation of a trail's files: what sealing, erasing and rebuilding
 * share.
 *
 *     generation_begin()    the lists of segments as they are
 *     generation_put() …    a segment more, or another in the place of one
 *     … and generation.change for the groups (group_change.h), generation.manifest for the rest
 *     generation_write()    the manifest names them: a crash from here on leaves the new files
 *     generation_swap()     readers see them; the generation is what the trail had before
 *     generation_free()     in any case
 *
 * Under the right to seal.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include "group_change.h"
#include "groups.h"
#include "manifest.h"

struct trail;

/* Zeroed, it holds nothing. */
struct generation {
    struct manifest manifest;   /* owns its lists; that of groups is empty until it is written */
    struct segment **segments;  /* manifest.count of them, with a reference each */
    struct group_change change; /* its list of groups goes to the manifest when that is written */
    struct groups *groups;      /* NULL until it is written */
};

/* What the trail has, with room for `more` segments. `from` says what becomes of its groups. */
TALLY_MUST_CHECK tally_status generation_begin(const struct trail *trail, size_t more,
                                               enum group_change_from from,
                                               struct generation *generation_out,
                                               struct tally_error *error);

/* Opens the segment that `info` describes and puts it in place `i`, at the end where that is the
 * count of those there are. Nothing of it is kept between its uses before readers see it: what checks
 * it loads it whole. */
TALLY_MUST_CHECK tally_status generation_put(const struct trail *trail,
                                             struct generation *generation, size_t i,
                                             const struct segment_info *info,
                                             struct tally_error *error);

/* Whether segment `i` is another one here than in the trail, which has as many. */
bool generation_differs(const struct trail *trail, const struct generation *generation, size_t i);

/* Syncs the groups and replaces the manifest, whose generation it counts up. On a fault either may
 * be on the disk. */
TALLY_MUST_CHECK tally_status generation_write(const struct trail *trail,
                                               struct generation *generation,
                                               struct tally_error *error);

/* Exchanges it with what the trail has. Under the order and the mutex. */
void generation_swap(struct trail *trail, struct generation *generation);

void generation_free(struct generation *generation);

#endif
