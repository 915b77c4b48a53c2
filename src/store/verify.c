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
 */
#include "verify.h"

#include "buffer.h"
#include "entry.h"
#include "fault.h"
#include "json_text.h"
#include "trail_core.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PASSES_MAX     1000u
#define PROGRESS_EVERY 16384u

/* Entries without a private part, and entries that control entries say are erased. */
struct spans {
    uint64_t (*items)[2]; /* first, last */
    size_t count;
    size_t capacity;
};

struct verifier {
    struct disk *disk;
    const struct verify_options *options;
    struct verify_report *report;
    char path[TRAIL_PATH_MAX];
    uint8_t tag[16];
    struct tally_checkpoint checkpoint;
    struct manifest manifest;
    size_t segments_done;
    struct tally_tree sealed; /* over the verified segments */
    struct tally_tree tree;   /* over what was read */
    uint64_t suspect;         /* first entry of the 256 whose stored hash disagrees; or none */
    char suspect_file[VERIFY_FILE_SIZE];
    char index_text[512]; /* the first thing found wrong that can be rebuilt */
    char index_file[VERIFY_FILE_SIZE];
    struct spans missing, named;
    struct arena arena;
    struct run_reader *reader;
};

/* The verdict is reached: fills the report. Returned as TALLY_DISAGREES, which ends the pass. */
__attribute__((format(printf, 5, 6))) static tally_status
judge(struct verifier *v, enum verdict verdict, uint64_t first, uint64_t last, const char *format,
      ...)
{
    v->report->verdict = verdict;
    v->report->bad_first = first;
    v->report->bad_last = last;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(v->report->text, sizeof v->report->text, format, arguments);
    va_end(arguments);
    return TALLY_DISAGREES;
}

/* A fault met while reading `file`, as a verdict. */
static tally_status
judge_fault(struct verifier *v, tally_status status, const char *file,
            const struct tally_error *error)
{
    if (status == TALLY_NO_MEMORY || status == TALLY_DISAGREES)
        return status;
    /* Most messages begin with the very file and a colon; then that is better than what the caller
     * knows, and the rest says what is wrong. */
    const char *text = error->text;
    const char *colon = strstr(text, ": ");
    if (strncmp(text, "trails/", 7) == 0 && colon != NULL &&
        memchr(text, ' ', (size_t)(colon - text)) == NULL) {
        (void)snprintf(v->report->file, sizeof v->report->file, "%.*s", (int)(colon - text), text);
        text = colon + 2;
    } else {
        (void)snprintf(v->report->file, sizeof v->report->file, "%s", file);
    }
    if (status == TALLY_DAMAGED || status == TALLY_INVALID)
        return judge(v, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s", text);
    if (status == TALLY_ABSENT)
        return judge(v, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s is missing", file);
    return judge(v, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s",
                 error->text[0] != '\0' ? error->text : tally_status_text(status));
}

/* Something derived is wrong; the entries may still be intact. The first is reported. */
static void
note_index(struct verifier *v, const char *file, const char *text)
{
    if (v->index_text[0] != '\0')
        return;
    (void)snprintf(v->index_file, sizeof v->index_file, "%s", file);
    (void)snprintf(v->index_text, sizeof v->index_text, "%s", text);
}

static tally_status
add_span(void *context, uint64_t first, uint64_t last, struct tally_error *error)
{
    struct spans *spans = context;
    if (spans->count > 0 && spans->items[spans->count - 1][1] + 1 == first) {
        spans->items[spans->count - 1][1] = last;
        return TALLY_OK;
    }
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity == 0 ? 64 : spans->capacity * 2;
        void *items = realloc(spans->items, capacity * sizeof *spans->items);
        if (items == NULL)
            return memory_fault(error);
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count][0] = first;
    spans->items[spans->count++][1] = last;
    return TALLY_OK;
}

static void
name_in(const struct verifier *v, const char *file, char name[VERIFY_FILE_SIZE])
{
    (void)snprintf(name, VERIFY_FILE_SIZE, "%s/%s", v->path, file);
}

/* Reads the claim. With no key given, by the key that the manifest names; entry 0 must agree later.
 */
static tally_status
read_claim(struct verifier *v)
{
    struct tally_error error = { 0 };
    struct buffer content = { 0 };
    char name[VERIFY_FILE_SIZE];
    name_in(v, "checkpoint", name);
    tally_status status = disk_read_file(v->disk, name, sizeof v->report->note, &content, &error);
    if (status == TALLY_OK) {
        memcpy(v->report->note, content.data, content.size);
        v->report->note_size = content.size;
    }
    buffer_free(&content);
    return status == TALLY_OK ? TALLY_OK : judge_fault(v, status, name, &error);
}

static tally_status
open_claim(struct verifier *v)
{
    struct tally_error error = { 0 };
    const struct tally_vkey *vkey = v->options->vkey != NULL ? v->options->vkey : &v->manifest.vkey;
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
    name_in(v, "checkpoint", v->report->file);
    return judge(v, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "%.120s/checkpoint is not signed by %.300s", v->path, text);
}

/* Holds the tree against the claim and against what was seen, at the sizes where they speak. */
static tally_status
check_roots(struct verifier *v)
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
                v, VERDICT_TAMPERED, 0, v->checkpoint.size - 1,
                "the entries do not give the root that was signed for size %" PRIu64
                "; entry and file cannot be told, because every stored hash was changed too",
                v->checkpoint.size);
        (void)snprintf(v->report->file, sizeof v->report->file, "%s", v->suspect_file);
        uint64_t last = v->suspect + HASHES_SPAN - 1;
        return judge(v, VERDICT_TAMPERED, v->suspect, last,
                     "an entry of %" PRIu64 " to %" PRIu64
                     " was changed: their hash is not the stored one, and the root is not the one "
                     "that was signed for size %" PRIu64,
                     v->suspect, last, v->checkpoint.size);
    }
    if (remembered && !tally_hash_equal(&root, &seen->root))
        return judge(v, VERDICT_TAMPERED, 0, seen->size - 1,
                     "the first %" PRIu64 " entries are not those that were seen before: "
                     "the trail's history was replaced",
                     seen->size);
    return TALLY_OK;
}

