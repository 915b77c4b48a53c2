/*
 * commit.c - the sequencer: a group of batches gets its place and becomes durable.
 *
 * A group is what the leader took from the queue (append.c). Under the order, it goes this way:
 *
 *     1. ids        every event is looked up; repeats get their first receipt, a conflict refuses
 *                   its whole batch, what is new joins the head, unpublished
 *     2. journal    one record of all new entries, synced: from here on it is durable
 *     3. tree       leaves are added, and level 8 hashes where 256 are complete
 *     4. publish    the head's rows become visible, so that a writer reads its own entries
 *     5. receipts   the waiting threads go on
 *
 * Crash: before 2 is done nothing was acknowledged; the record is there whole or is cut. After 2
 * the journal has it. A fault before 2 takes the head's rows back and nothing has happened. If 2
 * answers anything but TALLY_OK or TALLY_FULL, or 3 lacks memory, what is on disk is in doubt: the
 * trail is poisoned.
 */
#include "clock.h"
#include "fault.h"
#include "trail_core.h"
#include "tree_many.h"

#include <assert.h>

/* The bodies of so many are written as they are, each perhaps with a call of the system of its own.
 */
#define BODIES_MAX 8u

static tally_status
poisoned_fault(struct trail *trail, struct tally_error *error)
{
    return fault(error, TALLY_POISONED,
                 "trail %s takes no more entries since a write is in doubt (%s): open it again",
                 trail->name, trail->poison);
}

tally_status
tree_grow(struct tally_tree *tree, struct hashes *hashes, const struct tally_hash *leaves,
          size_t count, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    while (count > 0 && status == TALLY_OK) {
        size_t room = tree_many_room(tree);
        size_t some = count < room ? count : room;
        struct tally_hash node;
        if (tree_append_many(tree, leaves, some, &node) && hashes != NULL)
            status = hashes_append(hashes, &node, error);
        leaves += some;
        count -= some;
    }
    return status;
}

/* Makes sure that the head has room for a batch of `count`: freezes a full one. At most one head
 * fills while one seals. Under the order; gives it up while it waits for the sealer. */
static tally_status
make_head_room(struct trail *trail, uint32_t count, enum append_wait wait,
               struct tally_error *error)
{
    for (;;) {
        if (!head_is_full(trail, count))
            return TALLY_OK;
        (void)pthread_mutex_lock(&trail->mutex);
        bool sealer_behind = trail->frozen_count > 0;
        bool poisoned = is_poisoned(trail);
        (void)pthread_mutex_unlock(&trail->mutex);
        if (poisoned)
            return poisoned_fault(trail, error);
        if (!sealer_behind)
            return trail_freeze(trail, error);
        if (wait == APPEND_REFUSE)
            return fault(error, TALLY_BUSY,
                         "trail %s: both heads are full and one is being sealed; try again soon",
                         trail->name);
        /* Sealing ends by taking the order for the trim: let it. */
        order_release(trail);
        sealing_take(trail);
        tally_status status = seal_frozen(trail, error);
        sealing_release(trail);
        order_take(trail);
        if (status != TALLY_OK)
            return status;
    }
}

static bool
is_fresh(const struct append *append, uint32_t i)
{
    return append->receipts[i].index == UINT64_MAX && append->batch->items[i].same_as == UINT32_MAX;
}

/* Puts a batch's new entries into the head, unpublished, from index `next` on. On a conflict the
 * head is untouched; a lack of memory is for the whole group to undo. */
