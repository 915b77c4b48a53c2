/*
 * verify.c - recompute everything a trail claims from its stored bytes.
 *
 * The manifest says what there is, the checkpoint is the claim. Then, in order of index, every
 * segment and every record of the journal is read; each entry's commitment and leaf are recomputed
 * and the tree is grown from nothing. On the way everything derived is compared: checksums, page
 * summaries and id indexes (segment_check()), tree hashes, the manifest's tree, key and fields. At
 * the checkpoint's size the tree must have the signed root, and at the size that was seen before,
 * the root seen.
 *
 * Naming the place. A flipped bit breaks a block's checksum, which names file and entries. Where
 * the checksums were mended too, the stored hash of the 256 entries that hold the change no longer
 * agrees, which names those. Where these were mended as well, only the root tells, and names
 * nothing.
 *
 * Beside a live writer files may be sealed, erased or recycled while they are read. So a bad
 * verdict stands only if the manifest is still the one that was read; else verification goes on
 * with the new one, keeping what it has done: sealed entries do not change.
 *
 * Threads. A segment can be examined without those before it (examination.c), by several threads at
 * once (crew.c). What they find is put in order here, as pieces of the tree: so verdict, progress
 * and the first bad entry are those that one thread comes to. With one thread pieces are put in
 * place as they are made.
 */
#include "verify_parts.h"

#include "crew.h"
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSES_MAX     1000u
#define PROGRESS_EVERY 16384u
#define FEW_SEGMENTS   6u /* a thread for each takes some 15 MiB */

tally_status
verify_grown(struct verifier *v)
{
    v->report->entries = v->tree.size;
    if (v->options->progress != NULL && v->tree.size % PROGRESS_EVERY == 0 &&
        !v->options->progress(v->options->context, v->tree.size, v->checkpoint.size))
        return judge(&v->judgement, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                     "verification was ended after %" PRIu64 " entries", v->tree.size);
    return verify_roots(v);
}

/* Holds the hash of 256 entries, the last of which the tree does not have yet, against the stored
 * one: a wrong root can then name them. */
static void
check_group(struct verifier *v, uint64_t group, const struct tally_hash *node)
{
    const struct examination *joining = v->joining;
    if (v->suspect != VERIFY_NO_INDEX || joining->level8 == NULL ||
        tally_hash_equal(node, &joining->level8[group - joining->first_group]))
        return;
    v->suspect = group * HASHES_SPAN;
    (void)snprintf(v->suspect_file, sizeof v->suspect_file, "%s", joining->file);
}

/* piece_taker: puts a piece behind what the tree has. */
static tally_status
join_piece(void *context, const struct tree_piece *piece)
{
    struct verifier *v = context;
    uint64_t group = v->tree.size / HASHES_SPAN;
    struct tally_hash node;
    if (piece->level == HASHES_LEVEL)
        check_group(v, group, &piece->hash);
    else if (hashes_complete(&v->tree, &piece->hash, &node))
        check_group(v, group, &node);
    tally_tree_append_subtree(&v->tree, piece->level, &piece->hash);
    return verify_grown(v);
}

/* What an examination found beside the pieces, which were joined with `status`. */
static tally_status
conclude_segment(struct verifier *v, const struct examination *examination, tally_status status)
{
    if (examination->index.text[0] != '\0')
        index_finding_keep(&v->index, examination->index.newer ? TALLY_UNSUPPORTED : TALLY_DAMAGED,
                           examination->index.file, examination->index.text);
    if (status == TALLY_OK && examination->status != TALLY_OK) {
        v->judgement = examination->judgement;
        status = examination->status;
    }
    if (status == TALLY_OK)
        status = spans_join(&v->missing, &examination->missing, NULL);
    if (status == TALLY_OK)
        status = erasures_join(&v->erasures, &examination->erasures);
    v->report->erased = spans_below(&v->missing, UINT64_MAX);
    if (status != TALLY_OK) {
        v->report->erased += spans_below(&examination->missing, v->tree.size);
        return status;
    }
    v->sealed = v->tree;
    v->segments_done++;
    return TALLY_OK;
}

