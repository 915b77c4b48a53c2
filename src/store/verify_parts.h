/*
 * verify_parts.h - what the files of a verification share. For verify*.c only.
 */
#ifndef VERIFY_PARTS_H
#define VERIFY_PARTS_H

#include "arena.h"
#include "examination.h"
#include "tally/checkpoint.h"

struct verifier {
    struct evidence evidence;
    const struct verify_options *options;
    struct verify_report *report;
    struct judgement judgement; /* where a pass ended with TALLY_DISAGREES */
    struct tally_checkpoint checkpoint;
    size_t segments_done;
    struct tally_tree sealed; /* over the verified segments */
    struct tally_tree tree;   /* over what was read */
    uint64_t suspect;         /* first entry of the 256 whose stored hash disagrees; or none */
    char suspect_file[VERIFY_FILE_SIZE];
    struct index_finding index;
    struct spans missing;     /* entries of verified segments without a private part */
    struct erasures erasures; /* what all control entries say */
    struct arena arena;
    const struct examination *joining; /* whose pieces are put in place */
};

/* The tree has grown: what every entry must pass, wherever it is stored. */
TALLY_MUST_CHECK tally_status verify_grown(struct verifier *v);

/* verify_claim.c: reads the checkpoint's note, and opens it: with no key given, by the key that the
 * manifest names; entry 0 must agree later. */
TALLY_MUST_CHECK tally_status verify_read_claim(struct verifier *v);
TALLY_MUST_CHECK tally_status verify_open_claim(struct verifier *v);
/* What the trail was when somebody looked before must be a beginning of what it is: not more than it
 * claims to have. */
TALLY_MUST_CHECK tally_status verify_seen(struct verifier *v);
/* Holds the tree against the claim and against what was seen, at the sizes where they speak. */
TALLY_MUST_CHECK tally_status verify_roots(struct verifier *v);

/* verify_journal.c: the entries that are in no segment yet. */
TALLY_MUST_CHECK tally_status verify_journal(struct verifier *v);

#endif
