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

#endif
