/*
 * evidence.h - the stored trail that is verified, as far as all who read in it must know it.
 *
 * Fixed while a pass goes on, so that any number of threads may read it.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "judgement.h"
#include "manifest.h"
#include "spans.h"
#include "trail_core.h"

struct evidence {
    struct trail_place place;  /* with these two: */
    char path[TRAIL_PATH_MAX]; /* "trails/NAME" */
    uint8_t tag[16];
    struct manifest manifest;
};

/* The name of a file of the trail, within the data folder. */
void evidence_name(const struct evidence *evidence, const char *file, char name[VERIFY_FILE_SIZE]);

/* Holds the member `control` of entry `index` (absent in most) against the manifest, and adds what
 * it says is erased to `named`. TALLY_DISAGREES with the judgement; TALLY_NO_MEMORY. */
TALLY_MUST_CHECK tally_status evidence_control(const struct evidence *evidence, uint64_t index,
                                               struct bytes control, struct spans *named,
                                               struct judgement *judgement);

#endif
