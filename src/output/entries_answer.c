#include "entries_answer.h"

#include "snapshot.h"

tally_status
entries_answer_excerpt(struct excerpt *excerpt, entries_more *more, void *context,
                       struct buffer *body, struct tally_error *error)
{
    const struct listing_style style = { 0 };
    struct stream stream = stream_into(body);
    struct buffer members = { 0 };
    struct entries *entries = NULL;
    tally_status status = entries_create(LISTING_JSON, &style, &stream, &entries, error);
    if (status == TALLY_OK)
        status = entries_excerpt(entries, excerpt, ENTRIES_ANSWER_SIZE_MAX, error);
    if (status == TALLY_OK)
        status = excerpt_put_next(excerpt, &members, error);
    if (status == TALLY_OK && more != NULL)
        status = more(context, excerpt, &members, error);
    if (status == TALLY_OK)
        status = entries_end(entries, buffer_view(&members), error);
    entries_destroy(entries);
    stream_finish(&stream);
    buffer_free(&members);
    return status;
}

tally_status
entries_answer_total(struct excerpt *excerpt, struct buffer *members, struct tally_error *error)
{
    uint64_t total;
    tally_status status = scan_count(excerpt->selection.scan, &total, error);
    if (status != TALLY_OK)
        return status;
    buffer_text(members, ",\"total\":");
    buffer_decimal(members, total);
    return TALLY_OK;
}

tally_status
entries_answer_one(struct trail *trail, uint64_t index, struct buffer *body,
                   struct tally_error *error)
{
    struct snapshot *snapshot;
    tally_status status = snapshot_open(trail, &snapshot, error);
    if (status != TALLY_OK)
        return status;
    const struct listing_style style = { 0 };
    struct stream stream = stream_into(body);
    struct entries *entries = NULL;
    struct run_entry entry;
    status = snapshot_entry(snapshot, index, RUN_VALUES, &entry, error);
    if (status == TALLY_OK)
        status = entries_create(LISTING_NDJSON, &style, &stream, &entries, error);
    if (status == TALLY_OK)
        status = entries_row(entries, &entry, error);
    if (status == TALLY_OK)
        status = entries_end(entries, (struct bytes){ NULL, 0 }, error);
    entries_destroy(entries);
    stream_finish(&stream);
    snapshot_close(snapshot);
    return status;
}
