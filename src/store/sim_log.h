/*
 * sim_log.h - a recording of what was done to a simulated disk: what disk_sim*.c write and
 * crash_iterator.c reads.
 */
#ifndef SIM_LOG_H
#define SIM_LOG_H

#include "sim_image.h"

enum sim_operation_kind {
    SIM_WRITE,
    SIM_SYNC,
    SIM_LINK, /* a file or folder was created */
    SIM_RENAME,
    SIM_UNLINK,
    SIM_SYNC_FOLDER,
};

struct sim_operation {
    enum sim_operation_kind kind;
    bool failed;              /* a sync: what it leaves is open for ever */
    bool folder_made;         /* SIM_LINK */
    uint32_t node;            /* the file; of SIM_SYNC_FOLDER the folder */
    uint32_t folder;          /* of names: the folder that holds them */
    uint64_t offset;          /* SIM_WRITE */
    size_t size;              /* SIM_WRITE */
    uint8_t *data;            /* SIM_WRITE: owned */
    char name[SIM_NAME_SIZE]; /* within the folder; of files as they were opened */
    char to[SIM_NAME_SIZE];   /* SIM_RENAME */
};

struct sim_log {
    struct sim_image start; /* what was there when the recording began */
    struct sim_operation *operations;
    size_t operation_count, operation_capacity;
    struct sim_note *notes;
    size_t *note_points; /* operations before each note */
    size_t note_count, note_capacity;
};

/* Each does nothing where `log` is NULL. A name that is too long is cut at its front; bytes are
 * copied. */
void sim_log_add(struct sim_log *log, const struct sim_operation *operation, const char *name);
void sim_log_note(struct sim_log *log, int kind, uint64_t value, struct bytes data);
void sim_log_destroy(struct sim_log *log);

/* What a disk holds just now; lent. */
struct sim_image *disk_sim_image(struct disk *disk);

/* The recording of a disk; lent. */
const struct sim_log *disk_sim_log(struct disk *disk);

/* A disk of these files; takes the image over. */
struct disk *disk_sim_adopt(struct sim_image *image);

#endif
