/*
 * verify.h - recompute everything a trail claims from its stored bytes.
 *
 * Leaves, commitments, roots, signatures; then every derived structure is compared with what it is
 * derived from, the indexes among them unless they are left out. It opens the files itself and
 * trusts none of them; it needs no lock and may run while another process writes.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "folder.h"
#include "tally/checkpoint.h"

enum verdict {
    VERDICT_INTACT,
    VERDICT_TAMPERED,    /* an entry, a file, a signature or the history is not what was signed */
    VERDICT_INDEX_WRONG, /* only what can be rebuilt from the entries is wrong */
    VERDICT_UNCHECKABLE, /* cannot be read, no key, nothing there */
};

/* Index files and groups are outside of what is signed: whoever asks no question of a trail, but
 * only whether its history is whole, may leave them. All else is looked at in any case. */
enum verify_scope {
    VERIFY_EVERYTHING,
    VERIFY_HISTORY, /* not the index files and groups, neither opened nor missed */
};

struct verify_options {
    enum verify_scope scope;
    const struct tally_vkey *vkey;       /* the key to trust; NULL: the one that entry 0 names */
    const struct tally_checkpoint *seen; /* a checkpoint seen before (its origin must match), or
                                       NULL: the trail must have grown out of it */
    /* Called now and then with entries done and to do; false ends it there, with the verdict that
     * the trail cannot be checked. NULL is allowed. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    /* How many threads read segments, beside the caller's: of few segments each has one, if this is
     * more than one. 0 or 1: the caller's does. */
    unsigned threads;
};

#define VERIFY_NO_INDEX  UINT64_MAX
#define VERIFY_FILE_SIZE 192
#define VERIFY_TEXT_SIZE 512

/* Filled whatever the verdict, as far as verification came. */
struct verify_report {
    enum verdict verdict;
    enum verify_scope scope;
    struct tally_vkey vkey; /* that signed the newest checkpoint */
    struct tally_checkpoint checkpoint;
    char note[TALLY_CHECKPOINT_NOTE_MAX]; /* it, signed */
    size_t note_size;
    uint64_t entries;   /* verified */
    uint64_t erased;    /* of them without a private part, on record */
    uint64_t unsigned_; /* good entries beyond the checkpoint */
    uint64_t bad_first,
        bad_last; /* tampered: the entries the first fault lies in, or VERIFY_NO_INDEX */
    char file[VERIFY_FILE_SIZE]; /* tampered, index wrong: the file, relative to the data folder, or
                                    "" */
    /* One sentence: what is wrong and where; what to do for index wrong. */
    char text[VERIFY_TEXT_SIZE];
};

/* TALLY_OK whenever a verdict was reached; a fault only for lack of memory. */
TALLY_MUST_CHECK tally_status verify_trail(struct folder *folder, const char *name,
                                           const struct verify_options *options,
                                           struct verify_report *report_out,
                                           struct tally_error *error);

#endif
