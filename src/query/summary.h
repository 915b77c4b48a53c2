/*
 * summary.h - statistics as they are asked for: a total, by fields, over time, percentiles,
 * distinct values.
 *
 * What `tally stats` prints and the server answers; stats.h and timeline.h count. One thread: the
 * scan's.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "timeline.h"

#define SUMMARY_TOP_STANDARD 10
#define SUMMARY_TOP_MAX      1000

struct summary_request {
    struct stats_request stats;
    bool over_time;
    struct interval interval; /* where over_time */
};

struct summary {
    struct summary_request request;
    uint64_t total;           /* entries that match */
    struct stats stats;       /* as far as asked for */
    struct timeline timeline; /* where over time; by the values of stats, where by fields */
};

/* What nothing is asked for but the total. */
struct summary_request summary_request_of(size_t top);

/* What is asked for by name, on the command line and in URLs, and what reads it: "action",
 * "action,status", "user_id,ip", names of fields, or aliases. TALLY_INVALID with a sentence for
 * what is no field, an object, not of numbers, or too many. */
struct summary_reading {
    const char *name;
    tally_status (*read)(struct bytes text, struct stats_request *request,
                         struct tally_error *error);
    const char *goes_with; /* NULL: goes alone */
};
#define SUMMARY_READINGS 4
extern const struct summary_reading summary_readings[SUMMARY_READINGS];

/* Appends the names of fields as they are read, with commas. */
void summary_print_fields(const enum field_id *names, size_t count, struct buffer *out);

/* TALLY_INVALID with a sentence that names the cure, as stats_make() and timeline_make() say. The
 * caller finishes the summary. */
TALLY_MUST_CHECK tally_status summary_make(struct scan *scan, const struct summary_request *request,
                                           struct summary *summary_out, struct tally_error *error);
void summary_finish(struct summary *summary); /* zeroed is allowed */

#endif
