/*
 * trail_state.h - how an open trail is doing, for those who watch over it.
 */
#ifndef TRAIL_STATE_H
#define TRAIL_STATE_H

#include "trail.h"

/* Values of one moment. Those of writing are 0 where the trail is open for reading. */
struct trail_state {
    bool writing;           /* the trail is open for writing */
    uint64_t size;          /* entries committed */
    uint64_t signed_size;   /* of them, those that the newest checkpoint covers */
    int64_t unsigned_since; /* monotonic: when the first of the others was committed; 0: none */
    uint32_t head_entries;  /* not sealed yet: in the head that fills, … */
    unsigned heads_frozen;  /* … and in heads that wait for the sealer, this many */
    size_t heads_memory;    /* of all of them */
    uint64_t journal_size;  /* bytes in use */
    uint64_t segments;
    bool behind; /* the head is full and the one before is not sealed: writers wait, or get 429 */
    bool poisoned;
};

/* Waits for no disk. Thread-safe. */
void trail_state_read(struct trail *trail, struct trail_state *state_out);

#endif