static struct examination_task
next_task(const struct verifier *v)
{
    return (struct examination_task){
        .evidence = &v->evidence,
        .segment = v->segments_done,
        .indexes = v->options->scope == VERIFY_EVERYTHING,
        .marks = { v->checkpoint.size, v->options->seen == NULL ? 0 : v->options->seen->size },
    };
}

/* On this thread. */
static tally_status
verify_segment(struct verifier *v)
{
    struct examination *examination = calloc(1, sizeof *examination);
    if (examination == NULL)
        return TALLY_NO_MEMORY;
    struct examination_task task = next_task(v);
    v->joining = examination;
    examination_run(examination, &task, join_piece, v);
    tally_status status =
        v->judgement.text[0] == '\0' ? TALLY_OK : TALLY_DISAGREES; /* of joining */
    status = conclude_segment(v, examination, status);
    examination_finish(examination);
    free(examination);
    return status;
}

/* Segments are long: of a few, the last one would be read by one thread while the others have
 * nothing to do. So each of them has a thread, and all are done at about the same time. */
static unsigned
threads_for(const struct verifier *v)
{
    size_t segments = v->evidence.manifest.count - v->segments_done;
    bool few = segments <= FEW_SEGMENTS && segments > v->options->threads;
    return few ? (unsigned)segments : v->options->threads;
}

/* By other threads; only putting in place is left for this one. */
static tally_status
verify_segments_ahead(struct verifier *v)
{
    struct examination_task task = next_task(v);
    struct crew *crew;
    tally_status status =
        crew_create(&task, v->evidence.manifest.count, threads_for(v), &crew, NULL);
    if (status != TALLY_OK)
        return status;
    while (status == TALLY_OK && v->segments_done < v->evidence.manifest.count) {
        struct crew_result result = crew_next(crew);
        v->joining = result.examination;
        for (size_t i = 0; i < result.count && status == TALLY_OK; i++)
            status = join_piece(v, &result.pieces[i]);
        status = conclude_segment(v, result.examination, status);
    }
    crew_destroy(crew);
    return status;
}

static tally_status
verify_segments(struct verifier *v)
{
    if (v->options->threads > 1 && v->segments_done + 1 < v->evidence.manifest.count)
        return verify_segments_ahead(v);
    tally_status status = TALLY_OK;
    while (status == TALLY_OK && v->segments_done < v->evidence.manifest.count)
        status = verify_segment(v);
    return status;
}

/* The first entry of `spans` that `cover` has not; VERIFY_NO_INDEX where it has all of them. Both
 * are sorted. */
static uint64_t
first_uncovered(const struct spans *spans, const struct spans *cover)
{
    uint64_t next = 0;
    for (size_t i = 0, k = 0; i < spans->count; i++) {
        if (next < spans->items[i].first)
            next = spans->items[i].first;
        while (next <= spans->items[i].last) {
            while (k < cover->count && cover->items[k].last < next)
                k++;
            if (k == cover->count || cover->items[k].first > next)
                return next;
            next = cover->items[k].last + 1;
        }
    }
    return VERIFY_NO_INDEX;
}

/* Every entry without its private part must be named by a control entry; and every entry must be
 * without it that was erased, or an old file was put back. */
static tally_status
check_erased(struct verifier *v)
{
    spans_sort(&v->erasures.named);
    uint64_t lost = first_uncovered(&v->missing, &v->erasures.named);
    if (lost != VERIFY_NO_INDEX)
        return judge(&v->judgement, VERDICT_TAMPERED, lost, lost,
                     "entry %" PRIu64 " has lost its private part, and no control entry "
                     "says that it was erased",
                     lost);
    spans_sort(&v->erasures.done);
    uint64_t back = first_uncovered(&v->erasures.done, &v->missing);
    if (back != VERIFY_NO_INDEX)
        return judge(&v->judgement, VERDICT_TAMPERED, back, back,
                     "the private part of entry %" PRIu64 " was erased on record, and is there "
                     "again",
                     back);
    return TALLY_OK;
}

