/*
 * repeats.c - is an event new? The ids of a batch are looked up in everything the trail knows.
 *
 * Known are the ids of the heads, of the segments that hold the newest entries (id_window of them),
 * of the batch itself, and what was found by looking back (look_back.c). An event whose id is known
 * and that says the same as the stored entry is a repeat and gets the first one's receipt; one that
 * says something else is a conflict and refuses its batch. Ids that the reader made up (none was
 * sent) are fresh by construction and not looked up.
 *
 * Nearly all ids are new. So the segments that were sealed since the trail was opened are asked
 * together first (recent_ids.h), and one by one only for what they do not deny. One by one they are
 * asked for the whole batch, so that each one's filter is in the cache once; only where that says
 * "maybe" the id column is read.
 */
#include "fault.h"
#include "trail_core.h"

#include <inttypes.h>
#include <stdlib.h>

static bool
id_was_sent(const struct batch_item *item)
{
    return (item->event.sent & FIELD_BIT(FIELD_ID)) != 0;
}

bool
repeats_is_open(const struct batch *batch, const struct receipt *receipts, uint32_t i)
{
    return receipts[i].index == UINT64_MAX && !receipts[i].conflict &&
           id_was_sent(&batch->items[i]);
}

/* Compares an event with the stored entry of the same id. */
static tally_status
compare_stored(const struct trail *trail, struct run_reader *reader, uint32_t row,
               const struct batch_item *item, struct receipt *receipt_out,
               struct tally_error *error)
{
    struct run_entry entry;
    tally_status status = run_entry(reader, row, RUN_PARTS, &entry, error);
    if (status != TALLY_OK)
        return status;
    uint64_t unknown = entry.erased ? trail->fields_private : 0;
    if (event_equal(&item->event, entry.values, unknown))
        *receipt_out =
            (struct receipt){ .index = entry.index, .leaf = entry.leaf, .repeated = true };
    else
        *receipt_out = (struct receipt){ .index = entry.index, .conflict = true };
    return TALLY_OK;
}

/* ---- in a run ---- */

/* An event of the batch whose id stands in a row of the run. */
struct found {
    uint32_t row;
    uint32_t position;
};

static int
compare_rows(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Finds the rows of those that may be there, in the run's order. */
static tally_status
find_rows(struct run_reader *reader, const struct batch *batch, struct found *found,
          struct run_id *ids, size_t *count, struct tally_error *error)
{
    for (size_t k = 0; k < *count; k++)
        ids[k].id = batch->items[found[k].position].event.values[FIELD_ID];
    tally_status status = run_find_ids(reader, ids, *count, error);
    if (status != TALLY_OK)
        return status;
    size_t kept = 0;
    for (size_t k = 0; k < *count; k++)
        if (ids[k].row != RUN_NO_ROW)
            found[kept++] = (struct found){ ids[k].row, found[k].position };
    qsort(found, kept, sizeof *found, compare_rows);
    *count = kept;
    return TALLY_OK;
}

/* Compares row by row in the run's order, in whatever order the events came: every page is decoded
 * once. */
tally_status
repeats_in_run(const struct trail *trail, struct run_reader *reader, const struct batch *batch,
               const bool *hits, struct receipt *receipts, struct tally_error *error)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++)
        count += hits[i] && repeats_is_open(batch, receipts, i);
    if (count == 0)
        return TALLY_OK;
    struct found *found = malloc(count * sizeof *found);
    struct run_id *ids = malloc(count * sizeof *ids);
    tally_status status = found == NULL || ids == NULL ? memory_fault(error) : TALLY_OK;
    size_t filled = 0;
    for (uint32_t i = 0; i < batch->count && status == TALLY_OK; i++)
        if (hits[i] && repeats_is_open(batch, receipts, i))
            found[filled++].position = i;
    if (status == TALLY_OK)
        status = find_rows(reader, batch, found, ids, &count, error);
    for (size_t k = 0; k < count && status == TALLY_OK; k++)
        status = compare_stored(trail, reader, found[k].row, &batch->items[found[k].position],
                                &receipts[found[k].position], error);
    free(found);
    free(ids);
    return status;
}

/* ---- in the heads ---- */

