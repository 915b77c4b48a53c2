/*
 * A snapshot as what a scan reads: in a file of its own, so that scans of other runs need no trail.
 */
#include "scan.h"
#include "snapshot.h"

static const struct run *
snapshot_run_at(void *context, size_t i)
{
    return snapshot_run(context, i);
}

static tally_status
snapshot_reader_at(void *context, size_t i, struct run_reader **reader_out,
                   struct tally_error *error)
{
    return snapshot_reader(context, i, reader_out, error);
}

static void
snapshot_metered(void *context, const struct run_meter *meter)
{
    snapshot_meter_add(context, meter);
}

static void
snapshot_group_at(void *context, size_t i, size_t *run_out, unsigned *count_out)
{
    snapshot_group(context, i, run_out, count_out);
}

static tally_status
snapshot_probe(void *context, size_t i, const struct token_sought *tokens, size_t count,
               struct run_meter *meter, uint64_t *runs_out, struct tally_error *error)
{
    return snapshot_group_probe(context, i, tokens, count, meter, runs_out, error);
}

struct scan_source
scan_snapshot(struct snapshot *snapshot)
{
    return (struct scan_source){
        .context = snapshot,
        .run_count = snapshot_run_count(snapshot),
        .run = snapshot_run_at,
        .reader = snapshot_reader_at,
        .metered = snapshot_metered,
        .group_count = snapshot_group_count(snapshot),
        .group = snapshot_group_at,
        .probe = snapshot_probe,
    };
}
