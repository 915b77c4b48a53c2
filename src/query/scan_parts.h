/*
 * scan_parts.h - what the files of a scan share.
 */
#ifndef SCAN_PARTS_H
#define SCAN_PARTS_H

#include "count_filter.h"
#include "scan.h"

/* Runs that are asked together, and what came of it. */
struct scan_group {
    size_t run; /* the first */
    unsigned count;
    bool asked;
    uint64_t runs; /* those that may have matches, a bit each */
};

struct scan {
    const struct filter *filter; /* lent */
    struct scan_source source;
    unsigned threads;
    struct plan *plan;
    bool countable; /* counts may answer the filter, as follows */
    struct count_filter count_filter;
    struct match_scratch *scratch; /* NULL until counts are asked */
    bool ordered;                  /* the runs, as follows */
    size_t *by_maximum;            /* runs, the latest last entry first: for ORDER_TIME_DOWN */
    size_t *by_minimum;            /* the earliest first entry first: for ORDER_TIME */
    struct scan_hit *heap;
    size_t heap_capacity;
    scan_check *check; /* NULL: nobody is asked */
    void *check_context;
    struct scan_account account;
    struct scan_group *groups; /* none where the filter has no tokens */
    size_t group_count;
    struct run_meter probed; /* what groups have read, until the source is told */
};

static inline const struct run *
scan_run(const struct scan *scan, size_t i)
{
    return scan->source.run(scan->source.context, i);
}

/* Begins to look at all runs: until something else becomes of them, they are passed. */
void scan_begin(struct scan *scan);

/* Turns to a run that is read with `reader`, lent until the next turn. TALLY_ABSENT: it has no
 * matches. */
TALLY_MUST_CHECK tally_status scan_turn(struct scan *scan, size_t i, struct run_reader *reader,
                                        struct tally_error *error);

/* The run that was turned to is done with, without its pages: its counts told. */
void scan_counted(struct scan *scan, size_t i);

/* The matches of a page of the run that the scan is turned to. */
TALLY_MUST_CHECK tally_status scan_find(struct scan *scan, uint32_t page, struct row_set *found,
                                        struct tally_error *error);

/* scan_group.c: readies the groups of a scan that has its plan; and whether a run may have matches,
 * which may ask its group. A run that has none is accounted for. */
TALLY_MUST_CHECK tally_status scan_groups_make(struct scan *scan, struct tally_error *error);
TALLY_MUST_CHECK tally_status scan_run_possible(struct scan *scan, size_t run, bool *possible_out,
                                                struct tally_error *error);

/* scan_share.c: what several threads do with some runs, each with a scan of its own that filters as the
 * caller's does. Every run that may have matches is turned to and then given to `run`. */
struct scan_work {
    const size_t *runs; /* in the order in which they are taken; NULL: by their numbers from 0 on */
    size_t count;
    void *const *contexts; /* of the k-th thread: contexts[k] */
    /* Whether to look at a run at all; NULL: at each. */
    bool (*wanted)(void *context, struct scan *scan, size_t run);
    tally_status (*run)(void *context, struct scan *scan, size_t run, struct run_reader *reader,
                        struct tally_error *error);
};

/* With `threads` threads (1 to SCAN_THREADS_MAX), the caller's among them. The first failure of any, also
 * of scan_watch()'s check, ends all and is returned, after all have ended. */
TALLY_MUST_CHECK tally_status scan_share_out(struct scan *scan, unsigned threads,
                                             const struct scan_work *work,
                                             struct tally_error *error);

/* Tells the source what groups have read. Not of a scan that a thread has of its own. */
void scan_meter(struct scan *scan);

/* A run that is not entered, because it is known to have no matches. */
void scan_rule_out(struct scan *scan, size_t run);

#endif
