/*
 * seal.c - full heads become segments.
 *
 * Sealing a frozen head, and what a crash between the steps leaves:
 *
 *     1. a checkpoint that covers the head is signed and published (sign.c)
 *     2. the segment's files are written and synced       remnants that nothing names
 *     3. they are read back: the columns must give back every value that was committed, and entries
 *        that are put together from them the tree that the sequencer has (seal_check.c)
 *     4. the tree hashes are written and synced           a remnant
 *        and a group for the segment, or the one that it becomes part of (group_change.c)
 *     5. the manifest names the segment and the journal's new beginning (replaced by rename)
 *     6. the head is let go in memory, its journal files are trimmed: overwritten later or removed
 *
 * Before 5 is durable the journal is the truth, after it the segment is. Remnants of a crash are
 * written over when the same head is sealed again. The journal is let go only after 5. Because of 1
 * a manifest never runs ahead of the newest checkpoint.
 *
 * Why 3 is enough for the journal to be let go. The sequencer's leaves were computed from the very
 * bytes that the journal got, and those were written from the values that the head was given. A
 * segment that has these values gives these bytes, in the same place, whatever head, codecs and
 * files did with them; seal_check.c says how that is shown. What is not done is to read the
 * journal's records once more: they hold nothing else, and a record that has gone bad on the disk
 * meanwhile harms nobody once the segment stands.
 */
#include "clock.h"
#include "fault.h"
#include "generation.h"
#include "processors.h"
#include "run_column.h"
#include "seal_check.h"
#include "trail_core.h"

#include <assert.h>

/* A reader for a second thread, or NULL. Writers wait for the sealer while both heads are full: it
 * must not leave a processor to them that they cannot use. */
static tally_status
create_second(const struct trail *trail, const struct run *run, struct run_reader **reader_out,
              struct tally_error *error)
{
    *reader_out = NULL;
    if (trail->options.manual || processors_usable() == 1)
        return TALLY_OK;
    return run_reader_create(run, reader_out, error);
}

/* Step 2. */
static tally_status
write_segment(struct trail *trail, struct run_reader *reader, struct segment_info *info_out,
              struct tally_error *error)
{
    struct run_reader *second;
    tally_status status = create_second(trail, run_of(reader), &second, error);
    if (status != TALLY_OK)
        return status;
    status = segment_write(&trail->place, reader, second, info_out, error);
    run_reader_destroy(second);
    return status;
}

/* Step 3: what the files give back must be what was committed. */
static tally_status
check_segment(struct trail *trail, struct segment *segment, const struct frozen *frozen,
              struct tally_error *error)
{
    const struct run run = segment_run(segment);
    const struct seal_claim claim = {
        .head = frozen->head,
        .before = &trail->manifest.tree,
        .after = &frozen->tree,
        .replayed = &trail->replayed,
        .hashes = trail->hashes,
    };
    struct run_reader *reader, *second = NULL;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = create_second(trail, &run, &second, error);
    if (status == TALLY_OK)
        status = seal_check(&claim, reader, second, error);
    run_reader_destroy(second);
    run_reader_destroy(reader);
    return status;
}

/* What the manifest says of the trail when the frozen head is its newest segment. */
static void
cover(struct manifest *manifest, const struct frozen *frozen)
{
    const struct segment_info *info = &manifest->segments[manifest->count - 1];
    /* Entry 0, `created`, is no erasure; other control entries may be. */
    if (manifest->erased_through == manifest->sealed &&
        info->control_count == (info->first == 0 ? 1 : 0))
        manifest->erased_through = frozen->tree.size;
    manifest->sealed = frozen->tree.size;
    manifest->journal = frozen->end;
    manifest->tree = frozen->tree;
}

/* Steps 2 to 4: all files of the frozen head that `reader` reads. The group is made of what the
 * reader has at hand from the index. */
static tally_status
make_files(struct trail *trail, const struct frozen *frozen, struct run_reader *reader,
           struct generation *next, struct tally_error *error)
{
    struct segment_info info;
    size_t count = trail->manifest.count;
    tally_status status = write_segment(trail, reader, &info, error);
    if (status == TALLY_OK)
        status = generation_begin(trail, 1, GROUPS_KEEP, next, error);
    if (status == TALLY_OK)
        status = generation_put(trail, next, count, &info, error);
    if (status == TALLY_OK)
        status = check_segment(trail, next->segments[count], frozen, error);
    if (status == TALLY_OK)
        status = hashes_seal(trail->hashes, info.first, frozen->tree.size, error);
    if (status == TALLY_OK)
        status = group_change_add(&next->change, next->manifest.segments, count + 1, reader, error);
    if (status == TALLY_OK)
        cover(&next->manifest, frozen);
    return status;
}

