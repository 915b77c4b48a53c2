/*
 * sign.c - checkpoints: what the trail vouches for, signed and published.
 *
 * What is signed is what was published to readers: it is in the journal, synced. A crash before the
 * checkpoint is durable leaves the one before it, which is as true; the next opening signs the
 * rest.
 */
#include "clock.h"
#include "trail_core.h"

#include <assert.h>

tally_status
trail_sign(struct trail *trail, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    struct tally_error unwanted;
    if (error == NULL)
        error = &unwanted;
    (void)pthread_mutex_lock(&trail->signing);
    (void)pthread_mutex_lock(&trail->mutex);
    struct tally_tree tree = trail->published;
    bool needed = trail->note.size == 0 || trail->note.checkpoint.size < tree.size;
    bool poisoned = is_poisoned(trail);
    int64_t since = trail->unsigned_since;
    (void)pthread_mutex_unlock(&trail->mutex);
    tally_status status = TALLY_OK;
    /* What a poisoned trail has published is durable and may be signed; but the disk is not trusted
     * with it any more. */
    if (!needed || poisoned)
        goto unlock;

    struct note note = { .checkpoint.size = tree.size };
    memcpy(note.checkpoint.origin, trail->origin, sizeof trail->origin);
    tally_tree_root(&tree, &note.checkpoint.root);
    status = tally_checkpoint_sign(&note.checkpoint, &trail->signer, note.text, sizeof note.text,
                                   &note.size, error);
    if (status == TALLY_OK)
        status = journal_publish(trail->journal, bytes_of(note.text, note.size), tree.size, error);
    if (status != TALLY_OK) {
        if (status != TALLY_FULL && status != TALLY_NO_MEMORY)
            trail_poison(trail, error);
        goto unlock;
    }
    (void)pthread_mutex_lock(&trail->mutex);
    trail->note = note;
    /* Commits that came meanwhile are younger than the one that was waited for. */
    trail->unsigned_since =
        trail->size == tree.size ? 0 : (since == trail->unsigned_since ? clock_monotonic() : since);
    (void)pthread_mutex_unlock(&trail->mutex);
unlock:
    (void)pthread_mutex_unlock(&trail->signing);
    return status;
}
