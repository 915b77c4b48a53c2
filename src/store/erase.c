/*
 * erase.c - forgetting private parts, so that no byte of them is left and every proof still holds.
 *
 *     1. a control entry `erased` names the entries and goes the way of every entry: from here on
 *        the erasure is on record and will be finished, whatever happens
 *     2. everything is sealed, so that no record of the journal has to be kept
 *     3. each segment concerned gets a new generation of its private file, and the group that has
 *        its tokens a new file, in which it has those that are left
 *     4. the manifest names the new generations and says through which entry erasures are carried
 *        out
 *     5. the old generations and groups are unlinked, and the journal's idle files are overwritten with zeros
 *
 * A crash after 1 and before 4 is found by the next opening: there is an `erased` entry at or above
 * the manifest's erased_through, and the steps are gone through again. A crash between 4 and 5
 * leaves old files that nothing names: the next opening for writing removes them.
 */
#include "erased.h"
#include "fault.h"
#include "generation.h"
#include "segment_file.h"
#include "snapshot.h"
#include "trail_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define REASON_MAX 1000u

/* The rows of a segment that the spans name and that are not erased yet, ascending. */
static tally_status
rows_to_erase(struct segment *segment, const struct spans *spans, uint32_t **rows_out,
              size_t *count_out, struct tally_error *error)
{
    const struct segment_info *info = segment_get_info(segment);
    uint8_t *named = calloc(info->count, 1);
    uint32_t *rows = malloc(info->count * sizeof *rows);
    struct run run = segment_run(segment);
    struct run_reader *reader = NULL;
    tally_status status = named == NULL || rows == NULL ? memory_fault(error)
                                                        : run_reader_create(&run, &reader, error);
    for (size_t i = 0; i < spans->count && status == TALLY_OK; i++) {
        uint64_t first = spans->items[i].first, last = spans->items[i].last;
        if (last < info->first || first >= info->first + info->count)
            continue;
        first = first < info->first ? 0 : first - info->first;
        last = last >= info->first + info->count ? info->count - 1 : last - info->first;
        memset(named + first, 1, last - first + 1);
    }
    size_t count = 0;
    for (uint32_t row = 0; row < info->count && status == TALLY_OK; row++) {
        struct run_entry entry;
        if (!named[row])
            continue;
        status = run_entry(reader, row, RUN_VALUES, &entry, error);
        if (status == TALLY_OK && !entry.erased && !entry.control)
            rows[count++] = row;
    }
    run_reader_destroy(reader);
    free(named);
    if (status != TALLY_OK) {
        free(rows);
        return status;
    }
    *rows_out = rows;
    *count_out = count;
    return TALLY_OK;
}

/* Step 3: the next generation of each segment that has such rows. */
static tally_status
rewrite_segments(const struct trail *trail, const struct spans *spans, struct generation *next,
                 struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < trail->manifest.count && status == TALLY_OK; i++) {
        struct segment_info erased;
        uint32_t *rows;
        size_t count;
        status = rows_to_erase(trail->segments[i], spans, &rows, &count, error);
        if (status != TALLY_OK)
            return status;
        if (count > 0)
            status = segment_erase(&trail->place, &trail->manifest.segments[i], rows, count,
                                   &erased, error);
        free(rows);
        if (count > 0 && status == TALLY_OK)
            status = generation_put(trail, next, i, &erased, error);
    }
    return status;
}

/* What is left of the tokens of a group's segments that were rewritten; the group begins with the
 * segment `first`. */
static tally_status
make_filters(const struct trail *trail, const struct generation *next, size_t first, unsigned count,
             struct bloom *filters, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (unsigned i = 0; i < count && status == TALLY_OK; i++) {
        if (!generation_differs(trail, next, first + i))
            continue;
        struct run run = segment_run(next->segments[first + i]);
        struct run_reader *reader;
        status = run_reader_create(&run, &reader, error);
        if (status != TALLY_OK)
            return status;
        status = group_filter_make(reader, &filters[i], error);
        run_reader_destroy(reader);
    }
    return status;
}

/* Step 3 for one group, which begins with the segment `first`. */
static tally_status
rewrite_group(const struct trail *trail, struct generation *next, size_t group, size_t first,
              struct tally_error *error)
{
    struct group_change *change = &next->change;
    struct bloom filters[GROUP_COLUMNS_MAX] = { 0 };
    tally_status status =
        make_filters(trail, next, first, change->items[group].segments, filters, error);
    if (status == TALLY_OK)
        status = group_change_replace(change, group, filters, error);
    for (unsigned k = 0; k < GROUP_COLUMNS_MAX; k++)
        bloom_free(&filters[k]);
    return status;
}

/* Step 3 for the groups. */
static tally_status
rewrite_groups(const struct trail *trail, struct generation *next, struct tally_error *error)
{
    const struct manifest *manifest = &trail->manifest;
    tally_status status = TALLY_OK;
    /* From the last on, since one that cannot be used leaves the list. */
    size_t at = manifest->count;
    for (size_t i = manifest->group_count; i-- > 0 && status == TALLY_OK;) {
        const struct group_info *info = &manifest->groups[i];
        while (at > 0 && manifest->segments[at - 1].first >= info->first)
            at--;
        bool rewritten = false;
        for (unsigned k = 0; k < info->segments; k++)
            rewritten |= generation_differs(trail, next, at + k);
        if (rewritten)
            status = rewrite_group(trail, next, i, at, error);
    }
    return status;
}

