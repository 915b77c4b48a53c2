/*
 * repeats.c - is an event new? The ids of a batch are looked up in everything the trail knows.
 *
 * Known are the ids of the heads, of the segments that hold the newest ID_WINDOW entries, and of
 * the batch itself. An event whose id is known and that says the same as the stored entry is a
 * repeat and gets the first one's receipt; one that says something else is a conflict and refuses
 * its batch. Ids that the reader made up (none was sent) are fresh by construction and not looked
 * up.
 *
 * Segments are asked one after the other for the whole batch, so that each one's filter is in the
 * cache once; only where a filter says "maybe" the id column is read.
 */
#include "fault.h"
#include "trail_core.h"

#include <inttypes.h>
#include <stdlib.h>

/* The newest ids are known: at least this many entries back. */
#define ID_WINDOW 4000000u

static bool
id_was_sent(const struct batch_item *item)
{
    return (item->event.sent & FIELD_BIT(FIELD_ID)) != 0;
}

/* Marks a conflict; the first one is what the result and the error tell of. */
static void
conflict(const struct batch *batch, uint32_t position, uint64_t stored, struct receipt *receipt,
         struct append_result *result, struct tally_error *error)
{
    *receipt = (struct receipt){ .index = stored, .conflict = true };
    if (result->conflicts++ > 0 && position > result->position)
        return;
    struct bytes id = batch->items[position].event.values[FIELD_ID];
    result->position = position;
    result->conflict = stored;
    if (stored == UINT64_MAX)
        (void)fault(error, TALLY_CONFLICT,
                    "event %" PRIu32 ": id %.*s stands twice in this batch, with other content",
                    position, BYTES_ARG(id));
    else
        (void)fault(error, TALLY_CONFLICT,
                    "event %" PRIu32 ": id %.*s is entry %" PRIu64 " already, with other content",
                    position, BYTES_ARG(id), stored);
}

/* Compares an event with the stored entry of the same id: TALLY_REPEATED or TALLY_CONFLICT, with
 * the stored entry's receipt. */
static tally_status
compare_stored(const struct trail *trail, struct run_reader *reader, uint32_t row,
               const struct batch_item *item, struct receipt *receipt_out,
               struct tally_error *error)
{
    struct run_entry entry;
    tally_status status = run_entry(reader, row, RUN_PARTS, &entry, error);
    if (status != TALLY_OK)
        return status;
    receipt_out->index = entry.index;
    receipt_out->repeated = true;
    receipt_out->leaf = entry.leaf;
    uint64_t unknown = entry.erased ? trail->fields_private : 0;
    return event_equal(&item->event, entry.values, unknown) ? TALLY_REPEATED : TALLY_CONFLICT;
}

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

/* An event of the batch whose id stands in a row of the segment. */
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

/* Finds the rows of the ids that the filter did not rule out. */
static tally_status
find_rows(struct run_reader *reader, const struct batch *batch, const bool *hits,
          const struct receipt *receipts, struct found *found, size_t *count_out,
          struct tally_error *error)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        if (!hits[i] || receipts[i].index != UINT64_MAX || receipts[i].conflict ||
            !id_was_sent(item))
            continue;
        tally_status status =
            run_find_id(reader, item->event.values[FIELD_ID], &found[count].row, error);
        if (status == TALLY_ABSENT)
            continue; /* the filter was wrong */
        if (status != TALLY_OK)
            return status;
        found[count++].position = i;
    }
    *count_out = count;
    return TALLY_OK;
}

/* Compares row by row in the segment's order, in whatever order the events came: every page is
 * decoded once. Nobody else commits meanwhile. */
static tally_status
ask_reader(const struct trail *trail, struct run_reader *reader, const struct batch *batch,
           const bool *hits, struct found *found, struct receipt *receipts,
           struct append_result *result, struct tally_error *error)
{
    size_t count;
    tally_status status = find_rows(reader, batch, hits, receipts, found, &count, error);
    if (status != TALLY_OK)
        return status;
    qsort(found, count, sizeof *found, compare_rows);
    for (size_t k = 0; k < count; k++) {
        uint32_t i = found[k].position;
        status = compare_stored(trail, reader, found[k].row, &batch->items[i], &receipts[i], error);
        if (status == TALLY_CONFLICT)
            conflict(batch, i, receipts[i].index, &receipts[i], result, error);
        else if (status != TALLY_REPEATED)
            return status;
    }
    return TALLY_OK;
}

