/*
 * summary.h - statistics as they are asked for: a total, by a field's values, over time.
 *
 * What `tally stats` prints and the server answers; stats.h counts. One thread: the scan's.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "interval.h"
#include "stats.h"

#define SUMMARY_TOP_STANDARD 10
#define SUMMARY_TOP_MAX      1000

struct summary_request {
    enum field_id by; /* FIELD_COUNT: not by a field */
    size_t top;       /* values that are named, 1 to SUMMARY_TOP_MAX */
    bool over_time;
    struct interval interval; /* where over_time */
};

struct summary {
    struct summary_request request;
    uint64_t total;             /* entries that match */
    struct stats_values values; /* where by a field */
    size_t bucket_count;        /* where over time: from the first that matches to the last, */
    int64_t start;              /* when the first begins */
    uint64_t *buckets;          /* without gaps; none where nothing matches */
};

/* Reads the name of a field to count by, or an alias. TALLY_INVALID with a sentence for what is
 * none, or an object. */
TALLY_MUST_CHECK tally_status summary_read_field(struct bytes name, enum field_id *field_out,
                                                 struct tally_error *error);

/* TALLY_INVALID with a sentence that names the cure: more buckets than STATS_BUCKETS_MAX, or more
 * values than STATS_VALUES_MAX. The caller finishes the summary. */
TALLY_MUST_CHECK tally_status summary_make(struct scan *scan, const struct summary_request *request,
                                           struct summary *summary_out, struct tally_error *error);
void summary_finish(struct summary *summary); /* zeroed is allowed */

#endif