/* Step 6, under the order: readers see the segment instead of the head from here on. */
static void
swap_in(struct trail *trail, struct generation *next)
{
    (void)pthread_mutex_lock(&trail->mutex);
    struct head *head = trail->frozen[0].head;
    generation_swap(trail, next);
    trail->frozen_count--;
    memmove(&trail->frozen[0], &trail->frozen[1], trail->frozen_count * sizeof trail->frozen[0]);
    trail_count_memory(trail);
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    head_release(head);
}

/* Also step 6: so that the sequencer need not ask each of the newest segments. */
static void
note_ids(struct trail *trail, const struct segment_info *info, const struct run_tokens *tokens)
{
    uint64_t end = info->first + info->count, window = trail->options.id_window;
    recent_ids_drop(&trail->recent, end > window ? end - window : 0);
    recent_ids_add(&trail->recent, info->first, tokens->ids, info->count);
}

/* Step 6. */
static tally_status
take_in(struct trail *trail, struct generation *next, const struct run_tokens *tokens,
        struct tally_error *error)
{
    const struct segment_info info = next->manifest.segments[next->manifest.count - 1];
    order_take(trail);
    note_ids(trail, &info, tokens);
    swap_in(trail, next);
    tally_status status = hashes_sealed(trail->hashes, info.first, trail->manifest.sealed, error);
    if (status == TALLY_OK)
        status =
            journal_trim(trail->journal, trail->manifest.journal.file, JOURNAL_KEEP_SPARES, error);
    trail_count_journal(trail);
    order_release(trail);
    /* What is not unlinked now is by the next opening: nothing was erased. */
    tally_status ignored = group_change_finish(&next->change, NULL);
    (void)ignored;
    return status;
}

/* Seals the oldest frozen head. */
static tally_status
seal_one(struct trail *trail, struct tally_error *error)
{
    const struct frozen frozen = trail->frozen[0];
    const struct run run = {
        .first = head_first(frozen.head),
        .count = head_count(frozen.head),
        .head = frozen.head,
    };
    struct generation next = { 0 };
    struct run_reader *reader;
    struct run_tokens *tokens;

    tally_status status = trail_sign(trail, error);
    if (status == TALLY_OK)
        status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = make_files(trail, &frozen, reader, &next, error);
    if (status == TALLY_OK)
        status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = generation_write(trail, &next, error);
    if (status == TALLY_OK)
        status = take_in(trail, &next, tokens, error);
    generation_free(&next);
    run_reader_destroy(reader); /* of its head, which is let go, it needs nothing any more */
    return status;
}

static void
report_sealed(const struct trail *trail, int64_t took)
{
    if (trail->options.sealed != NULL)
        trail->options.sealed(trail->options.sealed_context, trail->name, took);
}

tally_status
seal_frozen(struct trail *trail, struct tally_error *error)
{
    for (;;) {
        (void)pthread_mutex_lock(&trail->mutex);
        unsigned waiting = trail->frozen_count;
        bool poisoned = is_poisoned(trail);
        (void)pthread_mutex_unlock(&trail->mutex);
        if (poisoned)
            return fault(error, TALLY_POISONED, "trail %s: nothing is sealed until it is reopened",
                         trail->name);
        if (waiting == 0)
            return TALLY_OK;
        struct tally_error why = { 0 };
        int64_t began = clock_monotonic();
        tally_status status = seal_one(trail, &why);
        if (status == TALLY_OK) {
            report_sealed(trail, clock_monotonic() - began);
            continue;
        }
        if (error != NULL)
            *error = why;
        /* Lack of space or memory may pass; anything else may have left a doubt. */
        if (status != TALLY_FULL && status != TALLY_NO_MEMORY)
            trail_poison(trail, &why);
        return status;
    }
}

tally_status
seal_heads(struct trail *trail, enum seal_what what, struct tally_error *error)
{
    tally_status status = seal_frozen(trail, error);
    if (status != TALLY_OK)
        return status;
    order_take(trail);
    bool due = what == SEAL_ALL ? head_count(trail->head) > 0 : head_is_full(trail, 0);
    if (due)
        status = trail_freeze(trail, error);
    order_release(trail);
    return status == TALLY_OK ? seal_frozen(trail, error) : status;
}

tally_status
trail_seal(struct trail *trail, enum seal_what what, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    sealing_take(trail);
    tally_status status = seal_heads(trail, what, error);
    sealing_release(trail);
    return status;
}
