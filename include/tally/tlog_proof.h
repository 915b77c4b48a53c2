/*
 * tlog_proof.h - a file that proves, offline, that an entry is in a trail (c2sp.org/tlog-proof).
 *
 *     c2sp.org/tlog-proof@v1
 *     extra base64                 (optional)
 *     index 73894
 *     base64 of a hash             (none or more: the inclusion proof)
 *
 *     the checkpoint, a signed note, verbatim
 *
 * With the entry's bytes and the trail's verification key it is the whole evidence.
 */
#ifndef TALLY_TLOG_PROOF_H
#define TALLY_TLOG_PROOF_H

#include "tally/checkpoint.h"
#include "tally/proof.h"

/* The longest tlog-proof file read, and the most extra bytes in it: an entry's public part fits. */
#define TALLY_TLOG_PROOF_SIZE_MAX  (TALLY_NOTE_SIZE_MAX + 128u * 1024)
#define TALLY_TLOG_PROOF_EXTRA_MAX 65535

/* The size of a file without extra data around a checkpoint of `size` bytes, at most. */
#define TALLY_TLOG_PROOF_SIZE(size) (64 + TALLY_PROOF_MAX * 45 + 1 + (size))

/* `extra` is NULL and 0 where there is none. Nothing vouches for it: use it to find things, never
 * to believe them. `checkpoint` is the signed note's bytes. After parsing, the first is lent from
 * the buffer given for it, the second from the text. */
struct tally_tlog_proof {
    uint64_t index;
    struct tally_proof proof;
    const uint8_t *extra;
    size_t extra_size;
    const char *checkpoint;
    size_t checkpoint_size;
};

/* Writes a proof file, without NUL. TALLY_INVALID where a member is out of its limits or `capacity`
 * is too small. The checkpoint must end in a newline; it is not looked into. */
TALLY_MUST_CHECK tally_status tally_tlog_proof_format(const struct tally_tlog_proof *file,
                                                      char *out, size_t capacity, size_t *size_out,
                                                      struct tally_error *error);

/* Reads a proof file, strictly: only what formatting gives is accepted. Extra bytes are decoded
 * into `extra`, a buffer of the caller's of TALLY_TLOG_PROOF_EXTRA_MAX bytes, whose content is
 * anything after a refusal; where it is NULL they are checked for form and left out. The checkpoint
 * is not looked into. */
TALLY_MUST_CHECK tally_status tally_tlog_proof_parse(const char *text, size_t size, uint8_t *extra,
                                                     struct tally_tlog_proof *file_out,
                                                     struct tally_error *error);

/* What a reader of such a file knows beforehand. */
struct tally_tlog_proof_expected {
    struct tally_hash leaf;
    const struct tally_vkey *vkey;
    const char *origin;
};

/*
 * Checks a proof file, all of it, as a stranger does: the file parses, its checkpoint is signed by
 * `vkey` for `origin` (NULL: the key's name), and its proof leads from the leaf hash to the signed
 * root. Gives the index and the checkpoint, its extension lent from the text. TALLY_OK,
 * TALLY_ABSENT (this key did not sign), TALLY_DISAGREES (signature, origin or proof does not match)
 * or TALLY_INVALID; `error` says which for all but TALLY_OK.
 */
TALLY_MUST_CHECK tally_status tally_tlog_proof_check(
    const char *text, size_t size, const struct tally_tlog_proof_expected *expected,
    uint64_t *index_out, struct tally_checkpoint *checkpoint_out, struct tally_error *error);

#endif
