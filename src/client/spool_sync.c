/*
 * spool_sync.c - files are put on stable storage while threads append to them.
 */
#include "spool_parts.h"

/* A file and which part of it is going to be synced. */
struct syncing {
    struct spool_file *file;
    uint32_t number;
    uint32_t from;
    uint32_t to;
};

/* Pins the first file behind number `after` that has something to be synced. */
static bool
pin_unsynced(struct spool *spool, uint32_t after, struct syncing *syncing_out)
{
    bool found = false;
    lock(&spool->mutex);
    for (struct spool_file *file = spool->first; file != NULL && !found; file = file->next) {
        if (file->number <= after)
            continue;
        uint32_t to = spool_file_filled(file, file->synced);
        found = to != file->synced;
        if (found) {
            file->pinned = true;
            *syncing_out = (struct syncing){ file, file->number, file->synced, to };
        }
    }
    unlock(&spool->mutex);
    return found;
}

/* What could not be synced is not tried again: the kernel would call it clean. */
static void
unpin(struct spool *spool, const struct syncing *syncing)
{
    struct spool_file *file = syncing->file;
    lock(&spool->mutex);
    file->pinned = false;
    if (file->number == syncing->number)
        file->synced = syncing->to;
    if (file->orphan) {
        file->orphan = false;
        row_release(spool, file);
    }
    unlock(&spool->mutex);
}

static tally_status
sync_files(struct spool *spool, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    lock(&spool->mutex);
    uint32_t newest = spool->number;
    unlock(&spool->mutex);
    struct syncing syncing = { 0 };
    while (status == TALLY_OK && syncing.number < newest &&
           pin_unsynced(spool, syncing.number, &syncing)) {
        status = spool_file_sync(syncing.file, syncing.from, syncing.to, error);
        unpin(spool, &syncing);
    }
    return status;
}

static tally_status
sync_names(struct spool *spool, struct tally_error *error)
{
    lock(&spool->mutex);
    bool named = spool->named;
    spool->named = true;
    unlock(&spool->mutex);
    if (named)
        return TALLY_OK;
    tally_status status = spool_folder_sync(spool->folder, error);
    if (status != TALLY_OK) {
        lock(&spool->mutex);
        spool->named = false;
        unlock(&spool->mutex);
    }
    return status;
}

tally_status
spool_sync(struct spool *spool, struct tally_error *error)
{
    if (spool->folder == NULL || spool->dead)
        return TALLY_OK;
    lock(&spool->sync);
    tally_status status = sync_files(spool, error);
    if (status == TALLY_OK)
        status = sync_names(spool, error);
    unlock(&spool->sync);
    return status;
}
