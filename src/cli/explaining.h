/*
 * explaining.h - --explain: what a question took, in place of its answer.
 *
 * The question is asked as it is without the option, and its answer is thrown away.
 */
#ifndef EXPLAINING_H
#define EXPLAINING_H

#include "account.h"
#include "out.h"
#include "reply.h"

#define EXPLAIN_OPTION                                                                \
    {                                                                                 \
        "explain", NULL, "what the answer took, in its place: runs, pages, each term" \
    }

bool explaining(const struct invocation *invocation);

/* Appends it to a request's target, if it is asked for. */
void explaining_parameter(const struct invocation *invocation, struct buffer *target);

/* The account that a server's answer has as its member `explain`. TALLY_IO where it has none. Caller
 * finishes it. */
TALLY_MUST_CHECK tally_status explaining_read(struct reply *reply, struct account *account_out,
                                              struct tally_error *error);

/* Prints it as --format says. Returns the exit status. */
int explaining_print(const struct invocation *invocation, const struct account *account,
                     struct out *out);

/* Makes a selection's account and prints it. */
int explaining_selection(const struct invocation *invocation, const struct selection *selection,
                         struct out *out);

#endif
