/*
 * spool.c - how a spool begins and ends.
 */
#include "condition.h"
#include "fault.h"
#include "spool_parts.h"

#include <dirent.h>
#include <stdlib.h>

static struct spool *
make(struct spool_folder *folder)
{
    struct spool *spool = aligned_alloc(alignof(struct spool), sizeof *spool);
    if (spool == NULL)
        return NULL;
    memset(spool, 0, sizeof *spool);
    spool->folder = folder;
    /* It is held so shortly that whoever finds it taken does better to look again than to sleep. */
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&spool->append, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    (void)pthread_mutex_init(&spool->making, NULL);
    (void)pthread_mutex_init(&spool->mutex, NULL);
    (void)pthread_mutex_init(&spool->sync, NULL);
    condition_init(&spool->readable);
    condition_init(&spool->room);
    return spool;
}

/* Frees all but files and folder. */
static void
destroy(struct spool *spool)
{
    (void)pthread_cond_destroy(&spool->readable);
    (void)pthread_cond_destroy(&spool->room);
    (void)pthread_mutex_destroy(&spool->append);
    (void)pthread_mutex_destroy(&spool->making);
    (void)pthread_mutex_destroy(&spool->mutex);
    (void)pthread_mutex_destroy(&spool->sync);
    free(spool->events);
    free(spool->places);
    free(spool);
}

tally_status
spool_create(const struct spool_options *options, struct spool **spool_out,
             struct tally_error *error)
{
    struct spool_folder *folder = NULL;
    tally_status status = TALLY_OK;
    if (options->root != NULL)
        status = spool_folder_create(options->root, options->destination, &folder, error);
    if (status != TALLY_OK)
        return status;
    struct spool *spool = make(folder);
    if (spool == NULL) {
        status = memory_fault(error);
        goto remove_folder;
    }
    spool->size_max = options->size_max;
    spool->file_size = options->file_size == 0 ? SPOOL_FILE_SIZE : options->file_size;
    status = row_add(spool, error);
    if (status != TALLY_OK)
        goto destroy_spool;
    *spool_out = spool;
    return TALLY_OK;

destroy_spool:
    destroy(spool);
remove_folder:
    if (folder != NULL)
        spool_folder_remove(folder);
    return status;
}

/* Puts a dead process's file where its number says. */
static void
insert_file(struct spool *spool, struct spool_file *file)
{
    struct spool_file **at = &spool->first;
    while (*at != NULL && (*at)->number < file->number)
        at = &(*at)->next;
    file->next = *at;
    *at = file;
}

static tally_status
load_file(struct spool *spool, uint32_t slot, struct tally_error *error)
{
    struct spool_file *file;
    struct survey survey;
    tally_status status = spool_file_open(row_folder(spool), slot, &file, error);
    if (status == TALLY_ABSENT) {
        spool_file_remove(row_folder(spool), slot);
        return TALLY_OK;
    }
    /* It stays where it is, for people; the folder will have no owner then. */
    if (status == TALLY_UNSUPPORTED || status == TALLY_DAMAGED) {
        spool->damaged++;
        return TALLY_OK;
    }
    if (status != TALLY_OK)
        return status;
    if (spool_folder_is_older_than_boot(spool->folder))
        spool_file_set_sending(file, file->size);
    (void)row_survey(file, &survey);
    spool->appended += survey.whole + survey.damaged;
    spool->size += file->size;
    insert_file(spool, file);
    return TALLY_OK;
}

static tally_status
load(struct spool *spool, struct tally_error *error)
{
    DIR *names = opendir(row_folder(spool));
    if (names == NULL)
        return io_fault(error, "cannot list %s", row_folder(spool));
    tally_status status = TALLY_OK;
    for (struct dirent *entry; status == TALLY_OK && (entry = readdir(names)) != NULL;) {
        uint32_t slot;
        if (spool_file_slot(entry->d_name, &slot))
            status = load_file(spool, slot, error);
    }
    (void)closedir(names);
    return status;
}

/* Takes over what is in the folder, which is the spool's then; else it is left. */
static tally_status
adopt_folder(struct spool_folder *folder, struct spool **spool_out, struct tally_error *error)
{
    struct spool *spool = make(folder);
    if (spool == NULL) {
        spool_folder_leave(folder);
        return memory_fault(error);
    }
    spool->dead = true;
    tally_status status = load(spool, error);
    if (status != TALLY_OK) {
        row_unmap(spool);
        destroy(spool);
        spool_folder_leave(folder);
        return status;
    }
    *spool_out = spool;
    return TALLY_OK;
}

tally_status
spool_adopt(const char *root, const char *destination, struct spool **spool_out,
            struct tally_error *error)
{
    for (;;) {
        struct spool_folder *folder;
        struct spool *spool = NULL;
        tally_status status = spool_folder_adopt(root, destination, &folder, error);
        if (status == TALLY_OK)
            status = adopt_folder(folder, &spool, error);
        if (status != TALLY_OK)
            return status;
        if (spool->appended > 0) {
            *spool_out = spool;
            return TALLY_OK;
        }
        spool_close(spool);
    }
}

void
spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    bool empty = row_front(spool) == SPOOL_FRAME_NONE;
    if (spool->spare != NULL)
        row_remove(spool, spool->spare);
    if (empty || spool->folder == NULL) {
        for (struct spool_file *file; (file = spool->first) != NULL;) {
            spool->first = file->next;
            row_remove(spool, file);
        }
        if (spool->folder != NULL)
            spool_folder_remove(spool->folder);
    } else {
        /* There is nobody to tell that it failed. */
        tally_status synced = spool_sync(spool, NULL);
        (void)synced;
        row_unmap(spool);
        spool_folder_leave(spool->folder);
    }
    destroy(spool);
}

void
spool_abandon(struct spool *spool)
{
    if (spool == NULL)
        return;
    /* Mappings are not inherited; something else may be where they were. */
    for (struct spool_file *file = spool->first; file != NULL; file = file->next)
        file->base = NULL;
    row_unmap(spool);
    if (spool->spare != NULL) {
        spool->spare->base = NULL;
        spool_file_destroy(spool->spare);
    }
    spool_folder_abandon(spool->folder);
    /* The locks may be held by threads that do not exist here. */
    free(spool->events);
    free(spool->places);
    free(spool);
}

void
spool_get_state(struct spool *spool, struct spool_state *state_out)
{
    lock(&spool->mutex);
    lock(&spool->append);
    *state_out = (struct spool_state){
        .appended = spool->appended,
        .queued = spool->appended - spool->removed,
        .damaged = spool->damaged,
        .size = spool->size,
        .volatile_ = spool->folder != NULL && spool_folder_is_volatile(spool->folder),
    };
    unlock(&spool->append);
    unlock(&spool->mutex);
}

const char *
spool_path(const struct spool *spool)
{
    return row_folder(spool);
}
