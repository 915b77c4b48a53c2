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
    uint64_t erased_through; /* of the manifest that the first segment was read by: what later ones
                                say is not so of segments that were read before */
};

/* What control entries say is erased, and of that what must be gone. */
struct erasures {
    struct spans named, done;
};

/* Adds what another list has. */
TALLY_MUST_CHECK tally_status erasures_join(struct erasures *erasures, const struct erasures *more);
void erasures_finish(struct erasures *erasures);

/* The name of a file of the trail, within the data folder. */
void evidence_name(const struct evidence *evidence, const char *file, char name[VERIFY_FILE_SIZE]);

/* Holds the member `control` of entry `index` (absent in most) against the manifest, and adds what
 * it says is erased to `erasures`. TALLY_DISAGREES with the judgement; TALLY_NO_MEMORY. */
TALLY_MUST_CHECK tally_status evidence_control(const struct evidence *evidence, uint64_t index,
                                               struct bytes control, struct erasures *erasures,
                                               struct judgement *judgement);

#endif
