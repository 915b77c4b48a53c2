/*
 * checkpoint.h - a signed statement of a tree's size and root (c2sp.org/tlog-checkpoint).
 *
 * The text of a checkpoint is the trail's origin, the size in decimal, the root in base64, and any
 * extension lines, each line ended by a newline; signed as a note, it is what readers keep and
 * compare. A trail never signs two checkpoints that no consistency proof joins.
 */
#ifndef TALLY_CHECKPOINT_H
#define TALLY_CHECKPOINT_H

#include "tally/note.h"
#include "tally/tree.h"

/* The bytes of an origin: not empty, UTF-8, no control characters; by convention a URL without
 * scheme, and the name of the key that signs. */
#define TALLY_ORIGIN_MAX 255

/* The longest checkpoint text, extension lines included, and with one signature by this library. */
#define TALLY_CHECKPOINT_TEXT_MAX 4096
#define TALLY_CHECKPOINT_NOTE_MAX (TALLY_CHECKPOINT_TEXT_MAX + 1 + TALLY_NOTE_LINE_MAX)

/* `extension` is lent from what was parsed: whole lines with their newlines, or NULL and 0. */
struct tally_checkpoint {
    char origin[TALLY_ORIGIN_MAX + 1];
    uint64_t size;
    struct tally_hash root;
    const char *extension;
    size_t extension_size;
};

/* Writes a checkpoint's unsigned text, without NUL. TALLY_INVALID where a member is out of its
 * limits (so is any root but the empty tree's at size 0) or `capacity` is too small;
 * TALLY_CHECKPOINT_TEXT_MAX always suffices. */
TALLY_MUST_CHECK tally_status tally_checkpoint_format(const struct tally_checkpoint *checkpoint,
                                                      char *out, size_t capacity, size_t *size_out,
                                                      struct tally_error *error);

/* Reads a checkpoint's unsigned text: it is accepted only if formatting gives the same bytes
 * again. */
TALLY_MUST_CHECK tally_status tally_checkpoint_parse(const char *text, size_t size,
                                                     struct tally_checkpoint *checkpoint_out,
                                                     struct tally_error *error);

/* Writes a signed checkpoint; TALLY_CHECKPOINT_NOTE_MAX bytes always suffice. Faults as for both
 * steps. */
TALLY_MUST_CHECK tally_status tally_checkpoint_sign(const struct tally_checkpoint *checkpoint,
                                                    const struct tally_signer *signer, char *out,
                                                    size_t capacity, size_t *size_out,
                                                    struct tally_error *error);

/*
 * Reads a signed checkpoint. TALLY_OK where `vkey` signed it and its origin is `origin` (NULL: the
 * key's name, as the standard recommends and this library signs); TALLY_ABSENT where this key did
 * not sign it; TALLY_DISAGREES where its signature is bad or the origin is another one;
 * TALLY_INVALID where it is malformed, or where `vkey` is a witness's: a cosignature is no log's
 * signature. The extension is lent from the note.
 */
TALLY_MUST_CHECK tally_status tally_checkpoint_open(const char *note, size_t size,
                                                    const struct tally_vkey *vkey,
                                                    const char *origin,
                                                    struct tally_checkpoint *checkpoint_out,
                                                    struct tally_error *error);

#endif
