/*
 * stats.h - count what matches a filter: by the values of a field, and over time.
 *
 * Both are one pass over the columns of a scan (scan.h), whose thread they run in.
 */
#ifndef STATS_H
#define STATS_H

#include "scan.h"

/* Distinct values that are counted; more are refused, because the counts would be wrong. */
#define STATS_VALUES_MAX (UINT32_C(1) << 20)
#define STATS_BYTES_MAX  (UINT32_C(64) << 20) /* of the values together */

struct stats_value {
    struct bytes value;
    uint64_t count;
};

/* The sum of all counts, `rest` and `absent` is `total`. */
struct stats_values {
    uint64_t total;    /* entries that match */
    uint64_t absent;   /* of them, those without the field */
    uint64_t distinct; /* values there are */
    uint64_t rest;     /* entries with a value that is not among `values` */
    size_t count;
    struct stats_value *values; /* most frequent first, equal ones in bytewise order */
    void *memory;
};

/* Counts by the values of `field`, a field that is no object, and gives the `top` most frequent
 * (at least 1). TALLY_INVALID where there are more than STATS_VALUES_MAX values: the filter must be
 * narrower. The caller finishes the result. */
TALLY_MUST_CHECK tally_status stats_by_field(struct scan *scan, enum field_id field, size_t top,
                                             struct stats_values *values_out,
                                             struct tally_error *error);
void stats_values_finish(struct stats_values *values); /* zeroed is allowed */

#define STATS_BUCKETS_MAX 10000u

/* Bucket i counts entries whose order time (the earlier of timestamp and received) is in [start +
 * i * interval, start + (i + 1) * interval). */
struct stats_histogram {
    int64_t start;
    int64_t interval; /* nanoseconds, at least 1 */
    size_t count;     /* of buckets, at most STATS_BUCKETS_MAX */
};

/* Fills `buckets` (histogram->count of them). Entries outside are counted in *before_out and
 * *after_out. */
TALLY_MUST_CHECK tally_status stats_over_time(struct scan *scan,
                                              const struct stats_histogram *histogram,
                                              uint64_t *buckets, uint64_t *before_out,
                                              uint64_t *after_out, struct tally_error *error);

/* The least and the greatest order time of what matches; TALLY_ABSENT where nothing does. */
TALLY_MUST_CHECK tally_status stats_time_range(struct scan *scan, int64_t *minimum_out,
                                               int64_t *maximum_out, struct tally_error *error);

#endif