/* The manifest, and that it goes with what was verified before. */
static tally_status
read_manifest(struct verifier *v)
{
    struct tally_error error = { 0 };
    char name[VERIFY_FILE_SIZE];
    evidence_name(&v->evidence, "manifest", name);
    struct manifest manifest = { 0 };
    tally_status status =
        manifest_read(v->evidence.place.disk, v->evidence.path, &manifest, &error);
    if (status != TALLY_OK)
        return judge_fault(&v->judgement, status, name, &error);
    manifest_free(&v->evidence.manifest);
    v->evidence.manifest = manifest;
    trail_tag(manifest.vkey.name, v->evidence.tag);
    if (v->segments_done == 0)
        v->evidence.erased_through = manifest.erased_through;
    return TALLY_OK;
}

static tally_status
check_manifest_tree(struct verifier *v)
{
    struct tally_hash computed, stored;
    tally_tree_root(&v->tree, &computed);
    tally_tree_root(&v->evidence.manifest.tree, &stored);
    if (v->tree.size == v->evidence.manifest.sealed && tally_hash_equal(&computed, &stored))
        return TALLY_OK;
    if (v->suspect != VERIFY_NO_INDEX) {
        (void)snprintf(v->judgement.file, sizeof v->judgement.file, "%s", v->suspect_file);
        return judge(&v->judgement, VERDICT_TAMPERED, v->suspect, v->suspect + HASHES_SPAN - 1,
                     "an entry of %" PRIu64 " to %" PRIu64
                     " was changed: their hash is not the stored one",
                     v->suspect, v->suspect + HASHES_SPAN - 1);
    }
    evidence_name(&v->evidence, "manifest", v->judgement.file);
    return judge(&v->judgement, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "%s/manifest: its tree is not that of the %" PRIu64 " sealed entries",
                 v->evidence.path, v->evidence.manifest.sealed);
}

/* One attempt; goes on behind the segments that are done. The manifest is read before the
 * checkpoint: sealing signs first, so that a checkpoint read later covers it, whatever a writer
 * does meanwhile.
 */
static tally_status
verify_pass(struct verifier *v)
{
    tally_status status = read_manifest(v);
    if (status == TALLY_OK)
        status = verify_read_claim(v);
    if (status == TALLY_OK)
        status = verify_open_claim(v);
    if (status == TALLY_OK)
        status = verify_seen(v);
    if (status == TALLY_OK && v->checkpoint.size < v->evidence.manifest.sealed) {
        /* Sealing signs first: what is sealed was covered before the manifest said so. */
        evidence_name(&v->evidence, "checkpoint", v->judgement.file);
        status = judge(&v->judgement, VERDICT_TAMPERED, v->checkpoint.size,
                       v->evidence.manifest.sealed - 1,
                       "%s/checkpoint is of size %" PRIu64 ", but %" PRIu64
                       " entries are sealed: an older one was put in its place",
                       v->evidence.path, v->checkpoint.size, v->evidence.manifest.sealed);
    }
    v->tree = v->sealed;
    if (status == TALLY_OK)
        status = verify_roots(v);
    if (status == TALLY_OK)
        status = verify_segments(v);
    if (status == TALLY_OK)
        status = check_manifest_tree(v);
    if (status == TALLY_OK)
        status = verify_journal(v);
    if (status == TALLY_OK)
        status = check_erased(v);
    return status;
}

/* Whether the files changed under the pass, so that its verdict says nothing. */
static bool
manifest_changed(struct verifier *v)
{
    struct manifest now = { 0 };
    if (manifest_read(v->evidence.place.disk, v->evidence.path, &now, NULL) != TALLY_OK)
        return false;
    bool changed = now.generation != v->evidence.manifest.generation;
    manifest_free(&now);
    return changed;
}

