/*
 * spool_read.c - events are read, noted as being sent, and leave the queue; and the reader waits.
 */
#include "condition.h"
#include "spool_parts.h"

#include <assert.h>
#include <stdlib.h>

/* Room for more events in the run. What was there is freed last: see spool_parts.h. */
static bool
grow_run(struct spool *spool)
{
    size_t capacity = spool->capacity == 0 ? 256 : spool->capacity * 2;
    struct bytes *events = malloc(capacity * sizeof *events);
    struct place *places = malloc(capacity * sizeof *places);
    if (events == NULL || places == NULL) {
        free(events);
        free(places);
        return false;
    }
    if (spool->count > 0) {
        memcpy(events, spool->events, spool->count * sizeof *events);
        memcpy(places, spool->places, spool->count * sizeof *places);
    }
    struct bytes *old_events = spool->events;
    struct place *old_places = spool->places;
    spool->events = events;
    spool->places = places;
    spool->capacity = capacity;
    free(old_events);
    free(old_places);
    return true;
}

static void
end_run(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        spool->places[i].file->lent = false;
    spool->count = 0;
}

/* Collects the run from the front, where there is an event. */
static void
collect_run(struct spool *spool, size_t count_max, size_t size_max, struct spool_run *run)
{
    struct spool_file *file = spool->first;
    uint32_t at = file->done;
    run->again = at < file->sending;
    while (spool->count < count_max) {
        struct spool_frame frame;
        spool_file_look(file, at, &frame);
        if (frame.kind == SPOOL_FRAME_NONE && file->next != NULL) {
            file = file->next;
            at = file->done;
            continue;
        }
        if (frame.kind != SPOOL_FRAME_WHOLE || run->again != (at < file->sending))
            return;
        if (spool->count > 0 && (run->size > size_max || frame.event.size > size_max - run->size))
            return;
        if (spool->count == spool->capacity && !grow_run(spool))
            return;
        spool->events[spool->count] = frame.event;
        spool->places[spool->count++] = (struct place){ file, frame.next };
        file->lent = true;
        run->size += frame.event.size;
        at = frame.next;
    }
}

tally_status
spool_read(struct spool *spool, size_t count_max, size_t size_max, struct spool_run *run_out)
{
    assert(count_max > 0);
    struct spool_run run = { 0 };
    lock(&spool->mutex);
    end_run(spool);
    tally_status status = TALLY_ABSENT;
    if (row_front(spool) == SPOOL_FRAME_WHOLE) {
        collect_run(spool, count_max, size_max, &run);
        lock(&spool->append);
        run.all = spool->appended - spool->removed == spool->count;
        unlock(&spool->append);
        status = spool->count > 0 ? TALLY_OK : TALLY_NO_MEMORY;
    }
    run.events = spool->events;
    run.count = spool->count;
    unlock(&spool->mutex);
    if (status == TALLY_OK)
        *run_out = run;
    return status;
}

void
spool_sending(struct spool *spool, size_t count)
{
    lock(&spool->mutex);
    assert(count <= spool->count);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || spool->places[i + 1].file != spool->places[i].file)
            spool_file_set_sending(spool->places[i].file, spool->places[i].end);
    unlock(&spool->mutex);
}

void
spool_done(struct spool *spool, size_t count)
{
    lock(&spool->mutex);
    assert(count <= spool->count);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || spool->places[i + 1].file != spool->places[i].file)
            spool_file_set_done(spool->places[i].file, spool->places[i].end);
    spool->removed += count;
    end_run(spool);
    (void)row_front(spool);
    unlock(&spool->mutex);
}

static bool
is_readable(struct spool *spool)
{
    return row_front(spool) == SPOOL_FRAME_WHOLE;
}

/* Waits for what an event may bring. */
static bool
wait_until(struct spool *spool, bool (*is_ready)(struct spool *spool), int64_t until)
{
    lock(&spool->mutex);
    bool ready;
    bool in_time = true;
    for (;;) {
        atomic_store(&spool->waiting, true);
        ready = is_ready(spool);
        if (ready || spool->woken || !in_time)
            break;
        in_time = condition_wait(&spool->readable, &spool->mutex, until);
    }
    atomic_store(&spool->waiting, false);
    spool->woken = false;
    unlock(&spool->mutex);
    return ready;
}

bool
spool_wait(struct spool *spool, int64_t until)
{
    return wait_until(spool, is_readable, until);
}

bool
spool_wait_unsynced(struct spool *spool, int64_t until)
{
    return wait_until(spool, row_is_unsynced, until);
}

void
spool_wake(struct spool *spool)
{
    lock(&spool->mutex);
    spool->woken = true;
    (void)pthread_cond_signal(&spool->readable);
    unlock(&spool->mutex);
}
