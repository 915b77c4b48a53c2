/*
 * trail_state.c - one look at an open trail under its mutex, so that all figures are of one moment.
 *
 * The journal's size belongs to who has the order, for as long as the disk takes. It is noted under
 * the mutex when it has changed, so that looking waits for no disk.
 */
#include "trail_state.h"

#include "trail_core.h"

void
trail_count_journal(struct trail *trail)
{
    uint64_t size = journal_size(trail->journal);
    (void)pthread_mutex_lock(&trail->mutex);
    trail->journal_size = size;
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
trail_state_read(struct trail *trail, struct trail_state *state_out)
{
    (void)pthread_mutex_lock(&trail->mutex);
    *state_out = (struct trail_state){
        .writing = trail->mode == TRAIL_WRITE,
        .size = trail->size,
        .signed_size = trail->note.size == 0 ? 0 : trail->note.checkpoint.size,
        .unsigned_since = trail->unsigned_since,
        .head_entries = trail->head == NULL ? 0 : head_count(trail->head),
        .heads_frozen = trail->frozen_count,
        .heads_memory = trail->heads_memory,
        .journal_size = trail->journal_size,
        .segments = trail->manifest.count,
        .behind = trail->frozen_count > 0 && head_is_full(trail, 0),
        .poisoned = is_poisoned(trail),
    };
    (void)pthread_mutex_unlock(&trail->mutex);
}
