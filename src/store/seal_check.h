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

/* How much is put together again and hashed, beside the columns, which are always compared. */
enum seal_proof {
    SEAL_PROOF_SAMPLES, /* 256 entries of each page */
    SEAL_PROOF_WHOLE, /* all: for a head that was filled from the journal; few entries are always */
};

/* What a segment is to hold. Lent. */
struct seal_claim {
    const struct head *head; /* frozen */
    const struct tally_tree *before;
    const struct tally_tree *after; /* of the trail, with the head's entries */
    struct hashes *hashes;
    enum seal_proof proof;
};

/* `reader` is of the segment. TALLY_DAMAGED says what is not as it was committed. */
TALLY_MUST_CHECK tally_status seal_check(const struct seal_claim *claim, struct run_reader *reader,
                                         struct tally_error *error);

#endif
