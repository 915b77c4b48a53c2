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

struct scan_source
scan_snapshot(struct snapshot *snapshot)
{
    return (struct scan_source){ snapshot, snapshot_run_count(snapshot), snapshot_run_at,
                                 snapshot_reader_at, snapshot_metered };
}
