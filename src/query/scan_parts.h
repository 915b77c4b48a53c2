/*
 * scan_parts.h - what the files of a scan share.
 */
#ifndef SCAN_PARTS_H
#define SCAN_PARTS_H

#include "scan.h"

struct scan {
    const struct filter *filter; /* lent */
    struct scan_source source;
    unsigned threads;
    struct plan *plan;
    bool ordered;       /* the runs, as follows */
    size_t *by_maximum; /* runs, the latest last entry first: for ORDER_TIME_DOWN */
    size_t *by_minimum; /* the earliest first entry first: for ORDER_TIME */
    struct scan_hit *heap;
    size_t heap_capacity;
    scan_check *check; /* NULL: nobody is asked */
    void *check_context;
    struct scan_account account;
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

/* The matches of a page of the run that the scan is turned to. */
TALLY_MUST_CHECK tally_status scan_find(struct scan *scan, uint32_t page, struct row_set *found,
                                        struct tally_error *error);

#endif
