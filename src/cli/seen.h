/*
 * seen.h - the key and the checkpoint last seen for an origin, kept outside the data folder.
 *
 * Whoever can write a data folder can cut the end off a trail, or sign all of it anew with another
 * key; within the folder nothing shows it. So each intact verdict is remembered in
 * $XDG_STATE_HOME/tally/seen (~/.local/state without that variable), a file an origin, and held
 * against the trail the next time. The memory is as good as the account it lies in.
 *
 *     vkey                        a line: the verification key
 *                                 an empty line
 *     checkpoint                  the signed note, verbatim
 */
#ifndef SEEN_H
#define SEEN_H

#include "tally/checkpoint.h"

struct seen {
    struct tally_vkey vkey;
    struct tally_checkpoint checkpoint; /* without extension lines */
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t note_size;
};

/* TALLY_ABSENT where nothing was seen of this origin; TALLY_DAMAGED where the memory is not what
 * was written there (then its file is named). */
TALLY_MUST_CHECK tally_status seen_read(const char *origin, struct seen *seen_out,
                                        struct tally_error *error);

/* Remembers, in place of what was. After a crash the old or the new is there. */
TALLY_MUST_CHECK tally_status seen_write(const struct seen *seen, struct tally_error *error);

/* The folder, for messages; NUL-terminated. False where there is no home to have it in. */
bool seen_folder(char *path, size_t size);

#endif
