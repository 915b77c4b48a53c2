/*
 * recover.c - from a trail's files to its state in memory.
 *
 * What is read, in this order:
 *
 *     checkpoint   the newest one that anybody may have seen: nothing below its size may be missing
 *     manifest     which segments there are, and where the journal goes on
 *     journal      every record that chains from there: heads and tree grow as they did
 *
 * A writer reads under the lock. A reader beside a live writer may find that the manifest it read
 * is older than the journal files it looks for, because they were sealed and recycled meanwhile: it
 * starts over, and because the checkpoint is read first, it never misses what that promises. It
 * takes no record beyond the checkpoint, because a crash could take those back.
 *
 * The tree must reach the checkpoint's root at the checkpoint's size. If it does not, the files are
 * not what was signed, and nothing is opened: `tally verify` says where.
 */
#include "clock.h"
#include "entry.h"
#include "fault.h"
#include "keyfile.h"
#include "trail_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A journal file holds fewer entries than this: at least 240 bytes each, in at most 4 MiB, or one
 * record of at most BATCH_ENTRIES_MAX. */
#define FILE_ENTRIES_MAX 80000u

/* Entries of one record are taken some at a time: a head takes rows together faster than one by
 * one, and hashing two side by side takes little longer than one. */
#define ENTRIES_AT_ONCE HEAD_ROWS_AT_ONCE

struct replay {
    struct trail *trail;
    struct arena arena;
    uint64_t limit; /* records from this index on are not taken */
    uint64_t file;  /* of the last record taken; 0: none yet */
    uint32_t chain; /* its CRC */
    uint64_t replayed;
    /* What was read of the record and is not taken yet. */
    uint32_t count;
    struct entry entries[ENTRIES_AT_ONCE];
    const uint8_t *salts[ENTRIES_AT_ONCE];
    struct bytes public_parts[ENTRIES_AT_ONCE];
};

/* The checkpoint's root must be the tree's at its size. */
static tally_status
check_root(const struct trail *trail, const struct tally_tree *tree, struct tally_error *error)
{
    if (tree->size != trail->note.checkpoint.size)
        return TALLY_OK;
    struct tally_hash root;
    tally_tree_root(tree, &root);
    if (tally_hash_equal(&root, &trail->note.checkpoint.root))
        return TALLY_OK;
    return fault(error, TALLY_DAMAGED,
                 "trail %s: the entries do not give the root that was signed for size %" PRIu64
                 "; run `tally verify` to see where",
                 trail->name, tree->size);
}

/* Between two journal files: what the head holds so far may become a segment of its own. */
static tally_status
freeze_replayed(struct replay *replay, const struct journal_record *next, struct tally_error *error)
{
    struct trail *trail = replay->trail;
    uint32_t count = head_count(trail->head);
    bool full = head_is_full(trail, FILE_ENTRIES_MAX);
    if (count == 0 || !full || trail->frozen_count == FROZEN_MAX)
        return TALLY_OK;
    struct head *fresh;
    tally_status status = head_create(trail->tree.size, trail->fields_private, &fresh, error);
    if (status != TALLY_OK)
        return status;
    trail->frozen[trail->frozen_count++] = (struct frozen){
        .head = trail->head,
        .tree = trail->tree,
        .end = { .file = next->file,
                 .sequence = next->sequence,
                 .index = next->first,
                 .chain = replay->chain },
    };
    trail->head = fresh;
    return TALLY_OK;
}

/* Reads some entries, but not beyond the size at which the checkpoint speaks of the tree. */
static tally_status
read_some(struct replay *replay, struct bytes *body, struct tally_error *error)
{
    uint64_t size = replay->trail->tree.size, covered = replay->trail->note.checkpoint.size;
    uint32_t most = ENTRIES_AT_ONCE;
    if (size < covered && covered - size < most)
        most = (uint32_t)(covered - size);
    struct journal_entry journaled;
    replay->count = 0;
    while (replay->count < most && journal_entry_next(body, &journaled)) {
        tally_status status = entry_parse(journaled.public_part, journaled.private_part,
                                          &replay->arena, &replay->entries[replay->count], error);
        if (status != TALLY_OK)
            return status;
        replay->salts[replay->count] = journaled.salt;
        replay->public_parts[replay->count++] = journaled.public_part;
    }
    assert(replay->count > 0); /* a record's body is well formed */
    return TALLY_OK;
}