static void
conclude(struct verifier *v)
{
    struct verify_report *report = v->report;
    report->unsigned_ = v->tree.size - v->checkpoint.size;
    if (v->suspect != VERIFY_NO_INDEX)
        index_finding_keep(&v->index, TALLY_DAMAGED, v->suspect_file,
                           "the stored tree hashes are not those of the entries");
    /* An index file says itself how it is rebuilt. */
    const char *harmless =
        strstr(v->index.text, "--rebuild") != NULL
            ? "; no entry is affected"
            : "; no entry is affected: `tally doctor WHERE --rebuild` writes it anew";
    const char *const advice[] = {
        [VERDICT_INTACT] = "",
        [VERDICT_INDEX_WRONG] = harmless,
        [VERDICT_UNCHECKABLE] = "; all entries are those that were signed",
    };
    report->verdict = v->index.text[0] == '\0' ? VERDICT_INTACT
                      : v->index.newer         ? VERDICT_UNCHECKABLE
                                               : VERDICT_INDEX_WRONG;
    (void)snprintf(report->file, sizeof report->file, "%s", v->index.file);
    (void)snprintf(report->text, sizeof report->text, "%.400s%s", v->index.text,
                   advice[report->verdict]);
}

static void
report_judgement(const struct verifier *v)
{
    const struct judgement *judgement = &v->judgement;
    struct verify_report *report = v->report;
    report->verdict = judgement->verdict;
    report->bad_first = judgement->first;
    report->bad_last = judgement->last;
    (void)snprintf(report->file, sizeof report->file, "%s", judgement->file);
    (void)snprintf(report->text, sizeof report->text, "%s", judgement->text);
}

static tally_status
check_there(struct verifier *v, const char *name)
{
    struct disk_file *file;
    struct tally_error error = { 0 };
    char path[VERIFY_FILE_SIZE];
    static const char *const parts[] = { "manifest", "checkpoint", "lock" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        evidence_name(&v->evidence, parts[i], path);
        tally_status status = disk_open(v->evidence.place.disk, path, DISK_READ, &file, &error);
        if (status == TALLY_OK)
            disk_close(file);
        if (status != TALLY_ABSENT)
            return TALLY_OK;
    }
    return judge(&v->judgement, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "there is no trail \"%s\": nothing was checked", name);
}

/* Passes until one stands. A trail that has changed under each of them was not verified, whatever
 * made it change: that is no verdict in its favour. */
static tally_status
verify_in_passes(struct verifier *v)
{
    for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
        tally_status status = verify_pass(v);
        if (status == TALLY_OK)
            conclude(v);
        if (status != TALLY_DISAGREES || !manifest_changed(v))
            return status;
        v->judgement = (struct judgement){ 0 };
    }
    return judge(&v->judgement, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "%s changed under each of %u looks at it: nothing can be said", v->evidence.path,
                 PASSES_MAX);
}

tally_status
verify_trail(struct folder *folder, const char *name, const struct verify_options *options,
             struct verify_report *report_out, struct tally_error *error)
{
    memset(report_out, 0, sizeof *report_out);
    report_out->scope = options->scope;
    report_out->bad_first = report_out->bad_last = VERIFY_NO_INDEX;
    struct verifier *v = calloc(1, sizeof *v);
    if (v == NULL)
        return memory_fault(error);
    v->evidence.place =
        (struct trail_place){ folder_disk(folder), v->evidence.path, v->evidence.tag };
    v->options = options;
    v->report = report_out;
    v->suspect = VERIFY_NO_INDEX;
    (void)snprintf(v->evidence.path, sizeof v->evidence.path, "trails/%s", name);

    tally_status status =
        trail_name_valid(name)
            ? check_there(v, name)
            : judge(&v->judgement, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                    "\"%s\" is no trail name: nothing was checked", name);
    if (status == TALLY_OK)
        status = verify_in_passes(v);
    if (status == TALLY_DISAGREES)
        report_judgement(v);
    arena_finish(&v->arena);
    spans_finish(&v->missing);
    erasures_finish(&v->erasures);
    manifest_free(&v->evidence.manifest);
    free(v);
    if (status == TALLY_NO_MEMORY)
        return memory_fault(error);
    return TALLY_OK;
}