/* The events of a batch whose ids a segment may have, and that were not found yet. */
static tally_status
ask_segment(const struct trail *trail, size_t segment, const struct batch *batch, const bool *hits,
            struct receipt *receipts, struct append_result *result, struct tally_error *error)
{
    if (memchr(hits, true, batch->count * sizeof *hits) == NULL)
        return TALLY_OK;
    const struct segment_info *info = &trail->manifest.segments[segment];
    struct run run = {
        .first = info->first,
        .count = info->count,
        .segment = trail->segments[segment],
    };
    struct found *found = malloc(batch->count * sizeof *found);
    if (found == NULL)
        return memory_fault(error);
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status == TALLY_OK) {
        status = ask_reader(trail, reader, batch, hits, found, receipts, result, error);
        run_reader_destroy(reader);
    }
    free(found);
    return status;
}

static tally_status
find_in_segments(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
                 struct append_result *result, struct tally_error *error)
{
    uint64_t *id_hashes = malloc((batch->count + 1) * sizeof *id_hashes);
    bool *hits = malloc((batch->count + 1) * sizeof *hits);
    tally_status status = id_hashes == NULL || hits == NULL ? memory_fault(error) : TALLY_OK;
    for (uint32_t i = 0; i < batch->count && status == TALLY_OK; i++)
        id_hashes[i] = batch->items[i].id_hash;

    const struct manifest *manifest = &trail->manifest;
    for (size_t s = manifest->count; s-- > 0 && status == TALLY_OK;) {
        const struct segment_info *info = &manifest->segments[s];
        if (manifest->sealed - info->first > (uint64_t)ID_WINDOW + info->count)
            break;
        memset(hits, 0, batch->count * sizeof *hits);
        status = segment_probe_ids(trail->segments[s], id_hashes, batch->count, hits, error);
        if (status == TALLY_OK)
            status = ask_segment(trail, s, batch, hits, receipts, result, error);
    }
    free(id_hashes);
    free(hits);
    return status;
}

/* Two events of the batch with one id must say the same. */
static void
check_twins(const struct batch *batch, struct receipt *receipts, struct append_result *result,
            struct tally_error *error)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        if (item->same_as != UINT32_MAX &&
            !event_equal(&item->event, batch->items[item->same_as].event.values, 0))
            conflict(batch, i, UINT64_MAX, &receipts[i], result, error);
    }
}

/* In the heads; *any_sent_out says whether an id was sent at all. */
static tally_status
find_in_all_heads(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
                  struct append_result *result, bool *any_sent_out, struct tally_error *error)
{
    *any_sent_out = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        struct run run;
        uint32_t row;
        if (!id_was_sent(item))
            continue;
        *any_sent_out = true;
        if (receipts[i].conflict ||
            find_in_heads(trail, item->event.values[FIELD_ID], &run, &row) != TALLY_OK)
            continue;
        tally_status status = compare_in_head(trail, &run, row, item, &receipts[i], error);
        if (status == TALLY_CONFLICT)
            conflict(batch, i, receipts[i].index, &receipts[i], result, error);
        else if (status != TALLY_REPEATED)
            return status;
    }
    return TALLY_OK;
}

tally_status
repeats_find(const struct trail *trail, const struct batch *batch, struct receipt *receipts,
             struct append_result *result, struct tally_error *error)
{
    for (uint32_t i = 0; i < batch->count; i++)
        receipts[i] = (struct receipt){ .index = UINT64_MAX };
    result->conflicts = 0;
    check_twins(batch, receipts, result, error);
    bool any_sent;
    tally_status status = find_in_all_heads(trail, batch, receipts, result, &any_sent, error);
    if (status == TALLY_OK && any_sent && trail->manifest.count > 0)
        status = find_in_segments(trail, batch, receipts, result, error);
    if (status != TALLY_OK)
        return status;
    return result->conflicts > 0 ? TALLY_CONFLICT : TALLY_OK;
}
