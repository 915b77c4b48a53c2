/*
 * GET /api/events/{index}, and …/proof - one entry, alone or with what proves it.
 */
#include "entries_answer.h"
#include "export.h"
#include "proof_file.h"
#include "reading.h"
#include "routes.h"
#include "server.h"

static void
answer_no_entry(struct request *request, struct trail *trail, uint64_t index)
{
    answer_problem(request, 404, "there is no entry %llu: the trail has size %llu",
                   (unsigned long long)index, (unsigned long long)trail_size(trail));
}

/* The entry as evidence: an export of one. TALLY_ABSENT. */
static tally_status
write_evidence(struct trail *trail, uint64_t index, struct buffer *body, struct tally_error *error)
{
    tally_status status = reading_cover(trail, index, error);
    if (status != TALLY_OK)
        return status;
    struct buffer filter = { 0 };
    buffer_text(&filter, "index:");
    buffer_decimal(&filter, index);
    const struct selection_request selection_request = {
        .text = buffer_view(&filter),
        .size = SELECTION_ALL,
        .control = CONTROL_INCLUDED,
    };
    struct selection selection;
    status = selection_open(trail, &selection_request, &selection, error);
    buffer_free(&filter);
    if (status != TALLY_OK)
        return status;

    const struct export_options export_options = { .format = EXPORT_EVIDENCE };
    struct export_result result;
    struct stream stream = stream_into(body);
    status = export_write(&selection, &export_options, &stream, &result, error);
    stream_finish(&stream);
    selection_close(&selection);
    return status == TALLY_OK && result.written == 0 ? TALLY_ABSENT : status;
}

static tally_status
write_proof(struct trail *trail, uint64_t index, struct buffer *body, struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = reading_cover(trail, index, error);
    if (status == TALLY_OK)
        status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    status = proof_file_write(snapshot, index, body, error);
    snapshot_close(snapshot);
    return status;
}

/* Answers with what `write` makes of the entry, once that is on record. */
static void
answer_entry(struct request *request, const char *type,
             tally_status (*write)(struct trail *trail, uint64_t index, struct buffer *body,
                                   struct tally_error *error))
{
    uint64_t index;
    struct trail *trail = request_trail(request);
    if (trail == NULL || !reading_index(request, &index))
        return;
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    tally_status status = write(trail, index, &body, &error);
    if (status == TALLY_ABSENT)
        answer_no_entry(request, trail, index);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    else if (reading_record_index(request, index))
        answer_bytes(request, 200, type, &body);
    buffer_free(&body);
}

void
event_show(struct request *request)
{
    bool evidence = request_parameter(request, "form").data != NULL;
    answer_entry(request, "application/json", evidence ? write_evidence : entries_answer_one);
}

void
event_prove(struct request *request)
{
    answer_entry(request, "text/plain; charset=utf-8", write_proof);
}
