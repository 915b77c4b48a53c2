/*
 * disk_sim_parts.h - what the simulated disk is made of. For disk_sim*.c only.
 *
 * Each of a disk's functions begins with sim_enter(), which counts the call and says how it is to go,
 * and ends with sim_leave() or sim_leave_without(). Between them it holds the disk's mutex.
 */
#ifndef DISK_SIM_PARTS_H
#define DISK_SIM_PARTS_H

#include "disk_sim.h"
#include "sim_log.h"

#include <pthread.h>
#include <stdlib.h>

/* How a call is to go. */
enum outcome {
    OUTCOME_GOOD,
    OUTCOME_IO,
    OUTCOME_FULL,
    OUTCOME_SHORT,
    OUTCOME_LATE,
};

struct sim_file {
    struct disk_file file;
    uint32_t node;
    bool writable;
    bool locked;
    char name[];
};

struct sim_disk {
    struct disk disk;
    pthread_mutex_t mutex;
    struct sim_image image;
    struct sim_file **files; /* open ones */
    size_t file_count, file_capacity;
    struct sim_log *log; /* NULL: not recording */

    uint64_t calls;
    uint64_t fail_at; /* UINT64_MAX: never */
    enum sim_fault fault;
    bool failed;
    bool dead;
    uint64_t space;
    unsigned permissions;
};

static inline struct sim_disk *
sim_of(struct disk *disk)
{
    return (struct sim_disk *)disk;
}

enum outcome sim_enter(struct sim_disk *sim);

/* Whether the call takes effect. */
static inline bool
sim_is_done(enum outcome outcome)
{
    return outcome == OUTCOME_GOOD || outcome == OUTCOME_LATE;
}

/* The call ends as its outcome says, or with errno `os`: "cannot WHAT NAME". */
tally_status sim_leave(struct sim_disk *sim, enum outcome outcome, const char *what,
                       const char *name, struct tally_error *error);
tally_status sim_leave_without(struct sim_disk *sim, int os, const char *what, const char *name,
                               struct tally_error *error);

/* Gives back what a file took when neither a name nor an open file leads to it. */
void sim_forget_if_gone(struct sim_disk *sim, uint32_t node);

/* Makes a file or folder; returns its node. */
uint32_t sim_make(struct sim_disk *sim, uint32_t folder, const char *leaf, bool is_folder);

/* struct disk_operations: disk_sim_files.c, and disk_sim_folders.c. */
tally_status sim_open(struct disk *disk, const char *name, enum disk_mode mode,
                      struct disk_file **file_out, struct tally_error *error);
void sim_close(struct disk_file *disk_file);
tally_status sim_read(struct disk_file *disk_file, uint64_t offset, void *data, size_t size,
                      size_t *size_out, struct tally_error *error);
tally_status sim_write(struct disk_file *disk_file, uint64_t offset, const void *data, size_t size,
                       struct tally_error *error);
tally_status sim_clear(struct disk_file *disk_file, uint64_t offset, uint64_t size,
                       struct tally_error *error);
tally_status sim_reserve(struct disk_file *disk_file, uint64_t size, struct tally_error *error);
tally_status sim_sync(struct disk_file *disk_file, struct tally_error *error);
tally_status sim_size(struct disk_file *disk_file, uint64_t *size_out, struct tally_error *error);
tally_status sim_permissions(struct disk_file *disk_file, unsigned *out, struct tally_error *error);
tally_status sim_lock(struct disk_file *disk_file, struct tally_error *error);

tally_status sim_make_folder(struct disk *disk, const char *name, struct tally_error *error);
tally_status sim_sync_folder(struct disk *disk, const char *name, struct tally_error *error);
tally_status sim_rename(struct disk *disk, const char *from, const char *to,
                        struct tally_error *error);
tally_status sim_unlink(struct disk *disk, const char *name, struct tally_error *error);
tally_status sim_list(struct disk *disk, const char *folder, disk_name_visitor visitor,
                      void *context, struct tally_error *error);
tally_status sim_space(struct disk *disk, uint64_t *free_out, struct tally_error *error);

#endif
