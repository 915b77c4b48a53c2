/*
 * GET /trails/{trail}/checkpoint - the newest signed checkpoint, byte for byte (C2SP tlog-tiles).
 */
#include "routes.h"
#include "snapshot.h"

void
checkpoint_show(struct request *request)
{
    struct trail *trail = request_trail_named(request, request_segment(request, 0));
    if (trail == NULL)
        return;
    struct snapshot *snapshot;
    struct tally_error error = { 0 };
    if (snapshot_open(trail, &snapshot, &error) != TALLY_OK) {
        answer_fault(request, &error);
        return;
    }
    struct bytes note;
    struct buffer body = { 0 };
    (void)snapshot_checkpoint(snapshot, &note);
    buffer_bytes(&body, note);
    snapshot_close(snapshot);
    answer_bytes(request, 200, "text/plain; charset=utf-8", &body);
}
