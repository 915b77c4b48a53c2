/*
 * since.h - a checkpoint from elsewhere, held against a trail.
 *
 * A checkpoint that was kept out of reach (by a witness, on paper, in another account's files)
 * shows a cut or rewritten trail when the trail's folder alone cannot.
 */
#ifndef SINCE_H
#define SINCE_H

#include "tally/checkpoint.h"
#include "verify.h"

struct since {
    const char *place; /* where it came from, for sentences; borrowed */
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t note_size;
    struct tally_checkpoint checkpoint; /* read, its signature not checked yet */
};

/* Reads a signed checkpoint; its text is copied. TALLY_INVALID. */
TALLY_MUST_CHECK tally_status since_read(struct bytes note, const char *place,
                                         struct since *since_out, struct tally_error *error);

/* Whether `vkey` signed it: VERDICT_INTACT, or VERDICT_TAMPERED with a sentence. */
enum verdict since_signed(const struct since *since, const struct tally_vkey *vkey, char *text,
                          size_t text_size);

/* Turns an intact verdict into another one, with this sentence. */
void since_overrule(struct verify_report *report, enum verdict verdict, const char *text);

/* Whether a verified trail has grown out of `checkpoint`: its root at that size is the one signed
 * then. VERDICT_INTACT, or another verdict with a sentence. */
enum verdict since_grown(struct folder *folder, const char *name,
                         const struct tally_checkpoint *checkpoint, char *text, size_t text_size);

/* The same without the trail, as far as two checkpoints of one key alone can say it: no trail gets
 * shorter, and at one size it has one root. */
enum verdict since_follows(const struct tally_checkpoint *newest,
                           const struct tally_checkpoint *checkpoint, char *text, size_t text_size);

/* The trail's newest checkpoint as it is stored; nothing about it is checked. False where there is
 * none that could be read. */
bool since_stored(struct folder *folder, const char *name, struct tally_checkpoint *checkpoint_out);

#endif
