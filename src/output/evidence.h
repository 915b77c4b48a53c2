/*
 * evidence.h - an entry with all that proves it, as one JSON object on a line.
 *
 *     {"index":7,
 *      "public":"…",       the exact bytes of the public part, as a JSON string
 *      "private":"…",      those of the private part; null where it was erased
 *      "salt":"…",         16 bytes in base64; null where it was erased
 *      "leaf":"…",         SHA-256(0x00 || public part), in lower-case hexadecimal
 *      "proof":["…", …],   the inclusion proof, hashes in base64
 *      "checkpoint":"…"}   the signed note, verbatim
 *
 * Whoever knows the trail's verification key needs nothing else: docs/format.md says how to check
 * it, tests/stranger.py does it.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "buffer.h"
#include "run.h"
#include "tally/proof.h"

/* Appends the line. The entry was read with RUN_PARTS. */
void evidence_write(const struct run_entry *entry, const struct tally_proof *proof,
                    struct bytes checkpoint, struct buffer *out);

#endif