/* What every entry must pass, wherever it is stored. */
static tally_status
take_leaf(struct verifier *v, const struct tally_hash *leaf)
{
    tally_tree_append(&v->tree, leaf);
    v->report->entries = v->tree.size;
    if (v->options->progress != NULL && v->tree.size % PROGRESS_EVERY == 0 &&
        !v->options->progress(v->options->context, v->tree.size, v->checkpoint.size))
        return judge(v, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                     "verification was ended after %" PRIu64 " entries", v->tree.size);
    return check_roots(v);
}

/* Entry 0 must say what manifest and checkpoint say. */
static tally_status
check_created(struct verifier *v, struct bytes control)
{
    struct bytes name = BYTES("vkey"), token;
    uint8_t text[TALLY_VKEY_TEXT_SIZE * 6];
    size_t size = SIZE_MAX;
    if (control.data != NULL && json_path_find(control, &name, 1, &token) && token.size >= 2 &&
        token.size < sizeof text)
        size = json_text_decode(bytes_of(token.data + 1, token.size - 2), text);
    struct tally_vkey vkey;
    struct tally_error error = { 0 };
    if (size == SIZE_MAX || tally_vkey_parse((const char *)text, size, &vkey, &error) != TALLY_OK)
        return judge(v, VERDICT_TAMPERED, 0, 0, "entry 0 does not say how the trail was created");
    struct buffer expected = { 0 };
    created_control(&vkey, v->manifest.fields_private, &expected);
    bool same = !buffer_failed(&expected) && bytes_equal(buffer_view(&expected), control) &&
                tally_vkey_equal(&vkey, &v->manifest.vkey);
    buffer_free(&expected);
    if (same)
        return TALLY_OK;
    name_in(v, "manifest", v->report->file);
    return judge(v, VERDICT_TAMPERED, 0, 0,
                 "%s/manifest names another key or other private fields than entry 0", v->path);
}

static tally_status
check_control(struct verifier *v, uint64_t index, struct bytes control)
{
    struct tally_error error = { 0 };
    tally_status status = TALLY_OK;
    if (index == 0)
        return check_created(v, control);
    if (control.data != NULL)
        status = erased_ranges(control, add_span, &v->named, &error);
    if (status == TALLY_DAMAGED)
        return judge(v, VERDICT_TAMPERED, index, index, "%s", error.text);
    return status;
}

/* Entries come in order; a segment that is read again brings those known already. */
static tally_status
add_missing(struct verifier *v, uint64_t index)
{
    const struct spans *missing = &v->missing;
    if (missing->count > 0 && missing->items[missing->count - 1][1] >= index)
        return TALLY_OK;
    v->report->erased++;
    return add_span(&v->missing, index, index, NULL);
}

