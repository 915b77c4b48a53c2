/*
 * examination.c - a segment's files against themselves, and its leaves.
 *
 * In this order: the stored hashes of the tree are read; then page by page checksums and summaries
 * (columns_check_page()), and row by row salts, parts, commitments and leaves are computed and
 * control entries read. Tokens and words are found on the way, while all columns of a page are
 * decoded. At last what is known of all pages is compared; the indexes, and what the segment's
 * group has of it, are compared with what these should give, unless nobody wants to know.
 *
 * Leaves are gathered by the 256 that one stored hash is over. Where all of them stand in the
 * segment and nobody wants the root in between, they become one piece, their nodes hashed side by
 * side; else they go out one by one. What was gathered before a fault goes out before it is told,
 * so that the verifier has come as far as the entries were good.
 */
#include "examination.h"

#include "group_check.h"
#include "hash_many.h"
#include "hashes.h"
#include "run_column.h"
#include "segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct examiner {
    struct examination *examination;
    const struct examination_task *task;
    const struct segment_info *info;
    struct run_reader *reader;
    struct columns_check *columns;
    piece_taker taker;
    void *context;
    uint64_t first; /* index of leaves[0] */
    unsigned count;
    struct tally_hash leaves[HASHES_SPAN];
};

/* Whether the leaves at hand are a whole group and may go as one. */
static bool
is_piece(const struct examiner *e)
{
    if (e->count < HASHES_SPAN || e->first % HASHES_SPAN != 0)
        return false;
    for (unsigned i = 0; i < EXAMINATION_MARKS; i++)
        if (e->task->marks[i] > e->first && e->task->marks[i] < e->first + HASHES_SPAN)
            return false;
    return true;
}

static void
hash_group(struct tally_hash leaves[HASHES_SPAN], struct tally_hash *node_out)
{
    struct tally_hash nodes[HASHES_SPAN / 2];
    for (unsigned count = HASHES_SPAN / 2; count > 0; count /= 2) {
        hash_pairs(leaves, count, nodes);
        memcpy(leaves, nodes, count * sizeof *nodes);
    }
    *node_out = leaves[0];
}

/* Hands out the leaves at hand. */
static tally_status
hand_out(struct examiner *e)
{
    struct tree_piece piece = { .level = 0 };
    tally_status status = TALLY_OK;
    if (is_piece(e)) {
        piece.level = HASHES_LEVEL;
        hash_group(e->leaves, &piece.hash);
        status = e->taker(e->context, &piece);
    } else {
        for (unsigned i = 0; i < e->count && status == TALLY_OK; i++) {
            piece.hash = e->leaves[i];
            status = e->taker(e->context, &piece);
        }
    }
    e->first += e->count;
    e->count = 0;
    return status;
}

/* What is to be said of a row beside its leaf. */
static tally_status
judge_segment(struct examiner *e, tally_status status, struct tally_error *error)
{
    return judge_fault(&e->examination->judgement, status, e->examination->file, error);
}

static tally_status
examine_row(struct examiner *e, uint64_t index, struct bytes control, bool erased)
{
    struct examination *examination = e->examination;
    tally_status status = evidence_control(e->task->evidence, index, control,
                                           &examination->erasures, &examination->judgement);
    if (status == TALLY_OK && erased)
        status = spans_add(&examination->missing, index, index, NULL);
    return status;
}

static tally_status
examine_some(struct examiner *e, uint64_t first, const struct run_leaves *some)
{
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < some->count && status == TALLY_OK; i++) {
        status = examine_row(e, first + i, some->controls[i], some->erased[i]);
        if (status != TALLY_OK)
            break;
        e->leaves[e->count++] = some->leaves[i];
        if ((first + i) % HASHES_SPAN == HASHES_SPAN - 1)
            status = hand_out(e);
    }
    return status;
}

static tally_status
examine_rows(struct examiner *e, uint32_t row, uint32_t end)
{
    tally_status status = TALLY_OK;
    while (row < end && status == TALLY_OK) {
        struct run_leaves some;
        struct tally_error error = { 0 };
        status = run_leaves(e->reader, row, &some, &error);
        if (status != TALLY_OK)
            return judge_segment(e, status, &error);
        status = examine_some(e, e->info->first + row, &some);
        row += some.count;
    }
    return status;
}

static tally_status
examine_page(struct examiner *e, uint32_t page)
{
    uint32_t first = page * PAGE_ROWS, left = e->info->count - first;
    struct tally_error error = { 0 };
    tally_status status = columns_check_page(e->columns, page, &error);
    if (status != TALLY_OK)
        return judge_segment(e, status, &error);
    status = examine_rows(e, first, first + (left < PAGE_ROWS ? left : PAGE_ROWS));
    if (status == TALLY_OK && e->task->indexes)
        run_tokens_along(e->reader, page);
    return status;
}

static tally_status
examine_pages(struct examiner *e)
{
    tally_status status = TALLY_OK;
    for (uint32_t page = 0; page < run_page_count(run_of(e->reader)) && status == TALLY_OK; page++)
        status = examine_page(e, page);
    tally_status handed = hand_out(e);
    if (handed != TALLY_OK || status != TALLY_OK)
        return handed != TALLY_OK ? handed : status;
    struct tally_error error = { 0 };
    status = columns_check_all(e->columns, &error);
    return status == TALLY_OK ? TALLY_OK : judge_segment(e, status, &error);
}

