/*
 * heads.c - the heads of a trail: one is filled, those before it are frozen and wait for the
 * sealer.
 *
 * A head is frozen when it has as many entries or takes as much memory as it may; where the heads
 * of all trails together take more than the folder allows, also when it takes more than this
 * trail's share. The journal goes on in a fresh file then, so that the frozen head's records can be
 * trimmed as a whole once its segment stands. A crash leaves the records in two files instead of
 * one.
 */
#include "trail_core.h"

#include <assert.h>

static size_t
all_heads_memory(const struct trail *trail)
{
    size_t memory = trail->head == NULL ? 0 : head_memory(trail->head);
    for (unsigned i = 0; i < trail->frozen_count; i++)
        memory += head_memory(trail->frozen[i].head);
    return memory;
}

/* While the folder is short of memory, a trail may not grow beyond its share of it. */
static bool
is_over_share(const struct trail *trail)
{
    return folder_memory_short(trail->folder) &&
           all_heads_memory(trail) >= folder_memory_share(trail->folder);
}

bool
head_is_full(const struct trail *trail, uint32_t more)
{
    uint32_t count = head_count(trail->head);
    return count > 0 &&
           (count >= trail->options.head_entries_max || count + (uint64_t)more > HEAD_ENTRIES_MAX ||
            head_memory(trail->head) >= trail->options.head_memory_max || is_over_share(trail));
}

void
trail_count_memory(struct trail *trail)
{
    size_t memory = all_heads_memory(trail);
    folder_count_memory(trail->folder, (ptrdiff_t)memory - (ptrdiff_t)trail->heads_memory);
    trail->heads_memory = memory;
}

tally_status
trail_freeze(struct trail *trail, struct tally_error *error)
{
    assert(trail->frozen_count < FROZEN_MAX);
    struct head *fresh;
    tally_status status = head_create(trail->tree.size, trail->fields_private, &fresh, error);
    if (status != TALLY_OK)
        return status;
    struct journal_position end;
    status = journal_rotate(trail->journal, &end, error);
    if (status != TALLY_OK) {
        head_release(fresh);
        if (status != TALLY_FULL && error != NULL)
            trail_poison(trail, error);
        return status;
    }
    (void)pthread_mutex_lock(&trail->mutex);
    trail->frozen[trail->frozen_count++] = (struct frozen){
        .head = trail->head,
        .tree = trail->tree,
        .end = end,
    };
    trail->head = fresh;
    (void)pthread_mutex_unlock(&trail->mutex);
    folder_wake_sealer(trail->folder);
    return TALLY_OK;
}