/* Holds the group of 256 that an entry completes against its stored hash: a wrong root can then
 * name the group. */
static void
check_group(struct verifier *v, const struct tally_hash *leaf, const char *file,
            const struct tally_hash *stored)
{
    struct tally_hash node;
    if (v->suspect != VERIFY_NO_INDEX || !hashes_complete(&v->tree, leaf, &node) ||
        tally_hash_equal(&node, stored))
        return;
    v->suspect = v->tree.size - (HASHES_SPAN - 1);
    (void)snprintf(v->suspect_file, sizeof v->suspect_file, "%s", file);
}

/* One sealed segment, entry by entry; its reader is open. */
static tally_status
verify_rows(struct verifier *v, const struct segment_info *info, const char *file,
            struct tally_hash *level8)
{
    tally_status status = TALLY_OK;
    for (uint32_t row = 0; row < info->count && status == TALLY_OK; row++) {
        struct run_entry entry;
        struct tally_error error = { 0 };
        uint64_t index = info->first + row;
        status = run_entry(v->reader, row, RUN_STREAM, &entry, &error);
        if (status != TALLY_OK)
            return judge_fault(v, status, file, &error);
        status = check_control(v, index, entry.values[FIELD_CONTROL]);
        if (status == TALLY_OK && entry.erased)
            status = add_missing(v, index);
        if (status == TALLY_OK && level8 != NULL && index % HASHES_SPAN == HASHES_SPAN - 1)
            check_group(v, &entry.leaf, file,
                        &level8[index / HASHES_SPAN - info->first / HASHES_SPAN]);
        if (status == TALLY_OK)
            status = take_leaf(v, &entry.leaf);
    }
    return status;
}

/* Reads the tree hashes of a segment; NULL where they cannot be had, which is noted. */
static tally_status
read_level8(struct verifier *v, const struct segment_info *info, struct tally_hash **level8_out)
{
    uint64_t from = info->first / HASHES_SPAN;
    size_t count = (size_t)((info->first + info->count) / HASHES_SPAN - from);
    struct tally_hash *level8 = malloc((count + 1) * sizeof *level8);
    struct tally_error error = { 0 };
    if (level8 == NULL)
        return TALLY_NO_MEMORY;
    tally_status status =
        hashes_read_file(v->disk, v->path, v->tag, info->first, from, level8, count, &error);
    *level8_out = level8;
    if (status == TALLY_OK)
        return TALLY_OK;
    free(level8);
    *level8_out = NULL;
    if (status == TALLY_NO_MEMORY)
        return status;
    char name[VERIFY_FILE_SIZE], file[64];
    (void)snprintf(file, sizeof file, "tree/%016" PRIx64, info->first);
    name_in(v, file, name);
    note_index(v, name, error.text);
    return TALLY_OK;
}

static tally_status
verify_segment(struct verifier *v, const struct segment_info *info)
{
    char file[64], name[VERIFY_FILE_SIZE];
    (void)snprintf(file, sizeof file, "segments/%016" PRIx64, info->first);
    name_in(v, file, name);
    struct tally_error error = { 0 };
    struct segment *segment = NULL;
    struct tally_hash *level8 = NULL;
    bool index_only = false;
    tally_status status = segment_open(v->disk, v->path, v->tag, info, &segment, &error);
    if (status == TALLY_OK)
        status = segment_check(segment, SEGMENT_CHECK_DERIVED, &index_only, &error);
    if (status != TALLY_OK && index_only) {
        note_index(v, name, error.text);
        status = TALLY_OK;
    }
    if (status != TALLY_OK) {
        status = judge_fault(v, status, name, &error);
        goto release;
    }
    status = read_level8(v, info, &level8);
    struct run run = { .first = info->first, .count = info->count, .segment = segment };
    if (status == TALLY_OK)
        status = run_reader_create(&run, &v->reader, &error);
    if (status == TALLY_OK)
        status = verify_rows(v, info, name, level8);
    run_reader_destroy(v->reader);
    v->reader = NULL;
    free(level8);
release:
    segment_release(segment);
    return status;
}

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
        return judge(v, VERDICT_TAMPERED, index, index, "entry %" PRIu64 ": %s", index, error.text);
    char commitment[ENTRY_COMMITMENT_SIZE];
    entry_commit(journaled->salt, journaled->private_part, commitment);
    if (!bytes_equal(entry.values[FIELD_PRIVATE], bytes_of(commitment, sizeof commitment)))
        return judge(v, VERDICT_TAMPERED, index, index,
                     "entry %" PRIu64 ": its private part is not the one it is committed to",
                     index);
    status = check_control(v, index, entry.values[FIELD_CONTROL]);
    if (status != TALLY_OK)
        return status;
    struct tally_hash leaf;
    tally_hash_leaf(journaled->public_part.data, journaled->public_part.size, &leaf);
    return take_leaf(v, &leaf);
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

