/*
 * account.h - what answering a question took: which runs and pages were looked at, how each term of
 * the filter was asked, and how much was read.
 *
 *     struct account account;
 *     status = account_make(&selection, &account, error);      behind what was asked
 *     … account.scan, account.terms …
 *     account_finish(&account);
 *
 * output/explanation.h writes it down. A copy: it outlives the selection.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "selection.h"

struct account_term {
    struct buffer text;           /* the term, as filter_print_term() has it */
    uint64_t pages[ACCESS_COUNT]; /* as plan_terms() counts them */
};

struct account {
    struct buffer filter; /* as filter_print() has it */
    struct scan_account scan;
    size_t term_count;
    struct account_term *terms; /* in the order in which they were asked */
    uint64_t reads, bytes;      /* of files, by all that used the selection's snapshot */
};

/* What was done with a selection so far. Caller finishes it. */
TALLY_MUST_CHECK tally_status account_make(const struct selection *selection,
                                           struct account *account_out, struct tally_error *error);
void account_finish(struct account *account); /* zeroed is allowed */

#endif
