/*
 * look_back.c - are the events of a batch stored already, however long ago?
 *
 * The sequencer knows the newest ids only (repeats.c), for all wait while it looks. Here a batch is
 * looked for in the whole trail before it gets its turn, in a snapshot, while others are committed:
 * from the newest run to the oldest, each segment only where its group says that it may have an id.
 * What was found stays with the batch, and with it the snapshot's size: the sequencer then looks at
 * all that was committed since, so that between the two nothing is missed.
 *
 * What is found cannot become wrong meanwhile: an entry keeps its index and its leaf for good, and
 * where its private part is erased, it was compared before.
 */
#include "fault.h"
#include "snapshot.h"
#include "token.h"
#include "trail_core.h"

#include <assert.h>
#include <stdlib.h>

/* Ids that a group is asked for between two looks at whether to go on. */
#define ASKED_BETWEEN_CHECKS 256u

struct look {
    struct trail *trail;
    const struct batch *batch;
    struct snapshot *snapshot;
    struct receipt *receipts;
    uint64_t *runs; /* of each event: which runs of the group at hand may have its id */
    bool *hits;     /* of each event: whether the run at hand may have it */
    trail_check *check;
    void *context;
};

static tally_status
go_on(const struct look *look, struct tally_error *error)
{
    return look->check == NULL ? TALLY_OK : look->check(look->context, error);
}

/* Marks the events that are still looked for and that run `k` of the group at hand may have. */
static bool
mark_hits(struct look *look, size_t k)
{
    bool any = false;
    for (uint32_t i = 0; i < look->batch->count; i++) {
        look->hits[i] =
            (look->runs[i] >> k & 1) != 0 && repeats_is_open(look->batch, look->receipts, i);
        any = any || look->hits[i];
    }
    return any;
}

static tally_status
look_in_run(struct look *look, size_t run, size_t k, struct tally_error *error)
{
    if (!mark_hits(look, k))
        return TALLY_OK;
    struct run_reader *reader;
    tally_status status = go_on(look, error);
    if (status == TALLY_OK)
        status = snapshot_reader(look->snapshot, run, &reader, error);
    if (status != TALLY_OK)
        return status;
    return repeats_in_run(look->trail, reader, look->batch, look->hits, look->receipts, error);
}

/* A run that no group tells of. */
static tally_status
look_in_single(struct look *look, size_t run, struct tally_error *error)
{
    for (uint32_t i = 0; i < look->batch->count; i++)
        look->runs[i] = 1;
    return look_in_run(look, run, 0, error);
}

static tally_status
ask_group(struct look *look, size_t group, struct tally_error *error)
{
    struct run_meter meter = { 0 };
    uint32_t asked = 0;
    for (uint32_t i = 0; i < look->batch->count; i++) {
        if (!repeats_is_open(look->batch, look->receipts, i))
            continue;
        const struct token_sought id = { FIELD_ID, look->batch->items[i].id_hash };
        tally_status status = asked++ % ASKED_BETWEEN_CHECKS == 0 ? go_on(look, error) : TALLY_OK;
        if (status == TALLY_OK)
            status =
                snapshot_group_probe(look->snapshot, group, &id, 1, &meter, &look->runs[i], error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
look_in_group(struct look *look, size_t group, size_t first, size_t count,
              struct tally_error *error)
{
    tally_status status = ask_group(look, group, error);
    for (size_t k = count; k-- > 0 && status == TALLY_OK;)
        status = look_in_run(look, first + k, k, error);
    return status;
}

/* From the newest run to the oldest. */
static tally_status
look_everywhere(struct look *look, struct tally_error *error)
{
    size_t end = snapshot_run_count(look->snapshot); /* the runs from here on are done */
    tally_status status = TALLY_OK;
    for (size_t group = snapshot_group_count(look->snapshot); status == TALLY_OK; group--) {
        size_t first = 0;
        unsigned count = 0;
        if (group > 0)
            snapshot_group(look->snapshot, group - 1, &first, &count);
        for (; end > first + count && status == TALLY_OK; end--)
            status = look_in_single(look, end - 1, error);
        if (group == 0)
            return status;
        if (status == TALLY_OK)
            status = look_in_group(look, group - 1, first, count, error);
        end = first;
    }
    return status;
}

static tally_status
look_with(struct look *look, struct tally_error *error)
{
    size_t count = look->batch->count;
    look->runs = malloc((count + 1) * sizeof *look->runs);
    look->hits = malloc((count + 1) * sizeof *look->hits);
    tally_status status = look->runs == NULL || look->hits == NULL ? memory_fault(error) : TALLY_OK;
    for (size_t i = 0; i < count; i++)
        look->receipts[i] = (struct receipt){ .index = UINT64_MAX };
    if (status == TALLY_OK)
        status = look_everywhere(look, error);
    free(look->runs);
    free(look->hits);
    return status;
}

/* Room for what is found. What an earlier look found is given up. */
static tally_status
make_room(struct batch *batch, struct tally_error *error)
{
    batch->looked_count = 0;
    batch->looked_size = 0;
    if (batch->count <= batch->looked_capacity)
        return TALLY_OK;
    struct receipt *looked = realloc(batch->looked, batch->capacity * sizeof *looked);
    if (looked == NULL)
        return memory_fault(error);
    batch->looked = looked;
    batch->looked_capacity = batch->capacity;
    return TALLY_OK;
}

tally_status
trail_look_back(struct trail *trail, struct batch *batch, trail_check *check, void *context,
                struct tally_error *error)
{
    assert(trail->mode == TRAIL_WRITE);
    struct snapshot *snapshot;
    tally_status status = make_room(batch, error);
    if (status == TALLY_OK)
        status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    struct look look = {
        .trail = trail,
        .batch = batch,
        .snapshot = snapshot,
        .receipts = batch->looked,
        .check = check,
        .context = context,
    };
    status = look_with(&look, error);
    if (status == TALLY_OK) {
        batch->looked_count = batch->count;
        batch->looked_size = snapshot_size(snapshot);
    }
    snapshot_close(snapshot);
    return status;
}
