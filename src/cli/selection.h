/*
 * selection.h - the entries that a command's filter selects: what query and export share.
 *
 * Operands behind WHERE are joined by blanks and are one filter (docs/api.md). A selection reads
 * one snapshot, so that what arrives meanwhile does not matter.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include "command.h"
#include "scan.h"
#include "snapshot.h"

struct selection {
    struct filter *filter;
    struct snapshot *snapshot;
    struct scan *scan;
};

/* The filter's text, appended. */
void selection_text(const struct invocation *invocation, struct buffer *text);

struct selection_options {
    struct bytes text;
    int64_t now;   /* what relative times count from */
    uint64_t size; /* of the trail; UINT64_MAX: as it is now */
    enum filter_control control;
};

/* DONE, or the exit status after saying why; an error in the filter is pointed at. */
int selection_open(struct trail *trail, const struct selection_options *options,
                   struct selection *selection_out);
void selection_close(struct selection *selection);

/* Whether --control was given. */
enum filter_control selection_control(const struct invocation *invocation);

/* Called with each selected entry, read as `want` says; lent. A status other than TALLY_OK ends it
 * and is returned. */
typedef tally_status (*selection_visitor)(void *context, const struct run_entry *entry,
                                          struct tally_error *error);

/* Reads entries that a scan found, in the order of `hits`. */
TALLY_MUST_CHECK tally_status selection_read(struct selection *selection,
                                             const struct scan_hit *hits, size_t count,
                                             enum run_want want, selection_visitor visitor,
                                             void *context, struct tally_error *error);

#endif
