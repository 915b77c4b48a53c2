/*
 * Following a trail.
 *
 * Each reading is a list by index over a snapshot, from `next` to the snapshot's end. That an entry
 * is seen once and none is left out rests on two things: indexes are given without gaps, and a
 * snapshot has every entry below its size.
 */
#include "follow.h"

#include "fault.h"
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>

/* Entries found at a time. */
#define STRIDE 1024u

/* The trail as it is now, with a scan over it. The caller closes both. */
static tally_status
open_scan(const struct follow *follow, struct trail *trail, struct snapshot **snapshot_out,
          struct scan **scan_out, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct scan_source source = scan_snapshot(snapshot);
    status = scan_create(follow->filter, &source, scan_out, error);
    if (status != TALLY_OK) {
        snapshot_close(snapshot);
        return status;
    }
    scan_watch(*scan_out, follow->check, follow->check_context);
    *snapshot_out = snapshot;
    return TALLY_OK;
}

static tally_status
visit_hits(struct follow *follow, struct snapshot *snapshot, const struct scan_hit *hits,
           size_t count, follow_visitor visit, void *context, struct tally_error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct run_entry entry;
        tally_status status = snapshot_entry(snapshot, hits[i].index, RUN_VALUES, &entry, error);
        follow->next = hits[i].index;
        if (status == TALLY_OK)
            status = visit(context, &entry, error);
        if (status != TALLY_OK)
            return status;
        follow->next++;
    }
    return TALLY_OK;
}

/* A place by index behind which entry `next` is the first. */
static struct scan_place
place_before(uint64_t next)
{
    if (next == 0)
        return SCAN_START;
    return (struct scan_place){ .begun = true, .last.index = next - 1 };
}

tally_status
follow_read(struct follow *follow, struct trail *trail, follow_visitor visit, void *context,
            struct tally_error *error)
{
    struct snapshot *snapshot;
    struct scan *scan;
    tally_status status = open_scan(follow, trail, &snapshot, &scan, error);
    if (status != TALLY_OK)
        return status;

    uint64_t size = snapshot_size(snapshot);
    struct scan_hit hits[STRIDE];
    struct scan_list list = { .next = place_before(follow->next), .more = follow->next < size };
    while (list.more && status == TALLY_OK) {
        struct scan_place place = list.next;
        status = scan_list(scan, ORDER_INDEX, &place, hits, STRIDE, &list, error);
        if (status == TALLY_OK)
            status = visit_hits(follow, snapshot, hits, list.count, visit, context, error);
    }
    if (status == TALLY_OK && follow->next < size)
        follow->next = size;
    scan_destroy(scan);
    snapshot_close(snapshot);
    return status;
}

tally_status
follow_from_last(struct follow *follow, struct trail *trail, size_t count,
                 struct tally_error *error)
{
    assert(count <= SCAN_LIST_MAX);
    struct snapshot *snapshot;
    struct scan *scan;
    struct scan_list list = { 0 };
    const struct scan_place start = SCAN_START;
    struct scan_hit *hits = calloc(count + 1, sizeof *hits);
    if (hits == NULL)
        return memory_fault(error);
    tally_status status = open_scan(follow, trail, &snapshot, &scan, error);
    if (status != TALLY_OK)
        goto free_hits;
    if (count > 0)
        status = scan_list(scan, ORDER_INDEX_DOWN, &start, hits, count, &list, error);
    if (status == TALLY_OK)
        follow->next = list.count > 0 ? hits[list.count - 1].index : snapshot_size(snapshot);
    scan_destroy(scan);
    snapshot_close(snapshot);

free_hits:
    free(hits);
    return status;
}
