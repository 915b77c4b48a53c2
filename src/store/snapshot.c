/*
 * snapshot.c - what readers see of a trail.
 *
 * A snapshot is a list of runs: the segments, the frozen heads, the head, each with the count it
 * had. Segments and heads are kept alive by reference; none of them changes below that count. So a
 * snapshot costs a list, and no lock is held while it is read.
 *
 * Hashes below level 8 are recomputed from the 256 entries they span. The nodes of the two blocks
 * asked for last are kept, so that proofs of neighbours cost a few table look-ups.
 */
#include "snapshot.h"

#include "entry.h"
#include "fault.h"
#include "trail_core.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define READERS_OPEN_MAX 4

/* Of a proof's entry and of the tree's right edge: what one proof needs, its neighbour needs too.
 */
#define BLOCKS 2

struct open_reader {
    size_t run;
    struct run_reader *reader; /* NULL: free */
    uint64_t used;             /* when, by the snapshot's own count */
};

/* The tree over entries [256 number, 256 number + 256) as far as the snapshot goes: nodes[level]
 * are 256 >> level hashes, `leaves` says how many of level 0 are there. */
struct block {
    uint64_t number;
    unsigned leaves;
    struct tally_hash nodes[HASHES_LEVEL][HASHES_SPAN];
};

struct snapshot {
    struct trail *trail;
    uint64_t size;
    struct run *runs;
    size_t run_count;
    struct groups *groups;
    struct note note;
    struct open_reader readers[READERS_OPEN_MAX];
    uint64_t clock;
    struct run_meter meter;       /* of readers that are gone */
    struct block *blocks[BLOCKS]; /* the one asked for last stands first; NULL: none yet */
};

static void
add_run(struct snapshot *snapshot, struct run run)
{
    uint64_t left = snapshot->size - run.first;
    if (run.first >= snapshot->size || run.count == 0)
        return;
    if (run.count > left)
        run.count = (uint32_t)left;
    if (run.head != NULL)
        head_retain(run.head);
    else
        segment_retain(run.segment);
    snapshot->runs[snapshot->run_count++] = run;
}

static void
add_head(struct snapshot *snapshot, struct head *head)
{
    struct run run = { .first = head_first(head), .count = head_count(head), .head = head };
    if (run.count > 0)
        head_time_range(head, &run.time_min, &run.time_max);
    add_run(snapshot, run);
}

/* Under the trail's mutex. */
static void
collect_runs(struct snapshot *snapshot, struct trail *trail)
{
    for (size_t i = 0; i < trail->manifest.count; i++)
        add_run(snapshot, segment_run(trail->segments[i]));
    for (unsigned i = 0; i < trail->frozen_count; i++)
        add_head(snapshot, trail->frozen[i].head);
    add_head(snapshot, trail->head);
    groups_retain(trail->groups);
    snapshot->groups = trail->groups;
}

static tally_status
open_at(struct trail *trail, uint64_t size, struct snapshot **snapshot_out,
        struct tally_error *error)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return memory_fault(error);
    snapshot->trail = trail;
    (void)pthread_mutex_lock(&trail->mutex);
    tally_status status = TALLY_OK;
    size_t runs_max = trail->manifest.count + trail->frozen_count + 1;
    snapshot->size = size == UINT64_MAX ? trail->size : size;
    snapshot->runs = malloc(runs_max * sizeof *snapshot->runs);
    if (snapshot->size > trail->size) {
        status = TALLY_ABSENT;
    } else if (snapshot->runs == NULL) {
        status = memory_fault(error);
    } else {
        collect_runs(snapshot, trail);
        if (trail->note.checkpoint.size <= snapshot->size)
            snapshot->note = trail->note;
    }
    (void)pthread_mutex_unlock(&trail->mutex);
    if (status != TALLY_OK) {
        snapshot_close(snapshot);
        return status;
    }
    *snapshot_out = snapshot;
    return TALLY_OK;
}

tally_status
snapshot_open(struct trail *trail, struct snapshot **snapshot_out, struct tally_error *error)
{
    return open_at(trail, UINT64_MAX, snapshot_out, error);
}

tally_status
snapshot_open_at(struct trail *trail, uint64_t size, struct snapshot **snapshot_out,
                 struct tally_error *error)
{
    return open_at(trail, size, snapshot_out, error);
}

void
snapshot_close(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (unsigned i = 0; i < READERS_OPEN_MAX; i++)
        run_reader_destroy(snapshot->readers[i].reader);
    for (size_t i = 0; i < snapshot->run_count; i++) {
        if (snapshot->runs[i].head != NULL)
            head_release(snapshot->runs[i].head);
        else
            segment_release(snapshot->runs[i].segment);
    }
    free(snapshot->runs);
    groups_release(snapshot->groups);
    for (unsigned i = 0; i < BLOCKS; i++)
        free(snapshot->blocks[i]);
    free(snapshot);
}

