/*
 * selection.c - filter, snapshot and scan, opened in this order and closed in the other.
 *
 * The filter comes first: a wrong one is refused without touching the trail.
 */
#include "selection.h"

static tally_status
open_snapshot(struct trail *trail, uint64_t size, struct snapshot **snapshot_out,
              struct tally_error *error)
{
    if (size == SELECTION_ALL)
        return snapshot_open(trail, snapshot_out, error);
    return snapshot_open_at(trail, size, snapshot_out, error);
}

tally_status
selection_open(struct trail *trail, const struct selection_request *request,
               struct selection *selection_out, struct tally_error *error)
{
    struct selection selection = { 0 };
    const struct filter_options options = { .now = request->now, .control = request->control };
    tally_status status =
        filter_parse_parameters(request->text, request->parameters, request->parameter_count,
                                &options, &selection.filter, error);
    if (status == TALLY_OK)
        status = open_snapshot(trail, request->size, &selection.snapshot, error);
    if (status == TALLY_OK) {
        struct scan_source source = scan_snapshot(selection.snapshot);
        status = scan_create(selection.filter, &source, &selection.scan, error);
    }
    if (status != TALLY_OK) {
        selection_close(&selection);
        return status;
    }
    scan_watch(selection.scan, request->check, request->check_context);
    if (request->threads > 0)
        scan_share(selection.scan, request->threads);
    *selection_out = selection;
    return TALLY_OK;
}

void
selection_close(struct selection *selection)
{
    scan_destroy(selection->scan);
    snapshot_close(selection->snapshot);
    filter_destroy(selection->filter);
    *selection = (struct selection){ 0 };
}
