/*
 * keyfile.h - keys/TRAIL: the key that a trail's checkpoints are signed with.
 *
 * A text file of one line, the private key as tally/note.h spells it, mode 0600. It is not in the
 * trail's folder, so that a trail can be copied without the means to sign another one in its name.
 */
#ifndef KEYFILE_H
#define KEYFILE_H

#include "disk.h"
#include "tally/note.h"

/* Writes the key file of the trail `trail`, and the folder keys/ if there is none; durable when it
 * returns. TALLY_CONFLICT where there is one already: it is never replaced. */
TALLY_MUST_CHECK tally_status keyfile_create(struct disk *disk, const char *trail,
                                             const struct tally_signer *signer,
                                             struct tally_error *error);

/* The caller wipes the signer (tally_signer_wipe()). TALLY_ABSENT where there is no file;
 * TALLY_DENIED where others than its owner may read or write it; TALLY_DAMAGED where it holds no
 * key. Errors never quote the file. */
TALLY_MUST_CHECK tally_status keyfile_read(struct disk *disk, const char *trail,
                                           struct tally_signer *signer_out,
                                           struct tally_error *error);

#endif
