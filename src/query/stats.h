/*
 * stats.h - count what matches a filter: by the values of fields, percentiles, distinct values.
 *
 * All that is asked for is counted in one pass over the columns of a scan (scan.h), by its threads.
 * Counts are exact, or refused where they do not fit the memory for them (value_table.h,
 * pair_table.h). Over time: timeline.h.
 */
#ifndef STATS_H
#define STATS_H

#include "percentile.h"

#define STATS_DISTINCT_MAX 8

struct stats_request {
    size_t by_count; /* 0: not by fields */
    enum field_id by[BREAKDOWN_FIELDS_MAX];
    size_t top;            /* at least 1 */
    enum field_id numbers; /* of the percentiles; FIELD_COUNT: none */
    struct percentile_ranks ranks;
    size_t distinct_count;
    enum field_id distinct[STATS_DISTINCT_MAX];
};

/* A value, or a pair of them in which one may be absent ({ NULL, 0 }). */
struct stats_value {
    struct bytes value[BREAKDOWN_FIELDS_MAX];
    uint64_t count;
};

/* The sum of all counts, `rest` and `absent` is the total. */
struct stats_values {
    uint64_t absent;   /* entries without any of the fields */
    uint64_t distinct; /* values or pairs there are */
    uint64_t rest;     /* entries with a value or pair that is not among `values` */
    size_t count;
    struct stats_value *values; /* most frequent first, equal ones in bytewise order */
};

struct stats {
    uint64_t total; /* entries that match */
    struct stats_values values;
    struct percentiles percentiles;
    uint64_t distinct[STATS_DISTINCT_MAX]; /* distinct values, by place in the request */
    /* What the values are lent from. */
    struct breakdown *by;
    uint32_t *ranks; /* by group of `by`: place in values.values, or values.count: among the rest */
    struct breakdown *numbers;
};

/* Fields are no objects; those of numbers are of a type of numbers. TALLY_INVALID, with a sentence
 * that names the cure, where there are more values than are counted. The caller finishes it. */
TALLY_MUST_CHECK tally_status stats_make(struct scan *scan, const struct stats_request *request,
                                         struct stats *stats_out, struct tally_error *error);
void stats_finish(struct stats *stats); /* zeroed is allowed */

/* The least and the greatest order time (the earlier of timestamp and received) of what matches;
 * TALLY_ABSENT where nothing does. */
TALLY_MUST_CHECK tally_status stats_time_range(struct scan *scan, int64_t *minimum_out,
                                               int64_t *maximum_out, struct tally_error *error);

#endif
