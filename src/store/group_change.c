/*
 * A segment that is sealed gets a group of its own. As soon as there are eight of one size behind
 * each other they become one, 1, 8 and then 64 segments large, so that a hundred million entries
 * have some six large groups and at most seven of each smaller size; every bit is written three
 * times.
 *
 * What a crash leaves: before the manifest is replaced, files that it does not name; after it,
 * files that it does not name any more. Neither is ever read. The next opening for writing removes
 * them (group_remnants()), because those before an erasure hold what was erased.
 */
#include "group_change.h"

#include "fault.h"
#include "segment_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

tally_status
group_change_begin(struct group_change *change, const struct trail_place *place,
                   const struct group_info *infos, size_t count, enum group_change_from from,
                   size_t segments_max, struct tally_error *error)
{
    uint32_t generation = 1;
    *change = (struct group_change){ .place = *place };
    change->items = calloc(count + segments_max + 1, sizeof *change->items);
    change->gone = calloc(count + 1, sizeof *change->gone);
    if (change->items == NULL || change->gone == NULL) {
        group_change_cancel(change);
        return memory_fault(error);
    }
    for (size_t i = 0; i < count; i++) {
        if (infos[i].generation >= generation)
            generation = infos[i].generation + 1;
        if (from == GROUPS_KEEP)
            change->items[change->count++] = infos[i];
        else
            change->gone[change->gone_count++] = infos[i];
    }
    change->first_generation = change->next_generation = generation;
    return TALLY_OK;
}

static bool
is_made(const struct group_change *change, const struct group_info *info)
{
    return info->generation >= change->first_generation;
}

static tally_status
unlink_group(const struct trail_place *place, const struct group_info *info,
             struct tally_error *error)
{
    char name[GROUP_NAME_MAX];
    group_name(place->folder, info, name);
    tally_status status = disk_unlink(place->disk, name, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

/* Takes `count` groups from `at` on off the list. What the change itself has made is unlinked. */
static tally_status
drop(struct group_change *change, size_t at, size_t count, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = at; i < at + count && status == TALLY_OK; i++) {
        if (is_made(change, &change->items[i]))
            status = unlink_group(&change->place, &change->items[i], error);
        else
            change->gone[change->gone_count++] = change->items[i];
    }
    change->count -= count;
    memmove(&change->items[at], &change->items[at + count],
            (change->count - at) * sizeof *change->items);
    return status;
}

/* Where the segment that begins with an entry stands in the list. */
static size_t
segment_place(const struct segment_info *segments, size_t count, uint64_t first)
{
    size_t low = 0;
    while (count - low > 1) {
        size_t middle = low + (count - low) / 2;
        if (segments[middle].first <= first)
            low = middle;
        else
            count = middle;
    }
    return low;
}

/* Whether the last groups are to become one: of one size, and with no segment between them. */
static bool
can_merge(const struct group_change *change, const struct segment_info *segments, size_t count)
{
    if (change->count < GROUP_MERGE)
        return false;
    const struct group_info *last = &change->items[change->count - GROUP_MERGE];
    if (last->segments * GROUP_MERGE > GROUP_COLUMNS_MAX)
        return false;
    size_t next = segment_place(segments, count, last->first);
    for (size_t i = 0; i < GROUP_MERGE; i++) {
        if (last[i].segments != last->segments ||
            segment_place(segments, count, last[i].first) != next)
            return false;
        next += last[i].segments;
    }
    return next == count;
}

/* One that cannot be read is no reason not to seal: then nothing is merged, now or with it. */
static bool
cannot_be_used(tally_status status)
{
    return status == TALLY_ABSENT || status == TALLY_DAMAGED || status == TALLY_UNSUPPORTED;
}

static tally_status
merge(struct group_change *change, const struct segment_info *segments, size_t count,
      struct tally_error *error)
{
    while (can_merge(change, segments, count)) {
        size_t at = change->count - GROUP_MERGE;
        struct group_info merged;
        tally_status status = group_merge(&change->place, &change->items[at], GROUP_MERGE,
                                          change->next_generation, &merged, error);
        if (status != TALLY_OK)
            return cannot_be_used(status) ? TALLY_OK : status;
        change->next_generation++;
        status = drop(change, at, GROUP_MERGE, error);
        change->items[change->count++] = merged;
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

tally_status
group_change_add(struct group_change *change, const struct segment_info *segments, size_t count,
                 struct run_reader *reader, struct tally_error *error)
{
    struct bloom filter;
    struct group_info info = { .first = segments[count - 1].first,
                               .generation = change->next_generation };
    tally_status status = group_filter_make(reader, &filter, error);
    if (status != TALLY_OK)
        return status;
    status = group_write(&change->place, &filter, &info, error);
    bloom_free(&filter);
    if (status != TALLY_OK)
        return status;
    change->next_generation++;
    change->items[change->count++] = info;
    return merge(change, segments, count, error);
}

tally_status
group_change_replace(struct group_change *change, size_t i, const struct bloom *filters,
                     struct tally_error *error)
{
    struct group_info info;
    tally_status status = group_replace(&change->place, &change->items[i], filters,
                                        change->next_generation, &info, error);
    if (cannot_be_used(status))
        return drop(change, i, 1, error);
    if (status != TALLY_OK)
        return status;
    change->next_generation++;
    change->gone[change->gone_count++] = change->items[i];
    change->items[i] = info;
    return TALLY_OK;
}

tally_status
group_change_sync(struct group_change *change, struct tally_error *error)
{
    if (change->next_generation == change->first_generation)
        return TALLY_OK;
    return segment_file_sync_folder(&change->place, error);
}

tally_status
group_change_finish(struct group_change *change, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < change->gone_count && status == TALLY_OK; i++)
        status = unlink_group(&change->place, &change->gone[i], error);
    free(change->gone);
    change->gone = NULL;
    change->gone_count = 0;
    change->items = NULL;
    return status;
}

void
group_change_cancel(struct group_change *change)
{
    free(change->items);
    free(change->gone);
    *change = (struct group_change){ 0 };
}

/* ---- what a crash has left ---- */

struct sweep {
    const struct trail_place *place;
    const struct group_info *infos;
    size_t count;
};

static tally_status
sweep_name(void *context, const char *name, struct tally_error *error)
{
    const struct sweep *sweep = context;
    char full[GROUP_NAME_MAX], named[GROUP_NAME_MAX];
    if (strstr(name, ".group.") == NULL)
        return TALLY_OK;
    int size = snprintf(full, sizeof full, "%s/segments/%s", sweep->place->folder, name);
    if (size < 0 || (size_t)size >= sizeof full)
        return TALLY_OK; /* no name that we give */
    for (size_t i = 0; i < sweep->count; i++) {
        group_name(sweep->place->folder, &sweep->infos[i], named);
        if (strcmp(full, named) == 0)
            return TALLY_OK;
    }
    tally_status status = disk_unlink(sweep->place->disk, full, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

tally_status
group_remnants(const struct trail_place *place, const struct group_info *infos, size_t count,
               struct tally_error *error)
{
    char folder[GROUP_NAME_MAX];
    struct sweep sweep = { place, infos, count };
    (void)snprintf(folder, sizeof folder, "%s/segments", place->folder);
    tally_status status = disk_list(place->disk, folder, sweep_name, &sweep, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}
