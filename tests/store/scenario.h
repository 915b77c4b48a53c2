/*
 * scenario.h - a small life of a trail on the simulated disk, and what must hold after any
 * accident.
 *
 * The scenario records events, signs, seals, repeats, erases and reopens. A ledger keeps what was
 * acknowledged. scenario_check() opens what is left of the disk and holds it against the ledger.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "disk_sim.h"
#include "trail.h"

/* Kinds of notes in a recording (disk_sim_note()). */
enum scenario_note {
    NOTE_ENTRY = 1,  /* value: an index; data: its leaf. Acknowledged */
    NOTE_CHECKPOINT, /* value: a size; data: its root. Visible */
    NOTE_ERASED,     /* value: an index. Acknowledged */
};

#define SCENARIO_ENTRIES_MAX 4096

struct ledger {
    uint64_t size;                                  /* acknowledged */
    struct tally_hash leaves[SCENARIO_ENTRIES_MAX]; /* of these */
    bool erased[SCENARIO_ENTRIES_MAX];
    struct tally_checkpoint seen[SCENARIO_ENTRIES_MAX];
    size_t seen_count;
    uint64_t faults; /* calls of the trail that answered a fault */
    bool created;
};

struct scenario {
    uint32_t head_entries_max;
    unsigned batches;
    unsigned seed;
};

/* An empty data folder on a simulated disk. */
struct disk *scenario_disk(void);

/* Lives it. Faults of the disk are met as a program would meet them: a poisoned trail is reopened,
 * a refused batch is sent again later. With a dead disk it ends early. */
void scenario_run(struct disk *disk, const struct scenario *scenario, struct ledger *ledger);

/* The ledger that the notes of a recording make. */
void ledger_from_notes(const struct sim_note *notes, size_t count, struct ledger *ledger);

/* NULL where everything holds, else a sentence in static memory: opening succeeds, every
 * acknowledged entry is there with its leaf, roots agree with every checkpoint seen, erased stays
 * erased, appending goes on. Changes the disk. */
const char *scenario_check(struct disk *disk, const struct scenario *scenario,
                           const struct ledger *ledger);

#endif
