/*
 * GET /api/export - all entries that match, as a file.
 *
 * The export is put on record before its first byte is sent, and again when it has ended, with what
 * became of it. It goes on after the request's thread has left it, also where the client is gone
 * already, so it holds all it needs itself: the trail among it, which may not be closed meanwhile.
 */
#include "clock.h"
#include "csv.h"
#include "export.h"
#include "fault.h"
#include "reading.h"
#include "routes.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

/* A trail's name and a format's. */
#define DISPOSITION_SIZE 128

/* An export under way. */
struct sending {
    struct server *server;
    struct open_trail *open_trail;
    struct selection selection;
    struct export_options options;
    struct principal principal;
    char address[64];
    char id[REQUEST_ID_MAX + 1];
    struct buffer details; /* of its entries in the diary, without the last brace */
    uint64_t rows;
};

static void
release(void *context)
{
    struct sending *sending = context;
    selection_close(&sending->selection);
    if (sending->open_trail != NULL)
        roster_release(sending->server->roster, sending->open_trail);
    buffer_free(&sending->details);
    free(sending);
}

/* ---- on record ---- */

static tally_status
record(struct sending *sending, const char *status, struct bytes more, struct tally_error *error)
{
    struct buffer details = { 0 };
    buffer_bytes(&details, buffer_view(&sending->details));
    buffer_bytes(&details, more);
    buffer_byte(&details, '}');
    const struct diary_event event = {
        .event_type = "audit_export",
        .status = status,
        .principal = &sending->principal,
        .address = sending->address,
        .request_id = sending->id,
        .resource_type = "trail",
        .resource_id = sending->open_trail->name,
        .details = buffer_view(&details),
    };
    tally_status recorded = buffer_failed(&details)
                                ? memory_fault(error)
                                : diary_write(sending->server->diary, &event, error);
    buffer_free(&details);
    return recorded;
}

static tally_status
record_end(struct sending *sending, tally_status outcome, struct tally_error *error)
{
    struct buffer rows = { 0 };
    buffer_text(&rows, ",\"rows\":");
    buffer_decimal(&rows, sending->rows);
    tally_status status =
        record(sending, outcome == TALLY_OK ? "success" : "error", buffer_view(&rows), error);
    buffer_free(&rows);
    metrics_add(sending->server->metrics, METRIC_EXPORTED_ROWS, sending->rows);
    return status;
}

/* ---- sending ---- */

/* export_options.progress */
static bool
count_rows(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    struct sending *sending = context;
    sending->rows = done;
    return true;
}

/* A stream_producer. */
static tally_status
send_all(void *context, struct stream *stream, struct tally_error *error)
{
    struct sending *sending = context;
    struct export_result result;
    scan_watch(sending->selection.scan, stream_check, stream);
    tally_status status =
        export_write(&sending->selection, &sending->options, stream, &result, error);
    if (status == TALLY_OK)
        sending->rows = result.written;
    tally_status recorded = record_end(sending, status, status == TALLY_OK ? error : NULL);
    return status == TALLY_OK ? recorded : status;
}

/* ---- the request ---- */

/* False after answering 400. */
static bool
read_options(struct request *request, struct export_options *options_out)
{
    bool raw;
    struct export_options options = { .format = EXPORT_CSV, .progress = count_rows };
    struct bytes format = request_parameter(request, "format");
    if (!request_flag(request, "raw", &raw))
        return false;
    if (format.data != NULL && !export_format_find(format, &options.format)) {
        answer_problem(request, 400, "format takes csv, ndjson or evidence");
        return false;
    }
    options.csv_ways = raw ? 0 : CSV_GUARD;
    *options_out = options;
    return true;
}

static tally_status
select_entries(struct request *request, struct trail *trail, enum filter_control control,
               struct sending *sending, struct tally_error *error)
{
    struct reading_filter filter;
    reading_filter(request, &filter);
    const struct selection_request selection_request = {
        .text = filter.text,
        .parameters = filter.parameters,
        .parameter_count = filter.count,
        .now = clock_now(),
        .size = SELECTION_ALL,
        .control = control,
    };
    struct buffer text = { 0 };
    reading_filter_text(&filter, &text);
    reading_details(request, buffer_view(&text), &sending->details);
    buffer_format(&sending->details, ",\"format\":\"%s\"",
                  export_format_name(sending->options.format));
    buffer_free(&text);

    /* Evidence is of what is signed: have everything signed that is there now. */
    tally_status status = TALLY_OK;
    if (sending->options.format == EXPORT_EVIDENCE)
        status = reading_cover(trail, trail_size(trail) - 1, error);
    if (status == TALLY_OK)
        status = selection_open(trail, &selection_request, &sending->selection, error);
    return status;
}

/* What the export holds beyond the request. NULL after answering. */
static struct sending *
begin_sending(struct request *request)
{
    struct export_options options;
    enum filter_control control;
    struct trail *trail = request_trail(request);
    if (trail == NULL || !read_options(request, &options) || !reading_control(request, &control))
        return NULL;
    struct sending *sending = calloc(1, sizeof *sending);
    if (sending == NULL) {
        answer_problem(request, 503, "the server is short of memory; try again");
        return NULL;
    }
    sending->server = request->server;
    sending->options = options;
    sending->options.context = sending;
    sending->principal = request->principal;
    (void)snprintf(sending->address, sizeof sending->address, "%s", request->connection->address);
    (void)snprintf(sending->id, sizeof sending->id, "%s", request->id);
    roster_retain(request->server->roster, request->open_trail);
    sending->open_trail = request->open_trail;

    struct tally_error error = { 0 };
    if (select_entries(request, trail, control, sending, &error) == TALLY_OK)
        return sending;
    answer_fault(request, &error);
    release(sending);
    return NULL;
}

void
export_send(struct request *request)
{
    static const char *const types[] = {
        [EXPORT_NDJSON] = "application/x-ndjson",
        [EXPORT_CSV] = "text/csv; charset=utf-8; header=present",
        [EXPORT_EVIDENCE] = "application/x-ndjson",
    };
    static const char *const endings[] = {
        [EXPORT_NDJSON] = "ndjson",
        [EXPORT_CSV] = "csv",
        [EXPORT_EVIDENCE] = "evidence.ndjson",
    };
    struct sending *sending = begin_sending(request);
    if (sending == NULL)
        return;
    struct tally_error error = { 0 };
    /* Of HEAD nothing is sent. */
    if (request->method != METHOD_HEAD &&
        record(sending, NULL, (struct bytes){ NULL, 0 }, &error) != TALLY_OK) {
        release(sending);
        answer_problem(request, 503,
                       "an export is put on record first, and that is not possible now; try again");
        return;
    }
    char disposition[DISPOSITION_SIZE];
    (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.%s\"",
                   sending->open_trail->name, endings[sending->options.format]);
    answer_stream(request, STREAM_WHOLE, types[sending->options.format], send_all, sending,
                  release);
    if (request->answer.produce != NULL) /* else too many are under way, and it is a problem */
        answer_header(request, "Content-Disposition", disposition);
}
