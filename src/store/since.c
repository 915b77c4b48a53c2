/*
 * since.c - whether a trail goes on from what a checkpoint has seen.
 *
 * A trail that is shorter was cut. At the same size the roots must be the same; at a larger one the
 * trail's tree still has the root it had at the older size, as a Merkle tree has all of its
 * beginnings. The stored hashes are enough for that: that they are those of the entries is for
 * verify.c to show.
 */
#include "since.h"

#include "buffer.h"
#include "fault.h"
#include "snapshot.h"

#include <stdio.h>

/* The text of a signed note is what stands before its last empty line; a checkpoint has only one.
 */
static tally_status
parse_unsigned(const char *note, size_t size, struct tally_checkpoint *checkpoint,
               struct tally_error *error)
{
    const char *end = memmem(note, size, "\n\n", 2);
    size_t text_size = end == NULL ? size : (size_t)(end - note) + 1;
    return tally_checkpoint_parse(note, text_size, checkpoint, error);
}

tally_status
since_read(struct bytes note, const char *place, struct since *since_out, struct tally_error *error)
{
    if (note.size > sizeof since_out->note)
        return fault(error, TALLY_INVALID, "a checkpoint is not as long as that");
    struct tally_checkpoint checkpoint;
    tally_status status = parse_unsigned((const char *)note.data, note.size, &checkpoint, error);
    if (status != TALLY_OK)
        return status;
    since_out->place = place;
    memcpy(since_out->note, note.data, note.size);
    since_out->note_size = note.size;
    /* Once more, from the copy: a checkpoint points into what it was read from. */
    return parse_unsigned(since_out->note, since_out->note_size, &since_out->checkpoint, error);
}

enum verdict
since_signed(const struct since *since, const struct tally_vkey *vkey, char *text, size_t text_size)
{
    struct tally_checkpoint checkpoint;
    struct tally_error error = { 0 };
    tally_status status =
        tally_checkpoint_open(since->note, since->note_size, vkey, NULL, &checkpoint, &error);
    if (status == TALLY_OK)
        return VERDICT_INTACT;
    (void)snprintf(text, text_size,
                   "the checkpoint in %s is not signed by the key of this trail (%s)", since->place,
                   status == TALLY_ABSENT ? "another key signed it" : "the signature is bad");
    return VERDICT_TAMPERED;
}

void
since_overrule(struct verify_report *report, enum verdict verdict, const char *text)
{
    report->verdict = verdict;
    report->bad_first = VERIFY_NO_INDEX;
    report->bad_last = VERIFY_NO_INDEX;
    (void)snprintf(report->text, sizeof report->text, "%s", text);
}

/* The root at an older size, from the trail's tree. */
static tally_status
read_root(struct trail *trail, uint64_t size, struct tally_hash *root_out,
          struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open_at(trail, size, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct tally_tree tree;
    status = tally_tree_read(size, snapshot_hash, snapshot, &tree, error);
    if (status == TALLY_OK)
        tally_tree_root(&tree, root_out);
    snapshot_close(snapshot);
    return status;
}

static enum verdict
shorter(const struct tally_checkpoint *checkpoint, char *text, size_t text_size)
{
    (void)snprintf(text, text_size,
                   "it is shorter than when it was last seen, with size %llu: its tail was cut, "
                   "or an older copy was put in its place",
                   (unsigned long long)checkpoint->size);
    return VERDICT_TAMPERED;
}

static enum verdict
rewritten(const struct tally_checkpoint *checkpoint, char *text, size_t text_size)
{
    (void)snprintf(text, text_size,
                   "its first %llu entries are not those that were seen before: history was "
                   "rewritten and signed anew",
                   (unsigned long long)checkpoint->size);
    return VERDICT_TAMPERED;
}

enum verdict
since_follows(const struct tally_checkpoint *newest, const struct tally_checkpoint *checkpoint,
              char *text, size_t text_size)
{
    if (newest->size < checkpoint->size)
        return shorter(checkpoint, text, text_size);
    if (newest->size == checkpoint->size && !tally_hash_equal(&newest->root, &checkpoint->root))
        return rewritten(checkpoint, text, text_size);
    return VERDICT_INTACT;
}

enum verdict
since_grown(struct folder *folder, const char *name, const struct tally_checkpoint *checkpoint,
            char *text, size_t text_size)
{
    struct tally_error error = { 0 };
    struct trail_recovery recovery;
    struct trail *trail;
    tally_status status = trail_open(folder, name, TRAIL_READ, &trail, &recovery, &error);
    struct tally_hash root;
    if (status == TALLY_OK) {
        status = read_root(trail, checkpoint->size, &root, &error);
        tally_status closed = trail_close(trail, NULL);
        status = status == TALLY_OK ? closed : status;
    }
    if (status == TALLY_ABSENT)
        return shorter(checkpoint, text, text_size);
    if (status != TALLY_OK) {
        (void)snprintf(text, text_size, "%s", error.text);
        return VERDICT_UNCHECKABLE;
    }
    if (tally_hash_equal(&root, &checkpoint->root))
        return VERDICT_INTACT;
    return rewritten(checkpoint, text, text_size);
}

bool
since_stored(struct folder *folder, const char *name, struct tally_checkpoint *checkpoint_out)
{
    char path[TRAIL_NAME_MAX + 32];
    (void)snprintf(path, sizeof path, "trails/%s/checkpoint", name);
    struct buffer note = { 0 };
    struct tally_error error;
    struct tally_checkpoint checkpoint;
    bool found =
        disk_read_file(folder_disk(folder), path, TALLY_CHECKPOINT_NOTE_MAX, &note, &error) ==
            TALLY_OK &&
        parse_unsigned((const char *)note.data, note.size, &checkpoint, &error) == TALLY_OK;
    buffer_free(&note);
    if (!found)
        return false;
    checkpoint.extension = NULL;
    checkpoint.extension_size = 0;
    *checkpoint_out = checkpoint;
    return true;
}
