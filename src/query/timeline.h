/*
 * timeline.h - count what matches a filter over time, all of it or by the values that are named.
 *
 * One pass over a scan (scan.h), by its threads. Buckets are whole intervals (interval.h), from the
 * first that an entry is in to the last. Where the counts are by values (stats.h), each bucket has
 * parts: one a value, then the rest, then the entries without any.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include "interval.h"
#include "stats.h"

#define TIMELINE_BUCKETS_MAX 10000u
#define TIMELINE_PARTS_MAX   (UINT32_C(1) << 20) /* of all buckets together */

struct timeline {
    int64_t start;       /* when the first bucket begins */
    size_t bucket_count; /* 0 where nothing matches */
    size_t part_count;   /* of a bucket: 1, or values.count + 2 */
    uint64_t *parts;     /* bucket by bucket */
};

/* How many entries are in a bucket: the sum of its parts. */
uint64_t timeline_bucket(const struct timeline *timeline, size_t bucket);

/* `by` is what stats_make() gave for the same scan, by one or two fields; NULL: not by values.
 * TALLY_INVALID, with a sentence that names the cure, for more buckets or parts than the limits.
 * The caller frees parts. */
TALLY_MUST_CHECK tally_status timeline_make(struct scan *scan, const struct interval *interval,
                                            const struct stats *by, struct timeline *timeline_out,
                                            struct tally_error *error);

#endif
