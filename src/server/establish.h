/*
 * establish.h - make a data folder: its settings, its first key, its first trail.
 */
#ifndef ESTABLISH_H
#define ESTABLISH_H

#include "keyring.h"
#include "tally/note.h"
#include "trail.h"

#define ESTABLISH_TRAIL "main"

/* Makes `path` (new, or an empty folder) a data folder with an admin key and the trail
 * ESTABLISH_TRAIL. The key is seen this once; the caller wipes it. TALLY_CONFLICT, with nothing
 * changed, where the folder holds something. After any other fault it is not whole and must be
 * removed. */
TALLY_MUST_CHECK tally_status establish(const char *path, const struct trail_config *config,
                                        struct new_key *key_out, struct tally_vkey *vkey_out,
                                        struct tally_error *error);

#endif
