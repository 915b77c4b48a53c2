/*
 * tally export, of a server: its stream of lines, each looked at before it is written.
 *
 * NDJSON and evidence are written as they came, but for characters that act on a terminal, which
 * no such line has if an honest server wrote it. CSV is made here from NDJSON, so that how it is
 * guarded is decided where it is shown. Nothing of an export that breaks off gets to its file.
 */
#include "export_remote.h"

#include "csv.h"
#include "entries.h"
#include "entries_read.h"
#include "escape.h"
#include "filtering.h"
#include "lines.h"
#include "out.h"
#include "progress.h"

struct receiver {
    struct out *out;
    struct entries *entries; /* CSV; else NULL */
    struct progress progress;
    uint64_t written;
};

static tally_status
write_row(struct receiver *receiver, struct reply *reply, struct tally_error *error)
{
    struct run_entry entry;
    tally_status status = entries_read(&reply->tape, 0, &reply->texts, &entry, error);
    if (status == TALLY_INVALID)
        return reply_fault(error, "a stream of entries");
    return status == TALLY_OK ? entries_row(receiver->entries, &entry, error) : status;
}

/* struct lines' line. TALLY_ABSENT where nobody reads on. */
static tally_status
receive(void *context, struct reply *reply, struct tally_error *error)
{
    struct receiver *receiver = context;
    uint64_t index;
    if (!reply_number(reply, 0, "index", &index))
        return reply_fault(error, "a stream of entries");
    progress_show(&receiver->progress, receiver->written++, 0);
    if (out_closed(receiver->out))
        return TALLY_ABSENT;
    if (receiver->entries != NULL)
        return write_row(receiver, reply, error);
    struct stream *stream = &receiver->out->stream;
    escape_json(reply->tape.text, &stream->buffer);
    buffer_byte(&stream->buffer, '\n');
    return stream_commit(stream, error);
}

static void
put_target(const struct invocation *invocation, enum export_format format, struct bytes text,
           const struct remote *remote, struct buffer *target)
{
    const char *name = format == EXPORT_EVIDENCE ? "evidence" : "ndjson";
    buffer_text(target, "/api/export");
    remote_parameter(target, "trail", bytes_text(remote_trail(remote)));
    remote_parameter(target, "format", bytes_text(name));
    filtering_parameters(text, filtering_control(invocation), target);
}

/* Asks, and has each line written. */
static int
transfer(struct remote *remote, struct bytes text, const struct buffer *target,
         struct receiver *receiver)
{
    struct lines lines = { .line = receive, .context = receiver };
    struct remote_request request = {
        .target = buffer_view(target),
        .again = REMOTE_IF_BUSY,
        .take = lines_take,
        .context = &lines,
    };
    struct refusal refusal = { 0 };
    progress_init(&receiver->progress, "exporting");
    tally_status status = remote_ask(remote, &request, NULL, &refusal);
    progress_clear(&receiver->progress);
    if (status == TALLY_OK)
        status = lines_end(&lines, &refusal.error);
    lines_finish(&lines);
    if (status == TALLY_OK || out_closed(receiver->out))
        return DONE;
    return filtering_refused(remote, text, &refusal);
}

static int
transfer_csv(const struct invocation *invocation, struct remote *remote, struct bytes text,
             const struct buffer *target, struct receiver *receiver)
{
    struct listing_style style;
    out_looks(receiver->out, &style);
    if (option_given(invocation, "raw"))
        style.csv_ways &= ~CSV_GUARD;
    struct tally_error error = { 0 };
    if (entries_create(LISTING_CSV, &style, &receiver->out->stream, &receiver->entries, &error) !=
        TALLY_OK)
        return fail_with(&error, NULL);
    int outcome = transfer(remote, text, target, receiver);
    if (outcome == DONE &&
        entries_end(receiver->entries, (struct bytes){ NULL, 0 }, &error) != TALLY_OK)
        outcome = fail_with(&error, NULL);
    entries_destroy(receiver->entries);
    return outcome;
}

static int
export_to(const struct invocation *invocation, enum export_format format, struct remote *remote,
          struct out *out)
{
    struct buffer text = { 0 };
    struct buffer target = { 0 };
    filtering_text(invocation, &text);
    put_target(invocation, format, buffer_view(&text), remote, &target);
    struct receiver receiver = { .out = out };
    int outcome;
    if (buffer_failed(&text) || buffer_failed(&target))
        outcome = fail(UNABLE, "out of memory");
    else if (format == EXPORT_CSV)
        outcome = transfer_csv(invocation, remote, buffer_view(&text), &target, &receiver);
    else
        outcome = transfer(remote, buffer_view(&text), &target, &receiver);
    if (outcome == DONE && receiver.written == 0)
        filtering_nothing(invocation, LISTING_TABLE);
    buffer_free(&text);
    buffer_free(&target);
    return outcome;
}

int
export_remote(const struct invocation *invocation, enum export_format format)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    struct out out;
    outcome = out_open_file(&out, option_value(invocation, "output"));
    if (outcome == DONE)
        outcome = out_finish(&out, export_to(invocation, format, remote, &out));
    remote_close(remote);
    return outcome;
}
