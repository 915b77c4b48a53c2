/*
 * trail.c - a trail is opened and closed.
 *
 * Opening for writing, under the lock: load (recover.c), claim the journal (sync what was read, cut
 * a torn tail), sign what no checkpoint covers yet, finish erasures on record. Each step can be
 * repeated after a crash in it.
 */
#include "trail.h"

#include "ascii.h"
#include "condition.h"
#include "fault.h"
#include "keyfile.h"
#include "lockfile.h"
#include "trail_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How often a reader starts over because a live writer sealed under it. */
#define LOAD_TRIES 20

/* How long an opener for writing waits for another process to let go of the lock. */
#define LOCK_WAIT_MS 1000

static void
sleep_ms(long ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    (void)nanosleep(&pause, NULL);
}

bool
trail_name_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > TRAIL_NAME_MAX || name[0] == '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || ascii_is_digit((uint8_t)name[i]) ||
              name[i] == '-'))
            return false;
    return true;
}

tally_status
trail_init(struct folder *folder, const char *name, enum trail_mode mode, struct trail **trail_out,
           struct tally_error *error)
{
    if (!trail_name_valid(name))
        return fault(error, TALLY_INVALID,
                     "\"%s\" is no trail name: use 1 to %u of a-z, 0-9 and -, not - first", name,
                     TRAIL_NAME_MAX);
    struct trail *trail = calloc(1, sizeof *trail);
    if (trail == NULL)
        return memory_fault(error);
    trail->folder = folder;
    trail->place = (struct trail_place){ folder_disk(folder), trail->path, trail->tag };
    trail->options = *folder_get_options(folder);
    trail->mode = mode;
    (void)snprintf(trail->name, sizeof trail->name, "%s", name);
    (void)snprintf(trail->path, sizeof trail->path, "trails/%s", name);
    trail->queue_end = &trail->queue;
    (void)pthread_mutex_init(&trail->mutex, NULL);
    (void)pthread_mutex_init(&trail->signing, NULL);
    condition_init(&trail->changed);
    *trail_out = trail;
    return TALLY_OK;
}

void
trail_free(struct trail *trail)
{
    folder_count_memory(trail->folder, -(ptrdiff_t)trail->heads_memory);
    trail_unload(trail);
    journal_close(trail->journal);
    disk_close(trail->lock);
    tally_signer_wipe(&trail->signer);
    (void)pthread_mutex_destroy(&trail->mutex);
    (void)pthread_mutex_destroy(&trail->signing);
    (void)pthread_cond_destroy(&trail->changed);
    free(trail);
}

/* A trail is what has a manifest. */
tally_status
trail_is_there(struct folder *folder, const char *name, struct tally_error *error)
{
    if (!trail_name_valid(name))
        return TALLY_ABSENT;
    char path[TRAIL_PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "trails/%s/manifest", name);
    struct disk_file *file;
    tally_status status = disk_open(folder_disk(folder), path, DISK_READ, &file, error);
    if (status == TALLY_OK)
        disk_close(file);
    return status;
}

/* Takes the lock, waiting a moment for a process that is just ending. */
static tally_status
take_lock(struct trail *trail, long wait_ms, struct tally_error *error)
{
    for (long waited = 0;; waited += 20) {
        tally_status status = lockfile_take(trail->place.disk, trail->path, trail->options.command,
                                            &trail->lock, error);
        if (status != TALLY_BUSY || waited >= wait_ms)
            return status;
        sleep_ms(20);
    }
}

/* Makes the newest checkpoint durable, or one that covers more. */
static tally_status
settle_checkpoint(struct trail *trail, struct tally_error *error)
{
    if (trail->note.checkpoint.size < trail->tree.size)
        return trail_sign(trail, error);
    return journal_publish(trail->journal, bytes_of(trail->note.text, trail->note.size),
                           trail->note.checkpoint.size, error);
}

/* Under the lock: from loaded to ready for appending, and everything signed. The process before may
 * have died, or met a fault, between a rename and its sync: what is built on is written again. */
static tally_status
take_over(struct trail *trail, struct trail_recovery *recovery, struct tally_error *error)
{
    tally_status status = keyfile_read(trail->place.disk, trail->name, &trail->signer, error);
    if (status == TALLY_ABSENT)
        status = fault(error, TALLY_DENIED, "keys/%s is missing: the trail can only be read",
                       trail->name);
    if (status == TALLY_OK && !tally_vkey_equal(&trail->signer.vkey, &trail->vkey))
        status = fault(error, TALLY_DENIED, "keys/%s is not the key that signed the trail so far",
                       trail->name);
    if (status == TALLY_OK)
        status = manifest_write(trail->place.disk, trail->path, &trail->manifest, error);
    if (status == TALLY_OK)
        status = journal_claim(&trail->place, &trail->manifest.journal, &recovery->tail,
                               &trail->journal, &trail->epoch, error);
    if (status == TALLY_OK)
        status = settle_checkpoint(trail, error);
    if (status == TALLY_OK)
        status = erase_pending(trail, &recovery->erasures, error);
    if (status == TALLY_OK)
        status = group_remnants(&trail->place, trail->manifest.groups, trail->manifest.group_count,
                                error);
    return status;
}

static tally_status
open_for_writing(struct trail *trail, struct trail_recovery *recovery, struct tally_error *error)
{
    long wait_ms = trail->options.impatient ? 0 : LOCK_WAIT_MS;
    tally_status status = take_lock(trail, wait_ms, error);
    if (status == TALLY_OK)
        status = trail_load(trail, LOAD_ALL, recovery, error);
    if (status == TALLY_OK)
        status = take_over(trail, recovery, error);
    return status;
}