/* Head and tree grow by what was read. */
static tally_status
take_some(struct replay *replay, struct tally_error *error)
{
    struct trail *trail = replay->trail;
    struct head_entry rows[ENTRIES_AT_ONCE];
    struct tally_hash leaves[ENTRIES_AT_ONCE];
    for (uint32_t i = 0; i < replay->count; i++)
        rows[i] = (struct head_entry){ replay->entries[i].values, replay->salts[i] };
    tally_status status = head_append(trail->head, rows, replay->count, error);
    if (status != TALLY_OK)
        return status;
    entry_hash_leaves(replay->public_parts, replay->count, leaves);
    status = tree_grow(&trail->tree, trail->hashes, leaves, replay->count, error);
    if (status == TALLY_OK)
        status = check_root(trail, &trail->tree, error);
    replay->replayed += replay->count;
    return status;
}

static tally_status
replay_record(void *context, const struct journal_record *record, struct tally_error *error)
{
    struct replay *replay = context;
    if (record->first >= replay->limit)
        return TALLY_DISAGREES; /* enough */
    tally_status status = TALLY_OK;
    if (replay->file != 0 && record->file != replay->file)
        status = freeze_replayed(replay, record, error);
    struct bytes body = record->body;
    while (status == TALLY_OK && body.size > 0) {
        status = read_some(replay, &body, error);
        if (status == TALLY_OK)
            status = take_some(replay, error);
    }
    if (status != TALLY_OK)
        return status;
    arena_reset(&replay->arena);
    head_publish(replay->trail->head);
    replay->file = record->file;
    replay->chain = record->crc;
    return TALLY_OK;
}

/* The bytes of the checkpoint; they are judged when the manifest has said by which key. */
static tally_status
read_note(struct trail *trail, struct tally_error *error)
{
    char name[TRAIL_PATH_MAX + 16];
    (void)snprintf(name, sizeof name, "%s/checkpoint", trail->path);
    struct buffer content = { 0 };
    tally_status status =
        disk_read_file(trail->place.disk, name, sizeof trail->note.text, &content, error);
    if (status == TALLY_ABSENT)
        status = fault(error, TALLY_DAMAGED, "%s is missing: run `tally verify`", name);
    if (status == TALLY_OK) {
        trail->note.size = content.size;
        memcpy(trail->note.text, content.data, content.size);
    }
    buffer_free(&content);
    return status;
}

static tally_status
check_note(struct trail *trail, struct tally_error *error)
{
    struct note *note = &trail->note;
    tally_status status = tally_checkpoint_open(note->text, note->size, &trail->vkey, trail->origin,
                                                &note->checkpoint, error);
    if (status != TALLY_OK)
        return fault(error, TALLY_DAMAGED,
                     "%s/checkpoint is not one that the trail's key signed: run `tally verify`",
                     trail->path);
    note->checkpoint.extension = NULL;
    note->checkpoint.extension_size = 0;
    if (note->checkpoint.size < trail->manifest.sealed)
        return fault(error, TALLY_DAMAGED,
                     "%s/checkpoint is of size %" PRIu64 ", but %" PRIu64
                     " entries are sealed: an older one was put in its place",
                     trail->path, note->checkpoint.size, trail->manifest.sealed);
    return TALLY_OK;
}

static tally_status
read_manifest(struct trail *trail, struct tally_error *error)
{
    tally_status status = manifest_read(trail->place.disk, trail->path, &trail->manifest, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_DAMAGED, "%s/manifest is missing: run `tally verify`",
                     trail->path);
    if (status != TALLY_OK)
        return status;
    trail->vkey = trail->manifest.vkey;
    (void)snprintf(trail->origin, sizeof trail->origin, "%s", trail->vkey.name);
    trail->fields_private = trail->manifest.fields_private;
    trail_tag(trail->origin, trail->tag);
    trail->tree = trail->manifest.tree;
    return TALLY_OK;
}