static tally_status
stage(struct trail *trail, struct append *append, uint64_t next)
{
    struct batch *batch = append->batch;
    tally_status status =
        repeats_find(trail, batch, append->receipts, &append->result, &append->error);
    if (status != TALLY_OK)
        return status;

    append->first = next;
    for (uint32_t i = 0; i < batch->count && status == TALLY_OK;) {
        struct head_entry entries[HEAD_ROWS_AT_ONCE];
        uint32_t count = 0;
        for (; i < batch->count && count < HEAD_ROWS_AT_ONCE; i++) {
            const struct batch_item *item = &batch->items[i];
            if (is_fresh(append, i))
                entries[count++] = (struct head_entry){ item->event.values, item->salt };
        }
        status = head_append(trail->head, entries, count, &append->error);
        append->fresh += count;
    }
    append->staged = status == TALLY_OK;
    return status;
}

/* Step 1 for a group, of which *fresh_out entries are new. On a fault the head is as it was. */
static tally_status
stage_group(struct trail *trail, struct append *group, uint32_t *fresh_out,
            struct tally_error *error)
{
    uint32_t fresh = 0;
    for (struct append *append = group; append != NULL; append = append->next) {
        append->status = stage(trail, append, trail->tree.size + fresh);
        if (append->status < 0) {
            head_discard(trail->head);
            *error = append->error;
            return append->status;
        }
        fresh += append->staged ? append->fresh : 0;
    }
    *fresh_out = fresh;
    return TALLY_OK;
}

/* The bodies of the batches of a group, if these are few and all of it is new: that is the record
 * then. Returns how many they are, else 0. */
static size_t
whole_bodies(const struct append *group, struct bytes bodies[BODIES_MAX])
{
    size_t count = 0;
    for (const struct append *append = group; append != NULL; append = append->next) {
        if (count == BODIES_MAX || !append->staged || append->fresh != append->batch->count)
            return 0;
        bodies[count++] = buffer_view(&append->batch->body);
    }
    return count;
}

/* A record of what is new in a group. */
static void
join(const struct append *group, struct buffer *joined)
{
    size_t size = 0;
    for (const struct append *append = group; append != NULL; append = append->next)
        size += append->batch->body.size;
    (void)buffer_reserve(joined, size);
    for (const struct append *append = group; append != NULL; append = append->next)
        for (uint32_t i = 0; append->staged && i < append->batch->count; i++)
            if (is_fresh(append, i))
                buffer_append(joined, append->batch->body.data + append->batch->items[i].offset,
                              append->batch->items[i].size);
}

/* Writes the batches' own bodies, or a copy of what is new in them. */
static tally_status
write_record(struct trail *trail, const struct append *group, uint32_t count,
             struct tally_error *error)
{
    struct bytes bodies[BODIES_MAX];
    size_t body_count = whole_bodies(group, bodies);
    if (body_count > 0)
        return journal_append_pieces(trail->journal, trail->epoch, trail->tree.size, count, bodies,
                                     body_count, error);
    struct buffer joined = folder_lend_buffer(trail->folder);
    join(group, &joined);
    tally_status status = buffer_failed(&joined)
                              ? memory_fault(error)
                              : journal_append(trail->journal, trail->epoch, trail->tree.size,
                                               count, buffer_view(&joined), error);
    folder_return_buffer(trail->folder, &joined);
    return status;
}

/* Step 3 and the receipts of one batch. */
static tally_status
enter_tree(struct trail *trail, struct append *append, struct tally_error *error)
{
    struct batch *batch = append->batch;
    assert(batch->hashed == batch->count);
    uint64_t index = append->first;
    struct tally_hash leaves[TREE_MANY_MAX];
    size_t count = 0;
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < batch->count && status == TALLY_OK; i++) {
        const struct batch_item *item = &batch->items[i];
        struct receipt *receipt = &append->receipts[i];
        if (item->same_as != UINT32_MAX && receipt->index == UINT64_MAX) {
            *receipt = append->receipts[item->same_as];
            receipt->repeated = true;
        }
        if (receipt->index != UINT64_MAX)
            continue;
        *receipt = (struct receipt){ .index = index++, .leaf = item->leaf };
        leaves[count++] = item->leaf;
        if (count < TREE_MANY_MAX)
            continue;
        status = tree_grow(&trail->tree, trail->hashes, leaves, count, error);
        count = 0;
    }
    if (status == TALLY_OK)
        status = tree_grow(&trail->tree, trail->hashes, leaves, count, error);
    return status;
}