/* Loads beside a writer: starts over while what was read does not fit together and may have
 * changed. */
static tally_status
load_beside(struct trail *trail, enum load_limit limit, struct trail_recovery *recovery,
            struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < LOAD_TRIES; i++) {
        status = trail_load(trail, limit, recovery, error);
        if (status != TALLY_DAMAGED && status != TALLY_ABSENT)
            return status;
        /* Files that nobody changes are damaged at the second look too. */
        if (i > 0 && take_lock(trail, 0, NULL) == TALLY_OK) {
            disk_close(trail->lock);
            trail->lock = NULL;
            return status;
        }
        sleep_ms(10);
    }
    return status;
}

/* Recovers for a reader, and lets go of the lock again: what was read stays. */
static tally_status
recover_for_reader(struct trail *trail, struct trail_recovery *recovery, struct tally_error *error)
{
    trail->mode = TRAIL_WRITE;
    tally_status status = trail_load(trail, LOAD_ALL, recovery, error);
    if (status == TALLY_OK)
        status = take_over(trail, recovery, error);
    /* Without key or space it can be read all the same. */
    if (status == TALLY_DENIED || status == TALLY_FULL)
        status = TALLY_OK;
    journal_close(trail->journal);
    trail->journal = NULL;
    disk_close(trail->lock);
    trail->lock = NULL;
    tally_signer_wipe(&trail->signer);
    trail->mode = TRAIL_READ;
    return status;
}

static tally_status
open_for_reading(struct trail *trail, struct trail_recovery *recovery, struct tally_error *error)
{
    tally_status status = load_beside(trail, LOAD_ALL, recovery, error);
    if (status != TALLY_OK || (recovery->unsigned_ == 0 && !recovery->tail.torn))
        return status;
    /* More than was signed: a writer is at work, or one has crashed. */
    status = take_lock(trail, 0, error);
    if (status == TALLY_OK) {
        trail_unload(trail);
        return recover_for_reader(trail, recovery, error);
    }
    if (status != TALLY_BUSY)
        return TALLY_OK; /* the folder may not be written: what chains is all there is */
    trail_unload(trail);
    return load_beside(trail, LOAD_SIGNED, recovery, error);
}

tally_status
trail_open(struct folder *folder, const char *name, enum trail_mode mode, struct trail **trail_out,
           struct trail_recovery *recovery_out, struct tally_error *error)
{
    struct trail *trail;
    tally_status status = trail_init(folder, name, mode, &trail, error);
    if (status != TALLY_OK)
        return status;
    status = trail_is_there(folder, name, error);
    if (status == TALLY_ABSENT)
        status =
            fault(error, TALLY_ABSENT,
                  "there is no trail \"%s\": `tally trail WHERE list` shows those there are", name);
    struct trail_recovery recovery = { 0 };
    if (status == TALLY_OK)
        status = mode == TRAIL_WRITE ? open_for_writing(trail, &recovery, error)
                                     : open_for_reading(trail, &recovery, error);
    if (status != TALLY_OK) {
        trail_free(trail);
        return status;
    }
    if (mode == TRAIL_WRITE) {
        trail_count_memory(trail);
        trail_count_journal(trail);
        folder_add(folder, trail);
    }
    if (recovery_out != NULL)
        *recovery_out = recovery;
    *trail_out = trail;
    return TALLY_OK;
}

tally_status
trail_close(struct trail *trail, struct tally_error *error)
{
    if (trail == NULL)
        return TALLY_OK;
    tally_status status = TALLY_OK;
    if (trail->mode == TRAIL_WRITE) {
        committer_stop(trail);
        folder_remove(trail->folder, trail);
        bool large = journal_size(trail->journal) > trail->options.close_journal_max;
        if (trail_poisoned(trail) != NULL)
            status = fault(error, TALLY_POISONED, "trail %s: %s", trail->name, trail->poison);
        else
            status = trail_seal(trail, large ? SEAL_ALL : SEAL_FULL, error);
        tally_status signed_ = trail_sign(trail, status == TALLY_OK ? error : NULL);
        if (status == TALLY_OK)
            status = signed_;
        if (status == TALLY_OK)
            status = journal_trim(trail->journal, trail->manifest.journal.file, JOURNAL_DROP_SPARES,
                                  error);
    }
    trail_free(trail);
    return status;
}

void
trail_abandon(struct trail *trail)
{
    disk_close(trail->lock);
    trail->lock = NULL;
}

const char *
trail_name(const struct trail *trail)
{
    return trail->name;
}

const char *
trail_origin(const struct trail *trail)
{
    return trail->origin;
}

const struct tally_vkey *
trail_vkey(const struct trail *trail)
{
    return &trail->vkey;
}

uint64_t
trail_fields_private(const struct trail *trail)
{
    return trail->fields_private;
}

bool
trail_is_writable(const struct trail *trail)
{
    return trail->mode == TRAIL_WRITE;
}

uint64_t
trail_size(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    uint64_t size = trail->size;
    (void)pthread_mutex_unlock(&trail->mutex);
    return size;
}

bool
trail_wait(struct trail *trail, uint64_t size, int64_t until)
{
    bool in_time = true;
    (void)pthread_mutex_lock(&trail->mutex);
    while (trail->size <= size && in_time)
        in_time = condition_wait(&trail->changed, &trail->mutex, until);
    bool more = trail->size > size;
    (void)pthread_mutex_unlock(&trail->mutex);
    return more;
}
