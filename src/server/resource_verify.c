/*
 * GET /api/verify - recompute all that a trail claims. Lines say how far it has come; the last one
 * is the verdict.
 */
#include "clock.h"
#include "fault.h"
#include "reading.h"
#include "routes.h"
#include "server.h"
#include "since.h"
#include "verdict.h"

#include <stdlib.h>

/* Between two lines of progress. */
#define PROGRESS_EVERY (CLOCK_SECOND / 2)

/* A verification under way. */
struct verifying {
    struct server *server;
    struct open_trail *open_trail; /* kept, so that nobody else verifies it */
    bool vkey_given, since_given;
    struct tally_vkey vkey;
    struct since since;
    struct finding finding;
    struct stream *stream; /* while it runs */
    int64_t shown;         /* monotonic: when the last line was sent */
    tally_status sent;     /* what became of the lines */
};

static void
release(void *context)
{
    struct verifying *verifying = context;
    atomic_store(&verifying->open_trail->verifying, false);
    roster_release(verifying->server->roster, verifying->open_trail);
    free(verifying);
}

/* verify_options.progress: false, to end it, where nobody listens any more. */
static bool
show_progress(void *context, uint64_t done, uint64_t total)
{
    struct verifying *verifying = context;
    int64_t now = clock_monotonic();
    if (now - verifying->shown < PROGRESS_EVERY)
        return true;
    verifying->shown = now;
    struct stream *stream = verifying->stream;
    buffer_format(&stream->buffer, "{\"done\":%llu,\"total\":%llu}\n", (unsigned long long)done,
                  (unsigned long long)total);
    verifying->sent = stream_flush(stream, NULL);
    return verifying->sent == TALLY_OK;
}

static tally_status
write_verdict(const struct finding *finding, struct stream *stream, struct tally_error *error)
{
    const struct listing_style style = { 0 };
    struct listing *listing;
    tally_status status = listing_create(LISTING_NDJSON, &style, verdict_columns,
                                         VERDICT_COLUMN_COUNT, stream, &listing, error);
    if (status != TALLY_OK)
        return status;
    status = verdict_row(listing, finding, error);
    if (status == TALLY_OK)
        status = listing_end(listing, (struct bytes){ NULL, 0 }, error);
    listing_destroy(listing);
    return status;
}

/* What verification itself cannot know. */
static void
check_since(struct verifying *verifying)
{
    struct verify_report *report = &verifying->finding.report;
    if (!verifying->since_given || report->verdict != VERDICT_INTACT)
        return;
    char text[sizeof report->text];
    enum verdict verdict = since_signed(&verifying->since, &report->vkey, text, sizeof text);
    if (verdict != VERDICT_INTACT)
        since_overrule(report, verdict, text);
}

/* A stream_producer. */
static tally_status
verify(void *context, struct stream *stream, struct tally_error *error)
{
    struct verifying *verifying = context;
    verifying->stream = stream;
    verifying->shown = clock_monotonic();
    const struct verify_options options = {
        .vkey = verifying->vkey_given ? &verifying->vkey : NULL,
        .seen = verifying->since_given ? &verifying->since.checkpoint : NULL,
        .progress = show_progress,
        .context = verifying,
    };
    tally_status status = verify_trail(verifying->server->folder, verifying->finding.name, &options,
                                       &verifying->finding.report, error);
    if (status != TALLY_OK)
        return status;
    check_since(verifying);
    bool intact = verifying->finding.report.verdict == VERDICT_INTACT;
    metrics_add(verifying->server->metrics,
                intact ? METRIC_VERIFICATIONS_INTACT : METRIC_VERIFICATIONS_FAILED, 1);
    if (verifying->sent != TALLY_OK)
        return fault(error, verifying->sent, "the client is gone");
    return write_verdict(&verifying->finding, stream, error);
}

/* Reads what to hold the trail against. False after answering 400. */
static bool
read_options(struct request *request, struct verifying *verifying)
{
    struct bytes vkey = request_parameter(request, "vkey");
    struct bytes since = request_parameter(request, "since");
    struct tally_error error = { 0 };
    verifying->vkey_given = vkey.data != NULL;
    verifying->since_given = since.data != NULL;
    if (verifying->vkey_given && tally_vkey_parse((const char *)vkey.data, vkey.size,
                                                  &verifying->vkey, &error) != TALLY_OK) {
        answer_problem(request, 400, "vkey: %s", error.text);
        return false;
    }
    if (verifying->since_given &&
        since_read(since, "the parameter since", &verifying->since, &error) != TALLY_OK) {
        answer_problem(request, 400, "since is no signed checkpoint: %s", error.text);
        return false;
    }
    return true;
}

void
verify_run(struct request *request)
{
    if (request_trail(request) == NULL)
        return;
    struct verifying *verifying = calloc(1, sizeof *verifying);
    if (verifying == NULL) {
        answer_problem(request, 503, "the server is short of memory; try again");
        return;
    }
    if (!read_options(request, verifying)) {
        free(verifying);
        return;
    }
    struct open_trail *open_trail = request->open_trail;
    if (atomic_exchange(&open_trail->verifying, true)) {
        free(verifying);
        answer_problem(request, 429, "the trail %s is being verified already", open_trail->name);
        return;
    }
    verifying->server = request->server;
    roster_retain(request->server->roster, open_trail);
    verifying->open_trail = open_trail;
    verifying->finding = (struct finding){ .name = open_trail->name, .sight = SIGHT_UNASKED };
    answer_stream(request, STREAM_WHOLE, "application/x-ndjson", verify, verifying, release);
}
