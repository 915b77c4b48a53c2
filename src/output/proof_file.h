/*
 * proof_file.h - a file that proves one entry of a trail: a C2SP tlog-proof.
 *
 * Its `extra` bytes are the entry's public part, which makes the file whole by itself: the check
 * hashes them, and the proof leads from that hash to the signed root, so they need no trust.
 */
#ifndef PROOF_FILE_H
#define PROOF_FILE_H

#include "buffer.h"
#include "snapshot.h"

/* Appends the file. TALLY_ABSENT where the snapshot's checkpoint does not cover the entry. */
TALLY_MUST_CHECK tally_status proof_file_write(struct snapshot *snapshot, uint64_t index,
                                               struct buffer *out, struct tally_error *error);

#endif