static tally_status
verify_journal(struct verifier *v)
{
    char name[VERIFY_FILE_SIZE];
    name_in(v, "journal", name);
    struct tally_error error = { 0 };
    struct journal_position end;
    struct journal_tail tail;
    tally_status status = journal_read(v->disk, v->path, v->tag, &v->manifest.journal,
                                       v->checkpoint.size, verify_record, v, &end, &tail, &error);
    if (status == TALLY_DISAGREES || status == TALLY_NO_MEMORY)
        return status;
    if (status != TALLY_OK)
        return judge_fault(v, status, name, &error);
    if (v->tree.size < v->checkpoint.size)
        return judge(v, VERDICT_TAMPERED, v->tree.size, v->checkpoint.size - 1,
                     "entries %" PRIu64 " to %" PRIu64 " are missing: size %" PRIu64 " was signed",
                     v->tree.size, v->checkpoint.size - 1, v->checkpoint.size);
    return TALLY_OK;
}

static int
compare_spans(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return left[0] < right[0] ? -1 : left[0] > right[0];
}

/* Every entry without its private part must be named by a control entry. */
static tally_status
check_missing(struct verifier *v)
{
    if (v->named.count > 1)
        qsort(v->named.items, v->named.count, sizeof *v->named.items, compare_spans);
    for (size_t i = 0, k = 0; i < v->missing.count; i++) {
        uint64_t next = v->missing.items[i][0];
        while (next <= v->missing.items[i][1]) {
            while (k < v->named.count && v->named.items[k][1] < next)
                k++;
            if (k == v->named.count || v->named.items[k][0] > next)
                return judge(v, VERDICT_TAMPERED, next, next,
                             "entry %" PRIu64 " has lost its private part, and no control entry "
                             "says that it was erased",
                             next);
            next = v->named.items[k][1] + 1;
        }
    }
    return TALLY_OK;
}

/* What the trail was when somebody looked before must be a beginning of what it is. */
static tally_status
check_seen(struct verifier *v)
{
    const struct tally_checkpoint *seen = v->options->seen;
    if (seen == NULL || seen->size <= v->checkpoint.size)
        return TALLY_OK;
    return judge(v, VERDICT_TAMPERED, v->checkpoint.size, seen->size - 1,
                 "the trail had %" PRIu64 " entries when it was last seen and has a checkpoint of "
                 "%" PRIu64 " now: it was rolled back",
                 seen->size, v->checkpoint.size);
}

/* The manifest, and that it goes with what was verified before. */
static tally_status
read_manifest(struct verifier *v)
{
    struct tally_error error = { 0 };
    char name[VERIFY_FILE_SIZE];
    name_in(v, "manifest", name);
    struct manifest manifest = { 0 };
    tally_status status = manifest_read(v->disk, v->path, &manifest, &error);
    if (status != TALLY_OK)
        return judge_fault(v, status, name, &error);
    free(v->manifest.segments);
    v->manifest = manifest;
    trail_tag(manifest.vkey.name, v->tag);
    return TALLY_OK;
}

