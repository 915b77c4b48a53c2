/*
 * drafts.h - a draft for each thread that records (draft.h), so that writing an event locks nothing.
 *
 * A thread that records for the first time gets a pair of drafts, which stays its own. When the
 * thread ends, the next new one gets it.
 */
#ifndef DRAFTS_H
#define DRAFTS_H

#include "draft.h"

struct drafts;

struct draft_pair {
    struct draft *draft; /* of the event that is recorded */
    struct draft *aside; /* of one that the library records about it, while the other is lent */
    struct mask *mask;   /* a clone for them; NULL: they need none */
    struct draft_pair *next, *spare;
};

/* `mask` is lent for its life. */
TALLY_MUST_CHECK tally_status drafts_create(const struct mask *mask, struct drafts **drafts_out,
                                            struct tally_error *error);
/* No thread uses one of them any more. */
void drafts_destroy(struct drafts *drafts); /* NULL is allowed */

/* The calling thread's, lent until the thread ends. */
TALLY_MUST_CHECK tally_status drafts_mine(struct drafts *drafts, struct draft_pair **pair_out,
                                          struct tally_error *error);

/* Around fork(). */
void drafts_fork_prepare(void);
void drafts_fork_parent(void);
void drafts_fork_child(void);

#endif
