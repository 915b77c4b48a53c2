/*
 * scan_counts.h - what matches in a run, told by how often its values occur.
 *
 * Before a run's pages are visited its visitor may be offered its counts: where they say all that it
 * wants to know, no page is asked. So statistics of whole segments cost a few microseconds each.
 */
#ifndef SCAN_COUNTS_H
#define SCAN_COUNTS_H

#include "clock.h"
#include "count_filter.h"
#include "run.h"

#define COUNTS_HOUR (3600 * CLOCK_SECOND)

/* Of one run, lent while it is offered. */
struct scan_counts {
    size_t run;                /* of the source */
    struct run_reader *reader; /* of that run */
    const struct count_filter *filter;
    struct match_scratch *scratch;
};

enum scan_counts_detail {
    COUNTS_OF_ALL,  /* periods do not matter */
    COUNTS_BY_HOUR, /* each item is of one hour */
};

/* The counts of what matches, by the codes of a field (FIELD_COUNT: by those of any, for who wants
 * no values). Items are lent until the next call with the same reader. TALLY_ABSENT where counts do
 * not tell. */
TALLY_MUST_CHECK tally_status scan_counts_read(const struct scan_counts *counts,
                                               enum field_id field, enum scan_counts_detail detail,
                                               struct run_counts *counts_out,
                                               struct tally_error *error);

#endif
