/*
 * rebuild.c - what can be derived from the entries is written anew: index files, groups, tree
 * hashes.
 *
 *     1. every sealed entry is read and hashed, and the tree they give is compared with the
 *        manifest's, which the opening of the trail held against the signed root
 *     2. each segment gets its index file and its tree file anew, and all groups are made anew
 *     3. the manifest names the index files and the groups
 *
 * Nothing is written before 1 is through: where an entry was changed, the stored hashes are what
 * tells which, and are kept. A crash between 2 and 3 leaves files that the manifest does not
 * describe: they are as wrong as those before them were, and are rebuilt the same way.
 */
#include "fault.h"
#include "generation.h"
#include "trail_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct rebuild {
    struct trail *trail;
    struct tally_tree tree;
    struct tally_hash *level8; /* of all sealed entries: one for each 256 */
};

/* Step 1 for one segment. */
static tally_status
hash_segment(struct rebuild *rebuild, struct segment *segment, struct tally_error *error)
{
    const struct segment_info *info = segment_get_info(segment);
    struct run run = segment_run(segment);
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = 0; row < info->count && status == TALLY_OK; row++) {
        struct run_entry entry;
        status = run_entry(reader, row, RUN_STREAM, &entry, error);
        if (status != TALLY_OK)
            break;
        (void)hashes_complete(&rebuild->tree, &entry.leaf,
                              &rebuild->level8[rebuild->tree.size / HASHES_SPAN]);
        tally_tree_append(&rebuild->tree, &entry.leaf);
    }
    run_reader_destroy(reader);
    return status;
}

static tally_status
hash_entries(struct rebuild *rebuild, struct tally_error *error)
{
    const struct trail *trail = rebuild->trail;
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < trail->manifest.count && status == TALLY_OK; i++)
        status = hash_segment(rebuild, trail->segments[i], error);
    if (status != TALLY_OK)
        return status;
    struct tally_hash computed, signed_;
    tally_tree_root(&rebuild->tree, &computed);
    tally_tree_root(&trail->manifest.tree, &signed_);
    if (rebuild->tree.size == trail->manifest.sealed && tally_hash_equal(&computed, &signed_))
        return TALLY_OK;
    return fault(error, TALLY_DAMAGED,
                 "trail %s: its %" PRIu64 " sealed entries are not those that were signed: nothing "
                 "is rebuilt from them; run `tally verify` to see which",
                 trail->name, trail->manifest.sealed);
}

/* Step 2 for the segment `i`. */
static tally_status
write_derived(const struct rebuild *rebuild, size_t i, struct generation *next,
              struct tally_error *error)
{
    struct trail *trail = rebuild->trail;
    const struct segment_info *info = &trail->manifest.segments[i];
    struct segment_info rebuilt;
    uint64_t from = info->first / HASHES_SPAN;
    size_t count = (size_t)((info->first + info->count) / HASHES_SPAN - from);
    tally_status status = segment_rebuild_index(&trail->place, info, &rebuilt, error);
    if (status == TALLY_OK)
        status = hashes_write_file(&trail->place, info->first, from, rebuild->level8 + from, count,
                                   error);
    return status == TALLY_OK ? generation_put(trail, next, i, &rebuilt, error) : status;
}

/* Step 2 for the groups. */
static tally_status
make_groups(struct generation *next, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < next->manifest.count && status == TALLY_OK; i++) {
        struct run run = segment_run(next->segments[i]);
        struct run_reader *reader;
        status = run_reader_create(&run, &reader, error);
        if (status != TALLY_OK)
            return status;
        status = group_change_add(&next->change, next->manifest.segments, i + 1, reader, error);
        run_reader_destroy(reader);
    }
    return status;
}

/* Readers see the new files from here on. */
static void
switch_files(struct trail *trail, struct generation *next)
{
    order_take(trail);
    (void)pthread_mutex_lock(&trail->mutex);
    generation_swap(trail, next);
    (void)pthread_mutex_unlock(&trail->mutex);
    order_release(trail);
    hashes_forget(trail->hashes);
    /* What is not unlinked now is by the next opening. */
    tally_status ignored = group_change_finish(&next->change, NULL);
    (void)ignored;
}

/* Steps 2 and 3. */
static tally_status
write_all(const struct rebuild *rebuild, struct tally_error *error)
{
    struct trail *trail = rebuild->trail;
    struct generation next = { 0 };
    tally_status status = generation_begin(trail, 0, GROUPS_NEW, &next, error);
    for (size_t i = 0; i < next.manifest.count && status == TALLY_OK; i++)
        status = write_derived(rebuild, i, &next, error);
    if (status == TALLY_OK)
        status = make_groups(&next, error);
    if (status == TALLY_OK)
        status = generation_write(trail, &next, error);
    if (status == TALLY_OK)
        switch_files(trail, &next);
    generation_free(&next);
    return status;
}

tally_status
trail_rebuild(struct trail *trail, struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    sealing_take(trail);
    struct rebuild rebuild = { .trail = trail };
    size_t hashes = (size_t)(trail->manifest.sealed / HASHES_SPAN);
    rebuild.level8 = malloc((hashes + 1) * sizeof *rebuild.level8);
    tally_status status = rebuild.level8 == NULL ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = hash_entries(&rebuild, error);
    if (status == TALLY_OK)
        status = write_all(&rebuild, error);
    free(rebuild.level8);
    sealing_release(trail);
    return status;
}
