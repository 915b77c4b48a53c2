/*
 * crash_iterator.h - every disk that a crash could have left of a recorded run (disk_sim.h).
 *
 *     struct disk *disk = disk_sim_create();
 *     disk_sim_record(disk);
 *     ... the run, with disk_sim_note() ...
 *     struct crash_iterator *iterator = crash_iterator_create(disk, &(struct crash_plan){ 0 });
 *     struct crash crash;
 *     while (crash_iterator_next(iterator, &crash))
 *         ... open crash.disk, check it against crash.notes; on failure print crash.text ...
 *     crash_iterator_destroy(iterator);
 *
 * There is a crash before the first recorded operation and after each one. What stands open then is
 * every operation that no successful sync of its file or folder came after: writes, and names made,
 * renamed and unlinked. Of what stands open, these are kept, in the recorded order:
 *
 *     - all, and none;
 *     - all but one, for each one;
 *     - all, with one write torn: only its bytes before, or only those from, each 512-byte boundary
 *       of its file; and, of a write beyond the file's end, the size without any of the bytes;
 *     - every subset where at most 8 stand open, else 64 random ones.
 *
 * Sectors of 512 bytes are written whole or not at all. A rename takes place as a whole or not at
 * all. A name whose folder was lost is lost. A disk that equals one that was given since the last
 * note is left out: there is nothing more to learn from it.
 */
#ifndef CRASH_ITERATOR_H
#define CRASH_ITERATOR_H

#include "disk_sim.h"

#define CRASH_SUBSETS_MAX    8  /* so many open operations: every subset */
#define CRASH_SUBSETS_RANDOM 64 /* more: so many random ones */
#define CRASH_TEXT_SIZE      256

struct crash_iterator;

/* To give one failure again: its point as `first` and `last`, and its seed. All zeros: everything.
 * Points beyond the recording's end mean its end. */
struct crash_plan {
    uint64_t seed; /* of the random subsets */
    size_t first;  /* the first point, in recorded operations */
    size_t last;   /* the last one; 0: all */
    size_t tears;  /* boundaries looked at in one write, evenly spread; 0: every one */
};

struct crash {
    struct disk *disk; /* lent until the next call: use it as one pleases, close its files */
    size_t point;      /* recorded operations before the crash, notes not counted */
    size_t variant;    /* 0-based number within the point */
    const struct sim_note *notes; /* made before the crash, oldest first; lent until the end */
    size_t note_count;
    char text[CRASH_TEXT_SIZE]; /* what crash this is, seed included: for messages */
};

struct crash_counters {
    uint64_t points;    /* crash points walked */
    uint64_t variants;  /* made */
    uint64_t different; /* of them given */
};

/* The recorded disk is not changed; it must not be used while the iterator is. */
struct crash_iterator *crash_iterator_create(struct disk *recorded, const struct crash_plan *plan);
void crash_iterator_destroy(struct crash_iterator *iterator); /* NULL is allowed */

/* False at the end; then *crash_out is untouched. */
bool crash_iterator_next(struct crash_iterator *iterator, struct crash *crash_out);

struct crash_counters crash_iterator_counters(const struct crash_iterator *iterator);

#endif
