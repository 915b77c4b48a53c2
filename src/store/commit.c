/*
 * commit.c - the sequencer: gives batches their place and makes them durable.
 *
 * Whoever appends puts an append into the queue. If nobody has the order, that thread takes it,
 * becomes the leader and commits everything that is in the queue as one record with one sync; the
 * others wait and, when it is done, one of those that came meanwhile leads the next. So an idle
 * trail syncs at once, and a busy one syncs once for all that came during the last sync, without
 * any timer. For those who do not wait (trail_append_begin()) a thread of the trail's own leads.
 *
 * Committing a group, in this order:
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
#include "entry.h"
#include "fault.h"
#include "trail_core.h"
#include "tree_many.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Batches join one record up to this size; a larger batch is a record of its own. */
#define GROUP_SIZE_MAX (2u << 20)

/* The bodies of so many are written as they are, each perhaps with a call of the system of its own. */
#define BODIES_MAX 8u

void
order_take(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    while (trail->ordered)
        (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    trail->ordered = true;
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
order_release(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    trail->ordered = false;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
trail_poison(struct trail *trail, const struct tally_error *error)
{
    (void)pthread_mutex_lock(&trail->mutex);
    if (trail->poison[0] == '\0')
        (void)snprintf(trail->poison, sizeof trail->poison, "%s", error->text);
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
}

const char *
trail_poisoned(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    const char *why = trail->poison[0] == '\0' ? NULL : trail->poison;
    (void)pthread_mutex_unlock(&trail->mutex);
    return why;
}

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
        bool poisoned = trail->poison[0] != '\0';
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

/* The bodies of the batches of a group, if these are few and all of it is new: that is the record then.
 * Returns how many they are, else 0. */
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

void
trail_count_memory(struct trail *trail)
{
    size_t memory = all_heads_memory(trail);
    folder_count_memory(trail->folder, (ptrdiff_t)memory - (ptrdiff_t)trail->heads_memory);
    trail->heads_memory = memory;
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

static void
write_group(struct trail *trail, struct append *group, uint32_t count)
{
    struct tally_error error = { 0 };
    tally_status status = write_record(trail, group, count, &error);
    if (status != TALLY_OK) {
        head_discard(trail->head);
        if (status != TALLY_FULL && status != TALLY_NO_MEMORY && status != TALLY_INVALID)
            trail_poison(trail, &error);
        fail_group(group, trail->tree.size, status, &error);
        return;
    }
    for (struct append *append = group; append != NULL && status == TALLY_OK; append = append->next)
        if (append->staged)
            status = enter_tree(trail, append, &error);
    if (status != TALLY_OK) {
        head_discard(trail->head);
        trail_poison(trail, &error);
        fail_group(group, trail->tree.size, status, &error);
        return;
    }
    publish(trail);
}

/* Commits a group. Each batch's status is set. Under the order. */
static void
commit_group(struct trail *trail, struct append *group)
{
    struct tally_error error = { 0 };
    uint32_t events = 0;
    for (const struct append *append = group; append != NULL; append = append->next)
        events += append->batch->count;
    tally_status status = trail_poisoned(trail) != NULL
                              ? poisoned_fault(trail, &error)
                              : make_head_room(trail, events, group->wait, &error);
    if (status != TALLY_OK) {
        fail_group(group, trail->tree.size, status, &error);
        return;
    }
    uint32_t fresh = 0;
    for (struct append *append = group; append != NULL; append = append->next) {
        append->status = stage(trail, append, trail->tree.size + fresh);
        if (append->status < 0) {
            head_discard(trail->head);
            error = append->error;
            fail_group(group, trail->tree.size, append->status, &error);
            return;
        }
        fresh += append->staged ? append->fresh : 0;
    }
    if (fresh > 0)
        write_group(trail, group, fresh);

    for (struct append *append = group; append != NULL; append = append->next) {
        if (!append->staged || append->status != TALLY_OK)
            continue;
        if (append->fresh == 0) {
            /* Twins of repeats get their receipts too. */
            status = enter_tree(trail, append, &error);
            assert(status == TALLY_OK);
            append->status = TALLY_REPEATED;
        }
        append->result = (struct append_result){
            .first = append->first,
            .count = append->fresh,
            .size = trail->tree.size,
        };
    }
}

/* Takes from the queue what one record may hold: at least one batch, and only batches that agree on
 * whether to wait. Under the mutex. */
static struct append *
take_group(struct trail *trail)
{
    struct append *group = trail->queue;
    struct append *last = group;
    size_t size = group->batch->body.size;
    uint32_t count = group->batch->count;
    while (last->next != NULL && last->next->wait == group->wait &&
           size + last->next->batch->body.size <= GROUP_SIZE_MAX &&
           count + last->next->batch->count <= BATCH_ENTRIES_MAX) {
        last = last->next;
        size += last->batch->body.size;
        count += last->batch->count;
    }
    trail->queue = last->next;
    if (trail->queue == NULL)
        trail->queue_end = &trail->queue;
    last->next = NULL;
    return group;
}

/* While a leader waits for the sealer it has given up the order, but nobody else may lead: what is
 * in the queue came later than what it took. */
static bool
may_lead(const struct trail *trail)
{
    return trail->queue != NULL && !trail->ordered && !trail->leading;
}

/* Takes what is settled off the group: threads that wait are told at once, and what does not wait is
 * returned, to be called without the mutex. */
static struct append *
settle(struct append *group)
{
    struct append *called = NULL, **end = &called;
    for (struct append *next; group != NULL; group = next) {
        next = group->next; /* its thread may end as soon as it is settled */
        if (group->done == NULL) {
            group->settled = true;
            continue;
        }
        group->next = NULL;
        *end = group;
        end = &group->next;
    }
    return called;
}

/* Commits what the queue holds, as far as it fits one record, and tells everybody. Under the mutex,
 * with nobody having the order; gives the mutex up in between. */
static void
lead(struct trail *trail)
{
    trail->leading = true;
    trail->ordered = true;
    struct append *group = take_group(trail);
    (void)pthread_mutex_unlock(&trail->mutex);
    commit_group(trail, group);
    (void)pthread_mutex_lock(&trail->mutex);
    struct append *called = settle(group);
    trail->ordered = false;
    trail->leading = false;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    for (struct append *next; called != NULL; called = next) {
        next = called->next;
        called->done(called);
    }
    (void)pthread_mutex_lock(&trail->mutex);
}

/* Leads for those that do not wait. */
static void *
committer_main(void *context)
{
    struct trail *trail = context;
    (void)pthread_setname_np(pthread_self(), "tally-commit");
    (void)pthread_mutex_lock(&trail->mutex);
    while (!trail->closing || trail->queue != NULL) {
        if (may_lead(trail))
            lead(trail);
        else
            (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    return NULL;
}

void
committer_stop(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    bool running = trail->committing;
    trail->closing = true;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    if (running)
        (void)pthread_join(trail->committer, NULL);
    trail->committing = false;
}

static void
enqueue(struct trail *trail, struct append *append)
{
    append->next = NULL;
    *trail->queue_end = append;
    trail->queue_end = &append->next;
}

void
trail_append_begin(struct trail *trail, struct append *append)
{
    assert(trail->mode == TRAIL_WRITE && append->batch->count > 0 && append->done != NULL);
    batch_complete(append->batch);
    (void)pthread_mutex_lock(&trail->mutex);
    if (!trail->committing)
        trail->committing = pthread_create(&trail->committer, NULL, committer_main, trail) == 0;
    bool begun = trail->committing;
    if (begun) {
        enqueue(trail, append);
        (void)pthread_cond_broadcast(&trail->changed);
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    if (!begun) {
        append->status = fault(&append->error, TALLY_NO_MEMORY, "no thread could be started");
        append->done(append);
    }
}

bool
trail_append_withdraw(struct trail *trail, struct append *append)
{
    (void)pthread_mutex_lock(&trail->mutex);
    struct append **link = &trail->queue;
    while (*link != NULL && *link != append)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found) {
        *link = append->next;
        if (trail->queue_end == &append->next)
            trail->queue_end = link;
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    return found;
}

tally_status
trail_append(struct trail *trail, struct batch *batch, enum append_wait wait,
             struct receipt *receipts, struct append_result *result_out, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    struct append append = { .batch = batch, .receipts = receipts, .wait = wait };
    if (batch->count == 0)
        return fault(error, TALLY_INVALID, "there is no event to record");

    batch_complete(batch);
    (void)pthread_mutex_lock(&trail->mutex);
    enqueue(trail, &append);
    while (!append.settled) {
        if (may_lead(trail))
            lead(trail);
        else
            (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    }
    (void)pthread_mutex_unlock(&trail->mutex);

    *result_out = append.result;
    if (append.status != TALLY_OK && append.status != TALLY_REPEATED && error != NULL)
        *error = append.error;
    return append.status;
}
