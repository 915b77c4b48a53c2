/*
 * folder_core.h - what the files behind folder.h share: folder.c and background.c.
 */
#ifndef FOLDER_CORE_H
#define FOLDER_CORE_H

#include "buffer.h"
#include "folder.h"
#include "segment_cache.h"
#include "trail_core.h"

#include <stdatomic.h>

struct folder {
    struct folder_options options;
    struct disk *disk;
    struct segment_cache segments;
    bool disk_owned;
    atomic_size_t heads_memory; /* of all trails open for writing */
    atomic_size_t trail_count;  /* of those in the list; written under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t to_sign; /* a trail has something to sign, or the folder closes */
    pthread_cond_t to_seal; /* a trail froze a head, memory is short, or the folder closes */
    pthread_cond_t idle;    /* a thread let go of a trail */
    struct trail *trails;
    struct buffer spare; /* nobody has it now */
    uint64_t woken;      /* counts folder_wake_sealer() */
    bool closing;
    bool threads;
    pthread_t signer, sealer;
};

/* Ends the two threads, if they were begun: no trail is in the list any more. */
void background_end(struct folder *folder);

#endif
