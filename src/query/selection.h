/*
 * selection.h - the entries of a trail that a filter selects: filter, snapshot and scan in one.
 *
 * What queries, exports and statistics begin with, on the command line and in the server. A
 * selection reads one snapshot, so that what arrives meanwhile does not matter. One thread at a
 * time; the trail must stay open until the selection is closed.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include "scan.h"
#include "snapshot.h"

struct selection {
    struct filter *filter;
    struct snapshot *snapshot;
    struct scan *scan;
};

#define SELECTION_ALL UINT64_MAX /* the trail as it is now */

struct selection_request {
    struct bytes text;                         /* the filter */
    const struct filter_parameter *parameters; /* and what else must hold */
    size_t parameter_count;
    int64_t now;   /* what relative times count from */
    uint64_t size; /* of the trail, or SELECTION_ALL */
    enum filter_control control;
    scan_check *check; /* as scan_watch() has it; NULL: none */
    void *check_context;
    unsigned threads; /* as scan_share() has it; 0: one */
};

/* TALLY_INVALID where the filter is refused, as filter_parse_parameters() says; TALLY_ABSENT where
 * the trail is smaller than `size`. The caller closes the selection. */
TALLY_MUST_CHECK tally_status selection_open(struct trail *trail,
                                             const struct selection_request *request,
                                             struct selection *selection_out,
                                             struct tally_error *error);
void selection_close(struct selection *selection); /* zeroed is allowed */

#endif
