/*
 * generation.c - a trail's files are never changed but replaced: new ones beside the old, then a
 * manifest that names the new ones, then the old ones go.
 *
 * The manifest is the one place where old and new part. What a crash leaves of either is named by
 * no manifest: files of segments are written over or unlinked by the next who makes them, those of
 * groups are removed by the next opening for writing.
 */
#include "generation.h"

#include "fault.h"
#include "trail_core.h"

#include <assert.h>
#include <stdlib.h>

tally_status
generation_begin(const struct trail *trail, size_t more, enum group_change_from from,
                 struct generation *generation_out, struct tally_error *error)
{
    const struct manifest *now = &trail->manifest;
    struct generation next = { .manifest = *now };
    size_t room = now->count + more + 1;
    next.manifest.segments = calloc(room, sizeof *next.manifest.segments);
    next.manifest.groups = NULL;
    next.manifest.count = next.manifest.group_count = 0;
    next.segments = calloc(room, sizeof(struct segment *));
    if (next.manifest.segments == NULL || next.segments == NULL) {
        generation_free(&next);
        return memory_fault(error);
    }
    for (; next.manifest.count < now->count; next.manifest.count++) {
        next.manifest.segments[next.manifest.count] = now->segments[next.manifest.count];
        next.segments[next.manifest.count] = trail->segments[next.manifest.count];
        segment_retain(next.segments[next.manifest.count]);
    }
    tally_status status =
        group_change_begin(&next.change, &trail->place, now->groups, now->group_count, from,
                           from == GROUPS_NEW ? now->count + more : more, error);
    if (status != TALLY_OK) {
        generation_free(&next);
        return status;
    }
    *generation_out = next;
    return TALLY_OK;
}

tally_status
generation_put(const struct trail *trail, struct generation *generation, size_t i,
               const struct segment_info *info, struct tally_error *error)
{
    struct segment *segment;
    tally_status status = segment_open(&trail->place, info, &segment, error);
    if (status != TALLY_OK)
        return status;
    if (i == generation->manifest.count)
        generation->manifest.count++;
    segment_release(generation->segments[i]);
    generation->segments[i] = segment;
    generation->manifest.segments[i] = *info;
    return TALLY_OK;
}

bool
generation_differs(const struct trail *trail, const struct generation *generation, size_t i)
{
    assert(i < generation->manifest.count && i < trail->manifest.count);
    return generation->segments[i] != trail->segments[i];
}

tally_status
generation_write(const struct trail *trail, struct generation *generation,
                 struct tally_error *error)
{
    struct manifest *manifest = &generation->manifest;
    tally_status status = group_change_sync(&generation->change, error);
    if (status != TALLY_OK)
        return status;
    manifest->generation++;
    manifest->groups = generation->change.items;
    manifest->group_count = generation->change.count;
    generation->change.items = NULL;
    status = groups_create(&trail->place, manifest->groups, manifest->group_count, trail->groups,
                           &generation->groups, error);
    if (status == TALLY_OK)
        status = manifest_write(trail->place.disk, trail->path, manifest, error);
    return status;
}

void
generation_swap(struct trail *trail, struct generation *generation)
{
    const struct generation next = *generation;
    for (size_t i = 0; i < next.manifest.count; i++) {
        if (i >= trail->manifest.count || generation_differs(trail, generation, i))
            segment_cache_join(folder_segments(trail->folder), next.segments[i]);
    }
    generation->manifest = trail->manifest;
    generation->segments = trail->segments;
    generation->groups = trail->groups;
    trail->manifest = next.manifest;
    trail->segments = next.segments;
    trail->groups = next.groups;
}

void
generation_free(struct generation *generation)
{
    for (size_t i = 0; generation->segments != NULL && i < generation->manifest.count; i++)
        segment_release(generation->segments[i]);
    free(generation->segments);
    groups_release(generation->groups);
    group_change_cancel(&generation->change);
    manifest_free(&generation->manifest);
    *generation = (struct generation){ 0 };
}