void
index_finding_keep(struct index_finding *kept, tally_status status, const char *file,
                   const char *text)
{
    bool newer = status == TALLY_UNSUPPORTED;
    if (kept->text[0] != '\0' && (newer || !kept->newer))
        return;
    kept->newer = newer;
    (void)snprintf(kept->file, sizeof kept->file, "%s", file);
    (void)snprintf(kept->text, sizeof kept->text, "%s", text);
}

/* Reads the tree hashes that the segment completed. That they cannot be had is noted in `finding`.
 */
static tally_status
read_level8(struct examiner *e, struct index_finding *finding)
{
    const struct evidence *evidence = e->task->evidence;
    struct examination *examination = e->examination;
    uint64_t from = e->info->first / HASHES_SPAN;
    size_t count = (size_t)((e->info->first + e->info->count) / HASHES_SPAN - from);
    struct tally_hash *level8 = malloc((count + 1) * sizeof *level8);
    struct tally_error error = { 0 };
    if (level8 == NULL)
        return TALLY_NO_MEMORY;
    tally_status status =
        hashes_read_file(&evidence->place, e->info->first, from, level8, count, &error);
    if (status == TALLY_OK) {
        examination->first_group = from;
        examination->level8 = level8;
        return TALLY_OK;
    }
    free(level8);
    if (status == TALLY_NO_MEMORY)
        return status;
    char name[VERIFY_FILE_SIZE], file[64];
    (void)snprintf(file, sizeof file, "tree/%016" PRIx64, e->info->first);
    evidence_name(evidence, file, name);
    index_finding_keep(finding, status, name, error.text);
    return TALLY_OK;
}

/* Compares the index file. That it is another is noted. */
static tally_status
examine_index(struct examiner *e, struct segment *segment)
{
    struct tally_error error = { 0 };
    tally_status status = segment_check_index(segment, e->reader, &error);
    if (status == TALLY_OK)
        return TALLY_OK;
    if (status != TALLY_DAMAGED && status != TALLY_UNSUPPORTED)
        return judge_fault(&e->examination->judgement, status, e->examination->file, &error);
    index_finding_keep(&e->examination->index, status, e->examination->file, error.text);
    return TALLY_OK;
}

/* Compares the group that has the segment's tokens. That it is another is noted. */
static tally_status
examine_group(struct examiner *e)
{
    const struct evidence *evidence = e->task->evidence;
    struct tally_error error = { 0 };
    char name[GROUP_NAME_MAX];
    tally_status status = group_check(&evidence->place, &evidence->manifest, e->task->segment,
                                      e->reader, name, &error);
    if (status == TALLY_OK || status == TALLY_NO_MEMORY)
        return status;
    index_finding_keep(&e->examination->index, status, name,
                       status == TALLY_ABSENT ? "it is missing" : error.text);
    return TALLY_OK;
}

/* What can be rebuilt, when all entries have been read. */
static tally_status
examine_derived(struct examiner *e, struct segment *segment, const struct index_finding *tree)
{
    struct examination *examination = e->examination;
    tally_status status = e->task->indexes ? examine_index(e, segment) : TALLY_OK;
    if (tree->text[0] != '\0')
        index_finding_keep(&examination->index, tree->newer ? TALLY_UNSUPPORTED : TALLY_DAMAGED,
                           tree->file, tree->text);
    return status == TALLY_OK && e->task->indexes ? examine_group(e) : status;
}

/* Everything of a segment that could be opened. */
static tally_status
examine_open(struct examiner *e, struct segment *segment)
{
    struct index_finding tree = { 0 };
    tally_status status = read_level8(e, &tree);
    if (status == TALLY_OK)
        status = examine_pages(e);
    return status == TALLY_OK ? examine_derived(e, segment, &tree) : status;
}

static tally_status
examine_segment(struct examiner *e, struct segment *segment)
{
    struct tally_error error = { 0 };
    struct run run = segment_run(segment);
    tally_status status = run_reader_create(&run, &e->reader, &error);
    if (status == TALLY_OK)
        status =
            columns_check_begin(segment, e->reader, SEGMENT_CHECK_DERIVED, &e->columns, &error);
    status = status == TALLY_OK ? examine_open(e, segment) : judge_segment(e, status, &error);
    columns_check_end(e->columns);
    run_reader_destroy(e->reader);
    return status;
}

void
examination_run(struct examination *examination, const struct examination_task *task,
                piece_taker taker, void *context)
{
    const struct evidence *evidence = task->evidence;
    struct examiner e = {
        .examination = examination,
        .task = task,
        .info = &evidence->manifest.segments[task->segment],
        .taker = taker,
        .context = context,
    };
    e.first = e.info->first;
    char file[64];
    (void)snprintf(file, sizeof file, "segments/%016" PRIx64, e.info->first);
    evidence_name(evidence, file, examination->file);

    struct tally_error error = { 0 };
    struct segment *segment = NULL;
    examination->status = segment_open(&evidence->place, e.info, &segment, &error);
    if (examination->status != TALLY_OK) {
        examination->status =
            judge_fault(&examination->judgement, examination->status, examination->file, &error);
        return;
    }
    examination->status = examine_segment(&e, segment);
    segment_release(segment);
}

void
examination_finish(struct examination *examination)
{
    free(examination->level8);
    spans_finish(&examination->missing);
    erasures_finish(&examination->erasures);
}
