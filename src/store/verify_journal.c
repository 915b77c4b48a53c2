/*
 * verify_journal.c - the entries that are in no segment yet, recomputed one by one.
 */
#include "verify_parts.h"

#include "entry.h"

#include <inttypes.h>
#include <stdio.h>

static tally_status
verify_journaled(struct verifier *v, const struct journal_entry *journaled)
{
    uint64_t index = v->tree.size;
    struct entry entry;
    struct tally_error error = { 0 };
    tally_status status =
        entry_parse(journaled->public_part, journaled->private_part, &v->arena, &entry, &error);
    if (status == TALLY_NO_MEMORY)
        return status;
    if (status != TALLY_OK)
        return judge(&v->judgement, VERDICT_TAMPERED, index, index, "entry %" PRIu64 ": %s", index,
                     error.text);
    char commitment[ENTRY_COMMITMENT_SIZE];
    entry_commit(journaled->salt, journaled->private_part, commitment);
    if (!bytes_equal(entry.values[FIELD_PRIVATE], bytes_of(commitment, sizeof commitment)))
        return judge(&v->judgement, VERDICT_TAMPERED, index, index,
                     "entry %" PRIu64 ": its private part is not the one it is committed to",
                     index);
    status = evidence_control(&v->evidence, index, entry.values[FIELD_CONTROL], &v->erasures,
                              &v->judgement);
    if (status != TALLY_OK)
        return status;
    struct tally_hash leaf;
    tally_hash_leaf(journaled->public_part.data, journaled->public_part.size, &leaf);
    tally_tree_append(&v->tree, &leaf);
    return verify_grown(v);
}

static tally_status
verify_record(void *context, const struct journal_record *record, struct tally_error *error)
{
    struct verifier *v = context;
    (void)error;
    struct bytes body = record->body;
    struct journal_entry entry;
    tally_status status = TALLY_OK;
    while (status == TALLY_OK && journal_entry_next(&body, &entry)) {
        status = verify_journaled(v, &entry);
        arena_reset(&v->arena);
    }
    return status;
}

tally_status
verify_journal(struct verifier *v)
{
    char name[VERIFY_FILE_SIZE];
    evidence_name(&v->evidence, "journal", name);
    struct tally_error error = { 0 };
    struct journal_tail tail;
    tally_status status = journal_read(&v->evidence.place, &v->evidence.manifest.journal,
                                       v->checkpoint.size, verify_record, v, &tail, &error);
    if (status == TALLY_DISAGREES || status == TALLY_NO_MEMORY)
        return status;
    if (status != TALLY_OK)
        return judge_fault(&v->judgement, status, name, &error);
    if (v->tree.size < v->checkpoint.size)
        return judge(&v->judgement, VERDICT_TAMPERED, v->tree.size, v->checkpoint.size - 1,
                     "entries %" PRIu64 " to %" PRIu64 " are missing: size %" PRIu64 " was signed",
                     v->tree.size, v->checkpoint.size - 1, v->checkpoint.size);
    return TALLY_OK;
}