uint64_t
snapshot_size(const struct snapshot *snapshot)
{
    return snapshot->size;
}

size_t
snapshot_run_count(const struct snapshot *snapshot)
{
    return snapshot->run_count;
}

const struct run *
snapshot_run(const struct snapshot *snapshot, size_t i)
{
    assert(i < snapshot->run_count);
    return &snapshot->runs[i];
}

tally_status
snapshot_reader(struct snapshot *snapshot, size_t i, struct run_reader **reader_out,
                struct tally_error *error)
{
    assert(i < snapshot->run_count);
    struct open_reader *oldest = &snapshot->readers[0];
    for (unsigned k = 0; k < READERS_OPEN_MAX; k++) {
        struct open_reader *open = &snapshot->readers[k];
        if (open->reader != NULL && open->run == i) {
            open->used = ++snapshot->clock;
            *reader_out = open->reader;
            return TALLY_OK;
        }
        if (open->used < oldest->used)
            oldest = open;
    }
    struct run_reader *reader;
    tally_status status = run_reader_create(&snapshot->runs[i], &reader, error);
    if (status != TALLY_OK)
        return status;
    if (oldest->reader != NULL)
        run_meter_add(&snapshot->meter, run_meter(oldest->reader));
    run_reader_destroy(oldest->reader);
    *oldest = (struct open_reader){ .run = i, .reader = reader, .used = ++snapshot->clock };
    *reader_out = reader;
    return TALLY_OK;
}

struct run_meter
snapshot_meter(const struct snapshot *snapshot)
{
    struct run_meter meter = snapshot->meter;
    for (unsigned i = 0; i < READERS_OPEN_MAX; i++)
        if (snapshot->readers[i].reader != NULL)
            run_meter_add(&meter, run_meter(snapshot->readers[i].reader));
    return meter;
}

void
snapshot_meter_add(struct snapshot *snapshot, const struct run_meter *meter)
{
    run_meter_add(&snapshot->meter, meter);
}

