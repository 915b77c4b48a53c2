/*
 * verify_claim.c - what a trail claims to be, and what it was when it was last seen.
 *
 * The claim is the newest checkpoint: so many entries, this root, signed. At its size the tree that
 * was grown from the entries must have that root. Whoever verified before may remember another size
 * and root: there the tree must have that one.
 */
#include "verify_parts.h"

#include "buffer.h"

#include <inttypes.h>
#include <stdio.h>

tally_status
verify_read_claim(struct verifier *v)
{
    struct tally_error error = { 0 };
    struct buffer content = { 0 };
    char name[VERIFY_FILE_SIZE];
    evidence_name(&v->evidence, "checkpoint", name);
    tally_status status =
        disk_read_file(v->evidence.place.disk, name, sizeof v->report->note, &content, &error);
    if (status == TALLY_OK) {
        memcpy(v->report->note, content.data, content.size);
        v->report->note_size = content.size;
    }
    buffer_free(&content);
    return status == TALLY_OK ? TALLY_OK : judge_fault(&v->judgement, status, name, &error);
}

tally_status
verify_open_claim(struct verifier *v)
{
    struct tally_error error = { 0 };
    const struct tally_vkey *vkey =
        v->options->vkey != NULL ? v->options->vkey : &v->evidence.manifest.vkey;
    tally_status status = tally_checkpoint_open(v->report->note, v->report->note_size, vkey, NULL,
                                                &v->checkpoint, &error);
    v->report->vkey = *vkey;
    if (status == TALLY_OK) {
        v->checkpoint.extension = NULL;
        v->checkpoint.extension_size = 0;
        v->report->checkpoint = v->checkpoint;
        return TALLY_OK;
    }
    char text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, text);
    evidence_name(&v->evidence, "checkpoint", v->judgement.file);
    return judge(&v->judgement, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "%.120s/checkpoint is not signed by %.300s", v->evidence.path, text);
}

tally_status
verify_roots(struct verifier *v)
{
    const struct tally_checkpoint *seen = v->options->seen;
    bool claimed = v->tree.size == v->checkpoint.size;
    bool remembered = seen != NULL && v->tree.size == seen->size;
    if (!claimed && !remembered)
        return TALLY_OK;
    struct tally_hash root;
    tally_tree_root(&v->tree, &root);
    if (claimed && !tally_hash_equal(&root, &v->checkpoint.root)) {
        if (v->suspect == VERIFY_NO_INDEX)
            return judge(
                &v->judgement, VERDICT_TAMPERED, 0, v->checkpoint.size - 1,
                "the entries do not give the root that was signed for size %" PRIu64
                "; entry and file cannot be told, because every stored hash was changed too",
                v->checkpoint.size);
        (void)snprintf(v->judgement.file, sizeof v->judgement.file, "%s", v->suspect_file);
        uint64_t last = v->suspect + HASHES_SPAN - 1;
        return judge(&v->judgement, VERDICT_TAMPERED, v->suspect, last,
                     "an entry of %" PRIu64 " to %" PRIu64
                     " was changed: their hash is not the stored one, and the root is not the one "
                     "that was signed for size %" PRIu64,
                     v->suspect, last, v->checkpoint.size);
    }
    if (remembered && !tally_hash_equal(&root, &seen->root))
        return judge(&v->judgement, VERDICT_TAMPERED, 0, seen->size - 1,
                     "the first %" PRIu64 " entries are not those that were seen before: "
                     "the trail's history was replaced",
                     seen->size);
    return TALLY_OK;
}

tally_status
verify_seen(struct verifier *v)
{
    const struct tally_checkpoint *seen = v->options->seen;
    if (seen == NULL || seen->size <= v->checkpoint.size)
        return TALLY_OK;
    return judge(&v->judgement, VERDICT_TAMPERED, v->checkpoint.size, seen->size - 1,
                 "the trail had %" PRIu64 " entries when it was last seen and has a checkpoint of "
                 "%" PRIu64 " now: it was rolled back",
                 seen->size, v->checkpoint.size);
}