static tally_status
check_manifest_tree(struct verifier *v)
{
    struct tally_hash computed, stored;
    tally_tree_root(&v->tree, &computed);
    tally_tree_root(&v->manifest.tree, &stored);
    if (v->tree.size == v->manifest.sealed && tally_hash_equal(&computed, &stored))
        return TALLY_OK;
    if (v->suspect != VERIFY_NO_INDEX) {
        (void)snprintf(v->report->file, sizeof v->report->file, "%s", v->suspect_file);
        return judge(v, VERDICT_TAMPERED, v->suspect, v->suspect + HASHES_SPAN - 1,
                     "an entry of %" PRIu64 " to %" PRIu64
                     " was changed: their hash is not the stored one",
                     v->suspect, v->suspect + HASHES_SPAN - 1);
    }
    name_in(v, "manifest", v->report->file);
    return judge(v, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "%s/manifest: its tree is not that of the %" PRIu64 " sealed entries", v->path,
                 v->manifest.sealed);
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
        status = read_claim(v);
    if (status == TALLY_OK)
        status = open_claim(v);
    if (status == TALLY_OK)
        status = check_seen(v);
    if (status == TALLY_OK && v->checkpoint.size < v->manifest.sealed) {
        /* Sealing signs first: what is sealed was covered before the manifest said so. */
        name_in(v, "checkpoint", v->report->file);
        status = judge(v, VERDICT_TAMPERED, v->checkpoint.size, v->manifest.sealed - 1,
                       "%s/checkpoint is of size %" PRIu64 ", but %" PRIu64
                       " entries are sealed: an older one was put in its place",
                       v->path, v->checkpoint.size, v->manifest.sealed);
    }
    v->tree = v->sealed;
    if (status == TALLY_OK)
        status = check_roots(v);
    while (status == TALLY_OK && v->segments_done < v->manifest.count) {
        status = verify_segment(v, &v->manifest.segments[v->segments_done]);
        if (status == TALLY_OK) {
            v->sealed = v->tree;
            v->segments_done++;
        }
    }
    if (status == TALLY_OK)
        status = check_manifest_tree(v);
    if (status == TALLY_OK)
        status = verify_journal(v);
    if (status == TALLY_OK)
        status = check_missing(v);
    return status;
}

/* Whether the files changed under the pass, so that its verdict says nothing. */
static bool
manifest_changed(struct verifier *v)
{
    struct manifest now = { 0 };
    if (manifest_read(v->disk, v->path, &now, NULL) != TALLY_OK)
        return false;
    bool changed = now.generation != v->manifest.generation;
    free(now.segments);
    return changed;
}

static void
conclude(struct verifier *v)
{
    struct verify_report *report = v->report;
    report->unsigned_ = v->tree.size - v->checkpoint.size;
    if (v->suspect != VERIFY_NO_INDEX)
        note_index(v, v->suspect_file, "the stored tree hashes are not those of the entries");
    report->verdict = v->index_text[0] == '\0' ? VERDICT_INTACT : VERDICT_INDEX_WRONG;
    (void)snprintf(report->file, sizeof report->file, "%s", v->index_file);
    (void)snprintf(report->text, sizeof report->text, "%.400s%s", v->index_text,
                   v->index_text[0] == '\0'
                       ? ""
                       : "; no entry is affected: `tally trail WHERE rebuild` writes it anew");
}

static tally_status
check_there(struct verifier *v, const char *name)
{
    struct disk_file *file;
    struct tally_error error = { 0 };
    char path[VERIFY_FILE_SIZE];
    static const char *const parts[] = { "manifest", "checkpoint", "lock" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        name_in(v, parts[i], path);
        tally_status status = disk_open(v->disk, path, DISK_READ, &file, &error);
        if (status == TALLY_OK)
            disk_close(file);
        if (status != TALLY_ABSENT)
            return TALLY_OK;
    }
    return judge(v, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                 "there is no trail \"%s\": nothing was checked", name);
}

tally_status
verify_trail(struct folder *folder, const char *name, const struct verify_options *options,
             struct verify_report *report_out, struct tally_error *error)
{
    memset(report_out, 0, sizeof *report_out);
    report_out->bad_first = report_out->bad_last = VERIFY_NO_INDEX;
    struct verifier *v = calloc(1, sizeof *v);
    if (v == NULL)
        return memory_fault(error);
    v->disk = folder_disk(folder);
    v->options = options;
    v->report = report_out;
    v->suspect = VERIFY_NO_INDEX;
    (void)snprintf(v->path, sizeof v->path, "trails/%s", name);

    tally_status status = trail_name_valid(name)
                              ? check_there(v, name)
                              : judge(v, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX,
                                      "\"%s\" is no trail name: nothing was checked", name);
    for (unsigned pass = 0; status == TALLY_OK && pass < PASSES_MAX; pass++) {
        status = verify_pass(v);
        if (status == TALLY_OK) {
            conclude(v);
            break;
        }
        if (status == TALLY_DISAGREES && manifest_changed(v)) {
            report_out->file[0] = '\0';
            status = TALLY_OK;
        }
    }
    arena_finish(&v->arena);
    free(v->missing.items);
    free(v->named.items);
    free(v->manifest.segments);
    free(v);
    if (status == TALLY_NO_MEMORY)
        return memory_fault(error);
    return TALLY_OK;
}