static void
publish(struct trail *trail)
{
    head_publish(trail->head);
    (void)pthread_mutex_lock(&trail->mutex);
    trail_count_memory(trail);
    trail->size = trail->tree.size;
    trail->published = trail->tree;
    bool first_unsigned = trail->unsigned_since == 0;
    if (first_unsigned)
        trail->unsigned_since = clock_monotonic();
    trail->journal_size = journal_size(trail->journal);
    (void)pthread_mutex_unlock(&trail->mutex);
    /* The signer is awake as long as something is unsigned. */
    if (first_unsigned)
        folder_wake_signer(trail->folder);
    if (folder_memory_short(trail->folder))
        folder_wake_sealer(trail->folder);
}

/* What a group's common fate means for each of its batches: `size` entries are there, and what the
 * group was to add to them is not. */
static void
fail_group(struct append *group, uint64_t size, tally_status status,
           const struct tally_error *error)
{
    for (struct append *append = group; append != NULL; append = append->next) {
        bool with_group = append->status == TALLY_CONFLICT && append->result.conflict >= size &&
                          append->result.conflict != UINT64_MAX;
        if (append->status != TALLY_OK && !with_group)
            continue; /* has a reason of its own */
        append->status = status;
        append->error = *error;
    }
}

/* Steps 2 to 4 for the `count` new entries of a group. */
static tally_status
write_group(struct trail *trail, struct append *group, uint32_t count, struct tally_error *error)
{
    tally_status status = write_record(trail, group, count, error);
    if (status != TALLY_OK) {
        head_discard(trail->head);
        if (status != TALLY_FULL && status != TALLY_NO_MEMORY && status != TALLY_INVALID)
            trail_poison(trail, error);
        return status;
    }
    for (struct append *append = group; append != NULL && status == TALLY_OK; append = append->next)
        if (append->staged)
            status = enter_tree(trail, append, error);
    if (status != TALLY_OK) {
        head_discard(trail->head);
        trail_poison(trail, error);
        return status;
    }
    publish(trail);
    return TALLY_OK;
}

/* Makes sure that a group can be committed at all. */
static tally_status
make_ready(struct trail *trail, const struct append *group, struct tally_error *error)
{
    if (trail_poisoned(trail) != NULL)
        return poisoned_fault(trail, error);
    uint32_t events = 0;
    for (const struct append *append = group; append != NULL; append = append->next)
        events += append->batch->count;
    return make_head_room(trail, events, group->wait, error);
}

/* Step 5 for a batch that was committed, or that has nothing new. */
static void
give_result(struct trail *trail, struct append *append)
{
    if (append->fresh == 0) {
        /* Twins of repeats get their receipts too. */
        struct tally_error error;
        tally_status status = enter_tree(trail, append, &error);
        assert(status == TALLY_OK);
        (void)status;
        append->status = TALLY_REPEATED;
    }
    append->result = (struct append_result){
        .first = append->first,
        .count = append->fresh,
        .size = trail->tree.size,
    };
}

void
commit_group(struct trail *trail, struct append *group)
{
    struct tally_error error = { 0 };
    uint32_t fresh = 0;
    tally_status status = make_ready(trail, group, &error);
    if (status == TALLY_OK)
        status = stage_group(trail, group, &fresh, &error);
    if (status == TALLY_OK && fresh > 0)
        status = write_group(trail, group, fresh, &error);
    if (status != TALLY_OK) {
        fail_group(group, trail->tree.size, status, &error);
        return;
    }
    for (struct append *append = group; append != NULL; append = append->next)
        if (append->staged && append->status == TALLY_OK)
            give_result(trail, append);
}
