/*
 * filtering.h - the filter that a command's operands are: what query, stats and export share.
 *
 * Operands behind WHERE are joined by blanks and are one filter (docs/api.md).
 */
#ifndef FILTERING_H
#define FILTERING_H

#include "listing.h"
#include "remote.h"
#include "selection.h"
#include "where.h"

/* Appends the filter's text. */
void filtering_text(const struct invocation *invocation, struct buffer *text);

/* Whether --control was given. */
enum filter_control filtering_control(const struct invocation *invocation);

/* Says why a filter could not be asked and returns the exit status; an error in it is pointed at. */
int filtering_fault(const struct where *where, struct bytes text, const struct tally_error *error);

/* The entries that the operands select, of the trail as it is. DONE, or the exit status after
 * saying why. */
int filtering_open(const struct invocation *invocation, const struct where *where,
                   struct selection *selection_out);

/* What is said beside a table to somebody at a terminal (beside an export, too: LISTING_TABLE); programs
 * see for themselves. That nothing was found, and in any case how a filter is written here that is
 * written as elsewhere (`user=bob`), or the latter alone. */
void filtering_nothing(const struct invocation *invocation, enum listing_format format);
void filtering_hint(const struct invocation *invocation, enum listing_format format);

/* For a server: appends filter and control to a request's target; says why it was refused and
 * returns the exit status, an error in the filter being pointed at as above. */
void filtering_parameters(struct bytes text, enum filter_control control, struct buffer *target);
int filtering_refused(const struct remote *remote, struct bytes text,
                      const struct refusal *refusal);

#endif
