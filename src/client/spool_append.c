/*
 * spool_append.c - events join the queue, and the oldest are dropped to make room for them.
 */
#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "spool_parts.h"

#include <assert.h>

/* How long a full disk is left alone. */
#define DISK_PAUSE (CLOCK_SECOND / 20)

/* The last file can be begun anew where it is the only one and every event of it is done. */
static bool
use_again(struct spool *spool)
{
    struct spool_file *file = spool->last;
    bool done = false;
    lock(&spool->append);
    if (spool->first == file && file->done == atomic_load(&file->tail)) {
        row_begin_again(spool);
        done = true;
    }
    unlock(&spool->append);
    return done;
}

/* Another last file, where `full` still is it and still is full. */
static tally_status
roll(struct spool *spool, struct spool_file *full, uint32_t size, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    lock(&spool->making);
    lock(&spool->mutex);
    if (spool->last == full && !spool_file_fits(full, size) && !use_again(spool)) {
        status = row_add(spool, error);
        if (status == TALLY_FULL)
            spool->wanted = size;
    }
    unlock(&spool->mutex);
    unlock(&spool->making);
    return status;
}

static void
wake_reader(struct spool *spool)
{
    if (!atomic_load(&spool->waiting))
        return;
    lock(&spool->mutex);
    if (atomic_exchange(&spool->waiting, false))
        (void)pthread_cond_signal(&spool->readable);
    unlock(&spool->mutex);
}

tally_status
spool_append(struct spool *spool, struct bytes event, struct tally_error *error)
{
    assert(!spool->dead);
    if (event.size == 0 || event.size > SPOOL_EVENT_MAX || event.size > spool->file_size / 2)
        return fault(error, TALLY_INVALID, "an event of %zu bytes is none that can be kept",
                     event.size);
    uint32_t size = (uint32_t)event.size;
    for (;;) {
        lock(&spool->append);
        struct spool_file *file = spool->last;
        uint32_t at = spool->tail;
        uint32_t end = spool_file_reserve(file, at, size);
        if (end != 0) {
            spool->tail = end;
            spool->appended++;
        }
        unlock(&spool->append);
        if (end != 0) {
            spool_file_fill(file, at, event, clock_now());
            wake_reader(spool);
            if (at <= spool->file_size / 2 && end > spool->file_size / 2)
                row_prepare(spool);
            return TALLY_OK;
        }
        tally_status status = roll(spool, file, size, error);
        if (status != TALLY_OK)
            return status;
    }
}

/* Whether the event that did not fit last would now. */
static bool
has_room(struct spool *spool)
{
    return spool->spare != NULL || spool->size + spool->file_size <= spool->size_max ||
           spool_file_fits(spool->last, spool->wanted) ||
           spool->last->done == atomic_load(&spool->last->tail);
}

bool
spool_wait_room(struct spool *spool, int64_t until)
{
    lock(&spool->mutex);
    if (spool->disk_full) {
        /* Others fill and free it, and nobody tells. */
        int64_t soon = clock_monotonic() + DISK_PAUSE;
        bool in_time = soon < until;
        (void)condition_wait(&spool->room, &spool->mutex, in_time ? soon : until);
        unlock(&spool->mutex);
        return in_time;
    }
    bool room;
    bool in_time = true;
    while (!(room = has_room(spool)) && in_time)
        in_time = condition_wait(&spool->room, &spool->mutex, until);
    unlock(&spool->mutex);
    return room;
}

/* Notes that its events are done and counts them. */
static void
count_dropped(struct spool *spool, const struct survey *survey)
{
    spool->removed += survey->whole + survey->damaged;
    spool->damaged += survey->damaged;
}

/* Takes `file` out of the row; it is not the last. Where a sync holds it, it is not cleared at once,
 * and what was dropped must not come back after a kill. */
static void
drop_file(struct spool *spool, struct spool_file *file)
{
    struct spool_file **at = &spool->first;
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    spool_file_set_done(file, atomic_load(&file->tail));
    row_release(spool, file);
}

/* Drops a file's events, if there are some and nobody is at them. */
static bool
try_drop(struct spool *spool, struct spool_file *file, struct survey *survey)
{
    if (file->lent)
        return false;
    if (file != spool->last) {
        if (!row_survey(file, survey) || survey->whole == 0)
            return false;
        count_dropped(spool, survey);
        drop_file(spool, file);
        return true;
    }
    if (spool->dead)
        return false;
    bool dropped = false;
    lock(&spool->append);
    if (row_survey(file, survey) && survey->whole > 0) {
        count_dropped(spool, survey);
        row_begin_again(spool);
        (void)pthread_cond_broadcast(&spool->room);
        dropped = true;
    }
    unlock(&spool->append);
    return dropped;
}

tally_status
spool_drop_oldest(struct spool *spool, uint64_t *count_out, int64_t *since_out)
{
    struct survey survey;
    bool dropped = false;
    lock(&spool->mutex);
    for (struct spool_file *file = spool->first, *next; file != NULL && !dropped; file = next) {
        next = file->next;
        dropped = try_drop(spool, file, &survey);
    }
    unlock(&spool->mutex);
    if (!dropped)
        return TALLY_ABSENT;
    *count_out = survey.whole;
    *since_out = survey.since;
    return TALLY_OK;
}