/* Step 5: `old` is what the trail had. Under the order. */
static tally_status
unlink_old(struct trail *trail, struct generation *old, struct tally_error *error)
{
    tally_status status = group_change_finish(&old->change, error);
    if (status == TALLY_OK && trail->manifest.group_count > 0)
        status = segment_file_sync_folder(&trail->place, error);
    for (size_t i = 0; i < old->manifest.count && status == TALLY_OK; i++)
        if (generation_differs(trail, old, i))
            status = segment_unlink_generation(&trail->place, old->manifest.segments[i].first,
                                               old->manifest.segments[i].generation, error);
    if (status == TALLY_OK)
        status =
            journal_trim(trail->journal, trail->manifest.journal.file, JOURNAL_WIPE_SPARES, error);
    return status;
}

/* Steps 4 and 5. */
static tally_status
switch_generations(struct trail *trail, struct generation *next, struct tally_error *error)
{
    next->manifest.erased_through = next->manifest.sealed;
    tally_status status = generation_write(trail, next, error);
    if (status != TALLY_OK)
        return status;
    order_take(trail);
    (void)pthread_mutex_lock(&trail->mutex);
    generation_swap(trail, next);
    (void)pthread_mutex_unlock(&trail->mutex);
    status = unlink_old(trail, next, error);
    order_release(trail);
    return status;
}

/* Steps 3 to 5, everything being sealed. Under the right to seal. */
static tally_status
carry_out(struct trail *trail, const struct spans *spans, struct tally_error *error)
{
    struct generation next = { 0 };
    tally_status status = generation_begin(trail, 0, GROUPS_KEEP, &next, error);
    if (status == TALLY_OK)
        status = rewrite_segments(trail, spans, &next, error);
    if (status == TALLY_OK)
        status = rewrite_groups(trail, &next, error);
    if (status == TALLY_OK)
        status = switch_generations(trail, &next, error);
    generation_free(&next);
    return status;
}

/* Steps 2 to 5 for whatever is on record and not carried out. */
static tally_status
finish_erasures(struct trail *trail, uint64_t *finished_out, struct tally_error *error)
{
    struct spans spans = { 0 };
    sealing_take(trail);
    tally_status status = erased_collect(trail, trail->manifest.erased_through, &spans, error);
    if (status == TALLY_OK && spans.count > 0) {
        status = seal_heads(trail, SEAL_ALL, error);
        /* Others may have put erasures on record until the head was frozen: carrying out says that
         * everything sealed is done, so they belong to it. */
        spans_finish(&spans);
        if (status == TALLY_OK)
            status = erased_collect(trail, trail->manifest.erased_through, &spans, error);
        if (status == TALLY_OK)
            status = carry_out(trail, &spans, error);
    }
    sealing_release(trail);
    if (status == TALLY_OK)
        *finished_out = spans.count;
    spans_finish(&spans);
    return status;
}

tally_status
erase_pending(struct trail *trail, uint64_t *finished_out, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < trail->manifest.count && status == TALLY_OK; i++) {
        const struct segment_info *info = &trail->manifest.segments[i];
        if (info->generation > 1)
            status =
                segment_unlink_generation(&trail->place, info->first, info->generation - 1, error);
    }
    if (status == TALLY_OK)
        status = finish_erasures(trail, finished_out, error);
    return status;
}

/* The indexes as spans; each must be an entry that an application recorded. */
static tally_status
check_indexes(struct trail *trail, const uint64_t *indexes, size_t count, struct spans *spans,
              struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        struct run_entry entry;
        status = snapshot_entry(snapshot, indexes[i], RUN_VALUES, &entry, error);
        if (status == TALLY_ABSENT)
            status = fault(error, TALLY_ABSENT, "there is no entry %" PRIu64 " in trail %s",
                           indexes[i], trail->name);
        else if (status == TALLY_OK && entry.control)
            status =
                fault(error, TALLY_INVALID,
                      "entry %" PRIu64 " is a control entry: it has nothing private", indexes[i]);
        if (status == TALLY_OK)
            status = spans_add(spans, indexes[i], indexes[i], error);
    }
    snapshot_close(snapshot);
    return status;
}

tally_status
trail_erase(struct trail *trail, const uint64_t *indexes, size_t count, const char *reason,
            struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    if (strlen(reason) > REASON_MAX)
        return fault(error, TALLY_INVALID, "the reason is longer than %u bytes", REASON_MAX);
    struct spans spans = { 0 };
    tally_status status = check_indexes(trail, indexes, count, &spans, error);
    if (status == TALLY_OK)
        status = erased_record(trail, &spans, reason, error);
    spans_finish(&spans);
    uint64_t finished;
    if (status == TALLY_OK)
        status = finish_erasures(trail, &finished, error);
    return status;
}
