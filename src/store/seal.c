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
 * segment that has these values gives these bytes, in the same place, whatever head, codecs and files
 * did with them; seal_check.c says how that is shown. What is not done is to read the journal's
 * records once more: they hold nothing else, and a record that has gone bad on the disk meanwhile
 * harms nobody once the segment stands.
 */
#include "clock.h"
#include "fault.h"
#include "processors.h"
#include "run_column.h"
#include "seal_check.h"
#include "trail_core.h"

#include <assert.h>
#include <stdlib.h>

/* A reader for a second thread, or NULL. Writers wait for the sealer while both heads are full: it must
 * not leave a processor to them that they cannot use. */
static tally_status
create_second(const struct trail *trail, const struct run *run, struct run_reader **reader_out,
              struct tally_error *error)
{
    *reader_out = NULL;
    if (trail->options.manual || processors_usable() == 1)
        return TALLY_OK;
    return run_reader_create(run, reader_out, error);
}

/* Step 2. `reader` has then at hand what the group is made of. */
static tally_status
write_segment(struct trail *trail, const struct run *run, struct run_reader *reader,
              struct segment_info *info_out, struct tally_error *error)
{
    struct run_reader *second;
    tally_status status = create_second(trail, run, &second, error);
    if (status != TALLY_OK)
        return status;
    status = segment_write_run(&trail->place, reader, second, info_out, error);
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

tally_status
trail_groups_list(const struct trail *trail, const struct manifest *manifest,
                  struct groups **groups_out, struct tally_error *error)
{
    return groups_create(&trail->place, manifest->groups, manifest->group_count, trail->groups,
                         groups_out, error);
}

tally_status
trail_write_generation(struct trail *trail, struct manifest *manifest, struct groups **groups_out,
                       struct tally_error *error)
{
    struct groups *groups;
    manifest->generation++;
    tally_status status = trail_groups_list(trail, manifest, &groups, error);
    if (status != TALLY_OK)
        return status;
    status = manifest_write(trail->place.disk, trail->path, manifest, error);
    if (status != TALLY_OK) {
        groups_release(groups);
        return status;
    }
    *groups_out = groups;
    return TALLY_OK;
}

/* What the trail will have beside its new segment. */
struct sealed {
    struct manifest manifest;
    struct segment **segments;
    struct group_change change; /* manifest.groups are its items */
    struct groups *groups;
};

/* The groups with one for the new segment, by the reader that its index was made with. */
static tally_status
extend_groups(struct trail *trail, struct run_reader *reader, struct sealed *sealed,
              struct tally_error *error)
{
    struct manifest *manifest = &sealed->manifest;
    tally_status status = group_change_begin(&sealed->change, &trail->place, trail->manifest.groups,
                                             trail->manifest.group_count, GROUPS_KEEP, 1, error);
    if (status == TALLY_OK)
        status =
            group_change_add(&sealed->change, manifest->segments, manifest->count, reader, error);
    if (status == TALLY_OK)
        status = group_change_sync(&sealed->change, error);
    if (status != TALLY_OK)
        return status;
    manifest->groups = sealed->change.items;
    manifest->group_count = sealed->change.count;
    return trail_groups_list(trail, manifest, &sealed->groups, error);
}

/* The manifest and the list of segments with one more. */
static tally_status
extended(struct trail *trail, const struct segment_info *info, struct segment *segment,
         const struct frozen *frozen, struct manifest *manifest_out, struct segment ***segments_out,
         struct tally_error *error)
{
    size_t count = trail->manifest.count;
    struct segment_info *infos = malloc((count + 1) * sizeof *infos);
    struct segment **segments = malloc((count + 1) * sizeof(struct segment *));
    if (infos == NULL || segments == NULL) {
        free(infos);
        free(segments);
        return memory_fault(error);
    }
    if (count > 0) {
        memcpy(infos, trail->manifest.segments, count * sizeof *infos);
        memcpy(segments, trail->segments, count * sizeof(struct segment *));
    }
    infos[count] = *info;
    segments[count] = segment;
    *manifest_out = trail->manifest;
    manifest_out->generation++;
    /* Entry 0, `created`, is no erasure; other control entries may be. */
    if (trail->manifest.erased_through == trail->manifest.sealed &&
        info->control_count == (info->first == 0 ? 1 : 0))
        manifest_out->erased_through = frozen->tree.size;
    manifest_out->sealed = frozen->tree.size;
    manifest_out->journal = frozen->end;
    manifest_out->tree = frozen->tree;
    manifest_out->segments = infos;
    manifest_out->count = count + 1;
    manifest_out->groups = NULL; /* not ready yet */
    manifest_out->group_count = 0;
    *segments_out = segments;
    return TALLY_OK;
}

/* Step 6, under the order: readers see the segment instead of the head from here on. */
static void
swap_in(struct trail *trail, const struct sealed *sealed)
{
    (void)pthread_mutex_lock(&trail->mutex);
    struct head *head = trail->frozen[0].head;
    struct manifest old = trail->manifest;
    struct segment **old_segments = trail->segments;
    struct groups *old_groups = trail->groups;
    trail->manifest = sealed->manifest;
    trail->segments = sealed->segments;
    trail->groups = sealed->groups;
    trail->frozen_count--;
    memmove(&trail->frozen[0], &trail->frozen[1], trail->frozen_count * sizeof trail->frozen[0]);
    trail_count_memory(trail);
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
    manifest_free(&old);
    free(old_segments);
    groups_release(old_groups);
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

/* Seals the oldest frozen head. */
static tally_status
seal_one(struct trail *trail, struct tally_error *error)
{
    const struct frozen frozen = trail->frozen[0];
    struct segment_info info;
    struct segment *segment = NULL;
    struct sealed sealed = { 0 };
    struct run run = { .first = head_first(frozen.head),
                       .count = head_count(frozen.head),
                       .head = frozen.head };
    struct run_reader *reader = NULL;
    struct run_tokens *tokens;

    tally_status status = trail_sign(trail, error);
    if (status == TALLY_OK)
        status = run_reader_create(&run, &reader, error);
    if (status == TALLY_OK)
        status = write_segment(trail, &run, reader, &info, error);
    if (status == TALLY_OK)
        status = segment_open(&trail->place, &info, &segment, error);
    if (status == TALLY_OK)
        segment_cache_join(folder_segments(trail->folder), segment);
    if (status == TALLY_OK)
        status = check_segment(trail, segment, &frozen, error);
    if (status == TALLY_OK)
        status = hashes_seal(trail->hashes, info.first, frozen.tree.size, error);
    if (status == TALLY_OK)
        status =
            extended(trail, &info, segment, &frozen, &sealed.manifest, &sealed.segments, error);
    if (status == TALLY_OK)
        status = extend_groups(trail, reader, &sealed, error);
    if (status == TALLY_OK)
        status = run_tokens(reader, &tokens, error);
    if (status == TALLY_OK)
        status = manifest_write(trail->place.disk, trail->path, &sealed.manifest, error);
    if (status != TALLY_OK) {
        free(sealed.manifest.segments);
        free(sealed.segments);
        groups_release(sealed.groups);
        group_change_cancel(&sealed.change);
        segment_release(segment);
        run_reader_destroy(reader);
        return status;
    }
    uint64_t file = sealed.manifest.journal.file, end = sealed.manifest.sealed;
    order_take(trail);
    note_ids(trail, &info, tokens);
    swap_in(trail, &sealed);
    status = hashes_sealed(trail->hashes, info.first, end, error);
    if (status == TALLY_OK)
        status = journal_trim(trail->journal, file, JOURNAL_KEEP_SPARES, error);
    trail_count_journal(trail);
    order_release(trail);
    run_reader_destroy(reader); /* of its head, which is let go, it needs nothing any more */
    /* What is not unlinked now is by the next opening: nothing was erased. */
    tally_status ignored = group_change_finish(&sealed.change, NULL);
    (void)ignored;
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
trail_seal(struct trail *trail, enum seal_what what, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    sealing_take(trail);
    tally_status status = seal_frozen(trail, error);
    if (status == TALLY_OK) {
        order_take(trail);
        bool due = what == SEAL_ALL ? head_count(trail->head) > 0 : head_is_full(trail, 0);
        if (due)
            status = trail_freeze(trail, error);
        order_release(trail);
    }
    if (status == TALLY_OK)
        status = seal_frozen(trail, error);
    sealing_release(trail);
    return status;
}