size_t
snapshot_find_run(const struct snapshot *snapshot, uint64_t index)
{
    size_t low = 0, high = snapshot->run_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->runs[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

tally_status
snapshot_entry(struct snapshot *snapshot, uint64_t index, enum run_want want,
               struct run_entry *entry_out, struct tally_error *error)
{
    if (index >= snapshot->size)
        return TALLY_ABSENT;
    size_t run = snapshot_find_run(snapshot, index);
    struct run_reader *reader;
    tally_status status = snapshot_reader(snapshot, run, &reader, error);
    if (status != TALLY_OK)
        return status;
    return run_entry(reader, (uint32_t)(index - snapshot->runs[run].first), want, entry_out, error);
}

size_t
snapshot_group_count(const struct snapshot *snapshot)
{
    /* Those that begin below an older snapshot's size. */
    size_t count = groups_count(snapshot->groups);
    while (count > 0 &&
           group_get_info(groups_at(snapshot->groups, count - 1))->first >= snapshot->size)
        count--;
    return count;
}

void
snapshot_group(const struct snapshot *snapshot, size_t i, size_t *run_out, unsigned *count_out)
{
    const struct group_info *info = group_get_info(groups_at(snapshot->groups, i));
    size_t run = snapshot_find_run(snapshot, info->first);
    size_t left = snapshot->run_count - run;
    *run_out = run;
    *count_out = info->segments < left ? info->segments : (unsigned)left;
}

tally_status
snapshot_group_probe(struct snapshot *snapshot, size_t i, const struct token_sought *tokens,
                     size_t count, struct run_meter *meter, uint64_t *runs_out,
                     struct tally_error *error)
{
    return group_probe(groups_at(snapshot->groups, i), tokens, count, meter, runs_out, error);
}

tally_status
snapshot_runs_with(struct snapshot *snapshot, const struct token_sought *tokens, size_t count,
                   uint64_t *bits_out, struct tally_error *error)
{
    memset(bits_out, 0, (snapshot->run_count + 63) / 64 * sizeof *bits_out);
    for (size_t i = 0; i < snapshot->run_count; i++)
        bits_out[i / 64] |= UINT64_C(1) << i % 64;
    for (size_t i = 0; i < snapshot_group_count(snapshot); i++) {
        size_t run;
        unsigned in_group;
        uint64_t may;
        snapshot_group(snapshot, i, &run, &in_group);
        tally_status status =
            snapshot_group_probe(snapshot, i, tokens, count, &snapshot->meter, &may, error);
        if (status != TALLY_OK)
            return status;
        for (unsigned k = 0; k < in_group; k++)
            if ((may >> k & 1) == 0)
                bits_out[(run + k) / 64] &= ~(UINT64_C(1) << (run + k) % 64);
    }
    return TALLY_OK;
}

/* The runs that may have an entry with this id. The caller frees them. */
static tally_status
runs_with_id(struct snapshot *snapshot, struct bytes id, uint64_t **bits_out,
             struct tally_error *error)
{
    const struct token_sought token = { FIELD_ID, token_of_value(FIELD_ID, id) };
    uint64_t *bits = malloc((snapshot->run_count / 64 + 1) * sizeof *bits);
    tally_status status = bits == NULL ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = snapshot_runs_with(snapshot, &token, 1, bits, error);
    if (status != TALLY_OK) {
        free(bits);
        return status;
    }
    *bits_out = bits;
    return TALLY_OK;
}

tally_status
snapshot_find_id(struct snapshot *snapshot, struct bytes id, uint64_t *index_out,
                 struct tally_error *error)
{
    uint64_t *bits;
    tally_status status = runs_with_id(snapshot, id, &bits, error);
    if (status != TALLY_OK)
        return status;
    status = TALLY_ABSENT;
    for (size_t i = snapshot->run_count; i-- > 0 && status == TALLY_ABSENT;) {
        struct run_reader *reader;
        uint32_t row;
        if ((bits[i / 64] >> i % 64 & 1) == 0)
            continue;
        status = snapshot_reader(snapshot, i, &reader, error);
        if (status == TALLY_OK)
            status = run_find_id(reader, id, &row, error);
        if (status == TALLY_OK)
            *index_out = snapshot->runs[i].first + row;
    }
    free(bits);
    return status;
}

const struct tally_checkpoint *
snapshot_checkpoint(const struct snapshot *snapshot, struct bytes *note_out)
{
    if (snapshot->note.size == 0)
        return NULL;
    *note_out = bytes_of(snapshot->note.text, snapshot->note.size);
    return &snapshot->note.checkpoint;
}

/* Computes the nodes of a block from its entries. */
static tally_status
load_block(struct snapshot *snapshot, uint64_t number, struct block *block,
           struct tally_error *error)
{
    block->number = UINT64_MAX;
    uint64_t first = number * HASHES_SPAN;
    uint64_t left = snapshot->size - first;
    block->leaves = left < HASHES_SPAN ? (unsigned)left : HASHES_SPAN;
    for (unsigned i = 0; i < block->leaves; i++) {
        struct run_entry entry;
        tally_status status = snapshot_entry(snapshot, first + i, RUN_STREAM, &entry, error);
        if (status != TALLY_OK)
            return status;
        block->nodes[0][i] = entry.leaf;
    }
    for (unsigned level = 1; level < HASHES_LEVEL; level++)
        for (unsigned i = 0; i < block->leaves >> level; i++)
            tally_hash_node(&block->nodes[level - 1][2 * i], &block->nodes[level - 1][2 * i + 1],
                            &block->nodes[level][i]);
    block->number = number;
    return TALLY_OK;
}

/* Puts the block `number` first, in place of the one not asked for longest if it is not there. */
static tally_status
find_block(struct snapshot *snapshot, uint64_t number, struct tally_error *error)
{
    unsigned at = 0;
    while (at < BLOCKS - 1 &&
           (snapshot->blocks[at] == NULL || snapshot->blocks[at]->number != number))
        at++;
    struct block *block = snapshot->blocks[at];
    if (block == NULL) {
        block = malloc(sizeof *block);
        if (block == NULL)
            return memory_fault(error);
        block->number = UINT64_MAX;
    }
    memmove(&snapshot->blocks[1], &snapshot->blocks[0], at * sizeof snapshot->blocks[0]);
    snapshot->blocks[0] = block;
    return block->number == number ? TALLY_OK : load_block(snapshot, number, block, error);
}

tally_status
snapshot_hash(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
              struct tally_error *error)
{
    struct snapshot *snapshot = context;
    if (level >= TALLY_TREE_LEVELS || index >= snapshot->size >> level)
        return fault(error, TALLY_INVALID,
                     "there is no complete subtree %" PRIu64 " of level %u below size %" PRIu64,
                     index, level, snapshot->size);
    if (level >= HASHES_LEVEL)
        return hashes_get(snapshot->trail->hashes, level, index, hash_out, error);
    uint64_t number = index >> (HASHES_LEVEL - level);
    tally_status status = find_block(snapshot, number, error);
    if (status != TALLY_OK)
        return status;
    *hash_out = snapshot->blocks[0]->nodes[level][index & ((1u << (HASHES_LEVEL - level)) - 1)];
    return TALLY_OK;
}