static tally_status
open_segments(struct trail *trail, struct tally_error *error)
{
    const struct manifest *manifest = &trail->manifest;
    uint64_t *firsts = malloc((manifest->count + 1) * sizeof *firsts);
    trail->segments = calloc(manifest->count + 1, sizeof(struct segment *));
    tally_status status = TALLY_OK;
    if (firsts == NULL || trail->segments == NULL)
        status = memory_fault(error);
    for (size_t i = 0; i < manifest->count && status == TALLY_OK; i++) {
        firsts[i] = manifest->segments[i].first;
        status = segment_open(&trail->place, &manifest->segments[i], &trail->segments[i], error);
        if (status == TALLY_OK)
            segment_cache_join(folder_segments(trail->folder), trail->segments[i]);
    }
    if (status == TALLY_OK)
        status = hashes_create(&trail->place, firsts, manifest->count, manifest->sealed,
                               &trail->hashes, error);
    if (status == TALLY_OK)
        status = groups_create(&trail->place, manifest->groups, manifest->group_count, NULL,
                               &trail->groups, error);
    free(firsts);
    return status;
}

static tally_status
replay_journal(struct trail *trail, enum load_limit limit, struct trail_recovery *recovery,
               struct tally_error *error)
{
    uint64_t covered = trail->note.checkpoint.size;
    struct replay replay = {
        .trail = trail,
        .limit = limit == LOAD_SIGNED ? covered : UINT64_MAX,
        .chain = trail->manifest.journal.chain,
    };
    tally_status status =
        head_create(trail->manifest.sealed, trail->fields_private, &trail->head, error);
    if (status == TALLY_OK)
        status = check_root(trail, &trail->tree, error);
    if (status == TALLY_OK)
        status = journal_read(&trail->place, &trail->manifest.journal, covered, replay_record,
                              &replay, &recovery->tail, error);
    if (status == TALLY_DISAGREES && limit == LOAD_SIGNED)
        status = TALLY_OK; /* stopped at the limit */
    arena_finish(&replay.arena);
    if (status == TALLY_OK && trail->tree.size < covered)
        status = fault(error, TALLY_DAMAGED,
                       "%s: the checkpoint is of size %" PRIu64 ", but only %" PRIu64
                       " entries are there",
                       trail->path, covered, trail->tree.size);
    recovery->replayed = replay.replayed;
    recovery->unsigned_ = trail->tree.size - covered;
    return status;
}

tally_status
trail_load(struct trail *trail, enum load_limit limit, struct trail_recovery *recovery_out,
           struct tally_error *error)
{
    struct trail_recovery recovery = { 0 };
    tally_status status = read_note(trail, error);
    if (status == TALLY_OK)
        status = read_manifest(trail, error);
    if (status == TALLY_OK)
        status = check_note(trail, error);
    if (status == TALLY_OK)
        status = open_segments(trail, error);
    if (status == TALLY_OK)
        status = replay_journal(trail, limit, &recovery, error);
    if (status != TALLY_OK) {
        trail_unload(trail);
        return status;
    }
    trail->size = trail->tree.size;
    trail->published = trail->replayed = trail->tree;
    *recovery_out = recovery;
    return TALLY_OK;
}

void
trail_unload(struct trail *trail)
{
    head_release(trail->head);
    for (unsigned i = 0; i < trail->frozen_count; i++)
        head_release(trail->frozen[i].head);
    for (size_t i = 0; trail->segments != NULL && i < trail->manifest.count; i++)
        segment_release(trail->segments[i]);
    free(trail->segments);
    groups_release(trail->groups);
    manifest_free(&trail->manifest);
    hashes_destroy(trail->hashes);
    recent_ids_free(&trail->recent);
    trail->head = NULL;
    trail->frozen_count = 0;
    trail->segments = NULL;
    trail->groups = NULL;
    trail->manifest = (struct manifest){ 0 };
    trail->hashes = NULL;
    trail->note = (struct note){ 0 };
}