/* A row of a head, whose readers cost little. */
static tally_status
compare_in_head(const struct trail *trail, const struct run *run, uint32_t row,
                const struct batch_item *item, struct receipt *receipt_out,
                struct tally_error *error)
{
    struct run_reader *reader;
    tally_status status = run_reader_create(run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = compare_stored(trail, reader, row, item, receipt_out, error);
    run_reader_destroy(reader);
    return status;
}

/* In the head, its unpublished rows too, or in a frozen one. */
static tally_status
find_in_heads(const struct trail *trail, struct bytes id, struct run *run_out, uint32_t *row_out)
{
    struct head *head = trail->head;
    for (unsigned i = trail->frozen_count;; i--) {
        if (head_find_id(head, id, UINT32_MAX, row_out) == TALLY_OK) {
            *run_out = (struct run){
                .first = head_first(head),
                .count = *row_out + 1,
                .head = head,
            };
            return TALLY_OK;
        }
        if (i == 0)
            return TALLY_ABSENT;
        head = trail->frozen[i - 1].head;
    }
}

/* *left_out says whether any is still to be looked for. */
static tally_status
find_in_all_heads(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
                  bool *left_out, struct tally_error *error)
{
    *left_out = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        struct run run;
        uint32_t row;
        if (!repeats_is_open(batch, receipts, i))
            continue;
        if (find_in_heads(trail, item->event.values[FIELD_ID], &run, &row) != TALLY_OK) {
            *left_out = true;
            continue;
        }
        tally_status status = compare_in_head(trail, &run, row, item, &receipts[i], error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* ---- in the segments ---- */

/* The index that the search goes back to. What was looked back for is there only if it came since,
 * however much that is. */
static uint64_t
search_begin(const struct trail *trail, const struct batch *batch)
{
    uint64_t sealed = trail->manifest.sealed;
    uint64_t window = trail->options.id_window;
    uint64_t begin = sealed > window ? sealed - window : 0;
    if (batch->looked_size == 0)
        return begin;
    bool all = batch->looked_count == batch->count;
    return all || batch->looked_size < begin ? batch->looked_size : begin;
}

/* Those events of a batch that some segments are asked for: all, or those that the filter of the
 * ids of these segments does not deny. */
struct asked {
    const struct recent_filter *filter; /* or NULL */
    uint32_t count;
    uint64_t *all_hashes; /* of each event's id */
    uint64_t *hashes;     /* of those asked for */
    uint32_t *positions;
    bool *hits; /* of each event: whether the segment at hand may have its id */
};

static void
asked_free(struct asked *asked)
{
    free(asked->all_hashes);
    free(asked->hashes);
    free(asked->positions);
    free(asked->hits);
}

static void
ask_for(struct asked *asked, const struct recent_filter *filter, uint32_t count)
{
    asked->filter = filter;
    asked->count = count;
    if (filter == NULL)
        for (uint32_t i = 0; i < count; i++)
            asked->positions[i] = i;
    else
        asked->count =
            (uint32_t)recent_filter_probe(filter, asked->all_hashes, count, asked->positions);
    for (uint32_t k = 0; k < asked->count; k++)
        asked->hashes[k] = asked->all_hashes[asked->positions[k]];
}

static tally_status
asked_init(struct asked *asked, const struct batch *batch, struct tally_error *error)
{
    size_t room = (size_t)batch->count + 1;
    *asked = (struct asked){
        .all_hashes = malloc(room * sizeof *asked->all_hashes),
        .hashes = malloc(room * sizeof *asked->hashes),
        .positions = malloc(room * sizeof *asked->positions),
        .hits = malloc(room * sizeof *asked->hits),
    };
    if (asked->all_hashes == NULL || asked->hashes == NULL || asked->positions == NULL ||
        asked->hits == NULL) {
        asked_free(asked);
        return memory_fault(error);
    }
    for (uint32_t i = 0; i < batch->count; i++)
        asked->all_hashes[i] = batch->items[i].id_hash;
    ask_for(asked, NULL, batch->count);
    return TALLY_OK;
}

/* Finds which of the events a segment may have, if any: by their positions in the batch. */
static tally_status
probe_segment(struct segment *segment, struct asked *asked, uint32_t batch_count, bool *any_out,
              struct tally_error *error)
{
    memset(asked->hits, 0, batch_count * sizeof *asked->hits);
    tally_status status =
        segment_probe_ids(segment, asked->hashes, asked->count, asked->hits, error);
    if (status != TALLY_OK)
        return status;
    *any_out = memchr(asked->hits, true, asked->count * sizeof *asked->hits) != NULL;
    /* From behind: a position is never less than the place it is moved from. */
    for (uint32_t k = asked->count; *any_out && k-- > 0;) {
        bool hit = asked->hits[k];
        asked->hits[k] = false;
        asked->hits[asked->positions[k]] = hit;
    }
    return TALLY_OK;
}

/* The events of a batch that were not found yet, in one segment. */
static tally_status
ask_segment(const struct trail *trail, size_t segment, const struct batch *batch,
            struct asked *asked, struct receipt *receipts, struct tally_error *error)
{
    bool any = false;
    tally_status status = probe_segment(trail->segments[segment], asked, batch->count, &any, error);
    if (status != TALLY_OK || !any)
        return status;
    struct run run = segment_run(trail->segments[segment]);
    struct run_reader *reader;
    status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = repeats_in_run(trail, reader, batch, asked->hits, receipts, error);
    run_reader_destroy(reader);
    return status;
}

static tally_status
find_in_segments(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
                 struct tally_error *error)
{
    struct asked asked;
    const struct manifest *manifest = &trail->manifest;
    uint64_t begin = search_begin(trail, batch);
    tally_status status = asked_init(&asked, batch, error);
    if (status != TALLY_OK)
        return status;
    for (size_t s = manifest->count; s-- > 0 && status == TALLY_OK;) {
        const struct segment_info *info = &manifest->segments[s];
        if (info->first + info->count <= begin)
            break;
        const struct recent_filter *filter =
            recent_ids_covering(&trail->recent, info->first, info->count);
        if (filter != asked.filter)
            ask_for(&asked, filter, batch->count);
        if (asked.count > 0)
            status = ask_segment(trail, s, batch, &asked, receipts, error);
    }
    asked_free(&asked);
    return status;
}

/* ---- all together ---- */

/* What was found by looking back, and that two events of the batch with one id say the same. */
static void
begin_receipts(const struct batch *batch, struct receipt *receipts)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        receipts[i] =
            i < batch->looked_count ? batch->looked[i] : (struct receipt){ .index = UINT64_MAX };
        if (item->same_as != UINT32_MAX &&
            !event_equal(&item->event, batch->items[item->same_as].event.values, 0))
            receipts[i] = (struct receipt){ .index = UINT64_MAX, .conflict = true };
    }
}

static tally_status
conflict_fault(const struct batch *batch, const struct append_result *result,
               struct tally_error *error)
{
    struct bytes id = batch->items[result->position].event.values[FIELD_ID];
    if (result->conflict == UINT64_MAX)
        return fault(error, TALLY_CONFLICT,
                     "event %" PRIu32 ": id %.*s stands twice in this batch, with other content",
                     result->position, BYTES_ARG(id));
    return fault(error, TALLY_CONFLICT,
                 "event %" PRIu32 ": id %.*s is entry %" PRIu64 " already, with other content",
                 result->position, BYTES_ARG(id), result->conflict);
}

/* Counts the conflicts; the first one is what the result and the error tell of. */
static tally_status
tell_conflicts(const struct batch *batch, const struct receipt *receipts,
               struct append_result *result, struct tally_error *error)
{
    result->conflicts = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!receipts[i].conflict || result->conflicts++ > 0)
            continue;
        result->position = i;
        result->conflict = receipts[i].index;
    }
    return result->conflicts == 0 ? TALLY_OK : conflict_fault(batch, result, error);
}

tally_status
repeats_find(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
             struct append_result *result, struct tally_error *error)
{
    begin_receipts(batch, receipts);
    bool left;
    tally_status status = find_in_all_heads(trail, batch, receipts, &left, error);
    if (status == TALLY_OK && left && trail->manifest.count > 0)
        status = find_in_segments(trail, batch, receipts, error);
    return status == TALLY_OK ? tell_conflicts(batch, receipts, result, error) : status;
}
