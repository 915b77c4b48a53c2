/*
 * journal_parts.h - what a journal that is written is made of. For journal.c, journal_claim.c and
 * journal_trim.c only.
 */
#ifndef JOURNAL_PARTS_H
#define JOURNAL_PARTS_H

#include "journal_file.h"

#include <stdatomic.h>

#define STAGING_SIZE (16u << 10) /* header and as much of the body as fits are written at once */

/* A file that was gone on from and is not trimmed. */
struct journal_older {
    uint64_t number, size;
    uint64_t used;    /* bytes; beyond are zeros or remains */
    bool used_before; /* remains */
};

/* A file that was trimmed and is kept under its old number, to be overwritten. */
struct journal_spare {
    uint64_t number;
    bool wiped; /* zeros behind its header */
};

struct journal {
    struct trail_place place;
    uint32_t seed;
    uint64_t epoch;
    bool poisoned;
    char poison[256];

    struct journal_position next; /* its file is the open one */
    atomic_ullong entries;        /* next.index, for journal_publish() */
    struct disk_file *file;
    uint64_t offset, size;
    bool used_before;
    uint64_t last_span; /* of the newest record that was appended, or is to be */

    struct journal_older *older;
    size_t older_count, older_capacity;
    struct journal_spare spares[JOURNAL_SPARES_MAX];
    size_t spare_count;
    uint8_t staging[STAGING_SIZE];
};

/* Syncs the names of the journal's files. */
tally_status journal_sync_folder(const struct trail_place *place, struct tally_error *error);

/* From now on nothing is written, and that is the cause. A lack of space in a place where something was
 * begun is no lack of space to the caller, who would try again. */
tally_status journal_doubt(struct journal *journal, tally_status status, struct tally_error *error);
/* TALLY_POISONED where that has happened. */
TALLY_MUST_CHECK tally_status journal_check_poison(const struct journal *journal,
                                                   struct tally_error *error);

/* TALLY_DAMAGED: a file that must be there is not. */
tally_status journal_missing_file(const struct trail_place *place, uint64_t number,
                                  struct tally_error *error);

/* Opens the file that records go to, which must be there. */
tally_status journal_open_next(const struct journal *journal, uint64_t number,
                               struct disk_file **file_out, uint64_t *size_out,
                               struct tally_error *error);

/* Remembers a file that is gone on from. Room for one more was made before. */
void journal_add_older(struct journal *journal, const struct journal_older *older);
tally_status journal_make_older_room(struct journal *journal, struct tally_error *error);

#endif
