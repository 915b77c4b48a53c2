/*
 * spool_row.c - files come to the end of the row and leave it at its beginning.
 */
#include "fault.h"
#include "spool_parts.h"

void
row_remove(struct spool *spool, struct spool_file *file)
{
    if (spool->folder != NULL)
        spool_file_remove(row_folder(spool), file->slot);
    spool->size -= file->size;
    spool_file_destroy(file);
}

void
row_release(struct spool *spool, struct spool_file *file)
{
    if (file->pinned) {
        file->orphan = true;
        return;
    }
    if (spool->dead || spool->spare != NULL) {
        row_remove(spool, file);
    } else {
        spool_file_clear(file);
        file->next = NULL;
        spool->spare = file;
    }
    (void)pthread_cond_broadcast(&spool->room);
}

static void
release_first(struct spool *spool)
{
    struct spool_file *file = spool->first;
    spool->first = file->next;
    row_release(spool, file);
}

/* Counts a file that is about to be made, if there is room for it. */
static tally_status
take_room(struct spool *spool, struct tally_error *error)
{
    if (spool->file_size > spool->size_max || spool->size > spool->size_max - spool->file_size)
        return fault(error, TALLY_FULL, "the spool %s is full: %llu of %llu bytes",
                     spool->folder == NULL ? "in memory" : row_folder(spool),
                     (unsigned long long)spool->size, (unsigned long long)spool->size_max);
    spool->size += spool->file_size;
    spool->slot++;
    return TALLY_OK;
}

/* The spare, or a file that is made. */
static tally_status
get_file(struct spool *spool, struct spool_file **file_out, struct tally_error *error)
{
    if (spool->spare != NULL) {
        *file_out = spool->spare;
        spool->spare = NULL;
        return TALLY_OK;
    }
    spool->disk_full = false;
    tally_status status = take_room(spool, error);
    if (status != TALLY_OK)
        return status;
    status = spool_file_create(row_folder(spool), spool->slot, spool->file_size, file_out, error);
    if (status == TALLY_OK)
        spool->named = false;
    else
        spool->size -= spool->file_size;
    spool->disk_full = status == TALLY_FULL;
    return status;
}

/* Whether what is recorded stays for a while. Where it leaves as it comes, the last file is begun
 * anew or followed by the spare. */
static bool
events_gather(const struct spool *spool)
{
    return spool->first != spool->last || spool->last->done == SPOOL_FILE_START;
}

/* Whether a file is to be made ahead; then there is room for it. */
static bool
begin_making(struct spool *spool, uint32_t *slot_out)
{
    lock(&spool->mutex);
    bool wanted =
        spool->spare == NULL && events_gather(spool) && take_room(spool, NULL) == TALLY_OK;
    *slot_out = spool->slot;
    unlock(&spool->mutex);
    return wanted;
}

/* NULL: it could not be made, and who needs it will say why. */
static void
end_making(struct spool *spool, struct spool_file *file)
{
    lock(&spool->mutex);
    if (file == NULL) {
        spool->size -= spool->file_size;
        (void)pthread_cond_broadcast(&spool->room);
    } else {
        spool->named = false;
        row_release(spool, file);
    }
    unlock(&spool->mutex);
}

void
row_prepare(struct spool *spool)
{
    struct spool_file *file = NULL;
    uint32_t slot;
    lock(&spool->making);
    if (begin_making(spool, &slot)) {
        if (spool_file_create(row_folder(spool), slot, spool->file_size, &file, NULL) == TALLY_OK)
            spool_file_prepare(row_folder(spool), file);
        end_making(spool, file);
    }
    unlock(&spool->making);
}

tally_status
row_add(struct spool *spool, struct tally_error *error)
{
    struct spool_file *file;
    tally_status status = get_file(spool, &file, error);
    if (status != TALLY_OK)
        return status;
    spool_file_begin(file, ++spool->number);
    if (spool->first == NULL)
        spool->first = file;
    else
        spool->last->next = file;
    lock(&spool->append);
    spool->last = file;
    spool->tail = SPOOL_FILE_START;
    unlock(&spool->append);
    return TALLY_OK;
}

void
row_begin_again(struct spool *spool)
{
    spool_file_clear(spool->last);
    spool_file_begin(spool->last, ++spool->number);
    spool->tail = SPOOL_FILE_START;
}

void
row_unmap(struct spool *spool)
{
    for (struct spool_file *file; (file = spool->first) != NULL;) {
        spool->first = file->next;
        spool_file_destroy(file);
    }
}

enum spool_frame_kind
row_front(struct spool *spool)
{
    struct spool_file *file;
    while ((file = spool->first) != NULL) {
        struct spool_frame frame;
        spool_file_look(file, file->done, &frame);
        switch (frame.kind) {
        case SPOOL_FRAME_PENDING:
        case SPOOL_FRAME_WHOLE:
            return frame.kind;
        case SPOOL_FRAME_NONE:
            if (file == spool->last)
                return SPOOL_FRAME_NONE;
            release_first(spool);
            break;
        case SPOOL_FRAME_DAMAGED:
            spool->damaged++;
            spool->removed++;
            spool_file_set_done(file, frame.next);
            break;
        case SPOOL_FRAME_UNFINISHED:
            spool_file_set_done(file, frame.next);
            break;
        }
    }
    return SPOOL_FRAME_NONE;
}

bool
row_survey(const struct spool_file *file, struct survey *survey_out)
{
    struct survey survey = { 0 };
    struct spool_frame frame;
    for (uint32_t at = file->done;; at = frame.next) {
        spool_file_look(file, at, &frame);
        if (frame.kind == SPOOL_FRAME_PENDING)
            return false;
        if (frame.kind == SPOOL_FRAME_NONE)
            break;
        if (frame.kind == SPOOL_FRAME_WHOLE && survey.whole++ == 0)
            survey.since = frame.time;
        survey.damaged += frame.kind == SPOOL_FRAME_DAMAGED;
    }
    *survey_out = survey;
    return true;
}

bool
row_is_unsynced(struct spool *spool)
{
    if (spool->folder == NULL || spool->dead)
        return false;
    for (const struct spool_file *file = spool->first; file != NULL; file = file->next) {
        struct spool_frame frame;
        spool_file_look(file, file->synced > file->done ? file->synced : file->done, &frame);
        if (frame.kind != SPOOL_FRAME_NONE && frame.kind != SPOOL_FRAME_PENDING)
            return true;
    }
    return !spool->named && row_front(spool) != SPOOL_FRAME_NONE;
}
