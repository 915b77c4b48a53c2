/*
 * seal_check.h - whether a segment's files give back what was committed.
 *
 * For the sealer, before the journal of a head is let go.
 */
#ifndef SEAL_CHECK_H
#define SEAL_CHECK_H

#include "hashes.h"
#include "head.h"
#include "run.h"

/* What a segment is to hold. Lent. */
struct seal_claim {
    const struct head *head; /* frozen */
    const struct tally_tree *before;
    const struct tally_tree *after; /* of the trail, with the head's entries */
    /* As far as entries were read back from the journal when the trail was opened: all of those are
     * put together again and hashed, of the others 256 of each page. It may end before or behind.
     */
    const struct tally_tree *replayed;
    struct hashes *hashes;
};

/* `reader` is of the segment, and so is `second`: with it two threads look, where it is NULL this
 * one alone. TALLY_DAMAGED says what is not as it was committed. */
TALLY_MUST_CHECK tally_status seal_check(const struct seal_claim *claim, struct run_reader *reader,
                                         struct run_reader *second, struct tally_error *error);

#endif
