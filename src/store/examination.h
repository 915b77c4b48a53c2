/*
 * examination.h - one segment, recomputed by itself.
 *
 * Everything of a segment but its place in the tree can be checked without the segments before it:
 * that is what an examination does, on whichever thread. Out come pieces of the tree, in order, to
 * be put behind those of the segments before.
 */
#ifndef EXAMINATION_H
#define EXAMINATION_H

#include "evidence.h"

/* A complete subtree: of one leaf (level 0) or of 256 (HASHES_LEVEL). */
struct tree_piece {
    unsigned level;
    struct tally_hash hash;
};

/* Takes the next piece. Anything but TALLY_OK ends the examination with that status. */
typedef tally_status (*piece_taker)(void *context, const struct tree_piece *piece);

/* What is examined, and the sizes at which the tree's root will be wanted: there pieces end. */
#define EXAMINATION_MARKS 2
struct examination_task {
    const struct evidence *evidence; /* borrowed */
    size_t segment;                  /* its number in the manifest */
    bool indexes; /* its index file, and what its group has of it, are compared */
    uint64_t marks[EXAMINATION_MARKS];
};

/* What is wrong and can be rebuilt, or is of a newer version. A zeroed struct is none. */
struct index_finding {
    bool newer; /* nothing is known to be wrong */
    char file[VERIFY_FILE_SIZE];
    char text[VERIFY_TEXT_SIZE];
};

/* Keeps the first that is wrong, or else the first that is newer (TALLY_UNSUPPORTED). */
void index_finding_keep(struct index_finding *kept, tally_status status, const char *file,
                        const char *text);

/* What came out. A zeroed struct has nothing yet. */
struct examination {
    tally_status
        status; /* TALLY_OK; TALLY_DISAGREES: see `judgement`; the taker's; TALLY_NO_MEMORY */
    struct judgement judgement;
    struct index_finding index;
    char file[VERIFY_FILE_SIZE]; /* the segment, in words */
    uint64_t first_group;        /* the number of level8[0] */
    struct tally_hash *level8;   /* as stored; NULL where they cannot be had */
    struct spans missing;        /* entries without a private part */
    struct erasures erasures;    /* what its control entries say */
};

/* Examines; `examination` is zeroed. Name and level8 are known before the first piece is taken. */
void examination_run(struct examination *examination, const struct examination_task *task,
                     piece_taker taker, void *context);
void examination_finish(struct examination *examination);

#endif
