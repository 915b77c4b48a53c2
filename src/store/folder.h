/*
 * folder.h - a data folder: many trails, one budget.
 *
 *     DIR/tally.conf  tally.db  keys/TRAIL  trails/TRAIL/...
 *
 * A process opens the folder once and its trails as they are needed. What is shared by all trails
 * stands here: the disk, the memory that heads may use, and two background threads, which begin
 * with the first trail that is written: one signs checkpoints (at most 100 ms after a commit), one
 * seals full heads.
 *
 * Thread-safe. Close the trails before the folder.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "disk.h"
#include "head.h"

/* Trail names match [a-z0-9][a-z0-9-]{0,62}. */
#define TRAIL_NAME_MAX 63
bool trail_name_valid(const char *name);

/* Zeroed members mean the defaults. */
struct folder_options {
    uint32_t head_entries_max;   /* HEAD_ENTRIES_MAX; a head is sealed at this many entries … */
    size_t head_memory_max;      /* 88 MiB; … or this much memory, whichever comes first */
    size_t heads_memory_max;     /* 256 MiB: all heads of all trails together; beyond it the
                                    largest are sealed before they are full */
    size_t close_journal_max;    /* 8 MiB: closing seals a head whose journal is larger, so that
                                    opening again reads little */
    int64_t checkpoint_interval; /* 100 ms, in nanoseconds */
    uint64_t id_window; /* 4,000,000: so many of a trail's newest entries are known by their
                                    ids when events are appended (trail.h) */
    bool manual;        /* no threads: the caller calls trail_sign() and trail_seal() */
    struct disk *disk;  /* lent, used instead of the path's (tests) */
    bool impatient; /* a trail that another process writes is TALLY_BUSY at once; else it is waited
                       for, a second */
    const char *command; /* written into locks, so that others know who holds them */
    /* Called when a head has become a segment, with the nanoseconds that took, on the thread that
     * sealed: it must be quick, and may ask the trail nothing. */
    void (*sealed)(void *context, const char *trail, int64_t took);
    void *sealed_context;
};

struct folder;

/* Creates `path` (0700; it may exist if it is empty) with its sub-folders. TALLY_CONFLICT where it
 * holds something already. */
TALLY_MUST_CHECK tally_status folder_create(const char *path, struct tally_error *error);

/* TALLY_ABSENT where `path` is no data folder. The caller owns the folder. */
TALLY_MUST_CHECK tally_status folder_open(const char *path, const struct folder_options *options,
                                          struct folder **folder_out, struct tally_error *error);
void folder_close(struct folder *folder); /* NULL is allowed */

/* Bytes that the heads of all trails take now. */
size_t folder_heads_memory(const struct folder *folder);

/* How many files the folder keeps open at most beside those in use: a quarter of the descriptors
 * that the process might have when it was opened. So raise that limit first (descriptors_raise()).
 */
unsigned folder_files_max(const struct folder *folder);

struct disk *folder_disk(struct folder *folder);
const struct folder_options *folder_get_options(
    const struct folder *folder); /* defaults filled in */

/* The names of the trails, in bytewise order; as disk_list(). */
TALLY_MUST_CHECK tally_status folder_list_trails(struct folder *folder, disk_name_visitor visitor,
                                                 void *context, struct tally_error *error);

#endif
