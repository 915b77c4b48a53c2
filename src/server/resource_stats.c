/*
 * GET /api/stats - how many entries match: in all, by fields, over time; percentiles, distinct values.
 */
#include "clock.h"
#include "figures.h"
#include "reading.h"
#include "routes.h"
#include "server.h"

/* False after answering 400. */
static bool
read_stats(struct request *request, struct stats_request *stats)
{
    for (size_t i = 0; i < SUMMARY_READINGS; i++) {
        struct bytes text = request_parameter(request, summary_readings[i].name);
        const char *with = summary_readings[i].goes_with;
        struct tally_error error = { 0 };
        if (text.data == NULL)
            continue;
        if (with != NULL && request_parameter(request, with).data == NULL) {
            answer_problem(request, 400, "%s goes with %s", summary_readings[i].name, with);
            return false;
        }
        if (summary_readings[i].read(text, stats, &error) != TALLY_OK) {
            answer_problem(request, 400, "%s: %s", summary_readings[i].name, error.text);
            return false;
        }
    }
    return true;
}

/* Likewise. */
static bool
read_request(struct request *request, struct summary_request *summary_out)
{
    uint64_t top;
    if (!request_count(request, "top", SUMMARY_TOP_STANDARD, 1, SUMMARY_TOP_MAX, &top))
        return false;
    if (request_parameter(request, "top").data != NULL &&
        request_parameter(request, "by").data == NULL) {
        answer_problem(request, 400, "top goes with by");
        return false;
    }
    struct summary_request summary = summary_request_of((size_t)top);
    struct bytes interval = request_parameter(request, "interval");
    if (!read_stats(request, &summary.stats))
        return false;
    summary.over_time = interval.data != NULL;
    if (summary.over_time && !interval_read(interval, &summary.interval)) {
        answer_problem(request, 400,
                       "interval takes a number and s, m, h, d or w, at most 100d, such as 1h");
        return false;
    }
    *summary_out = summary;
    return true;
}

static void
answer_summary(struct request *request, const struct reading_filter *filter,
               const struct selection *selection, const struct summary *summary)
{
    if (!reading_record_filter(request, filter))
        return;
    struct buffer body = { 0 };
    struct buffer members = { 0 };
    struct tally_error error = { 0 };
    tally_status status = reading_explain(request, selection, &members, &error);
    if (status == TALLY_OK) {
        figures_json(summary, buffer_view(&members), &body);
        answer_json(request, 200, &body);
    } else {
        answer_fault(request, &error);
    }
    buffer_free(&members);
    metrics_observe(request->server->metrics, HISTOGRAM_QUERY, clock_monotonic() - request->began);
}

void
stats_show(struct request *request)
{
    struct summary_request summary_request;
    struct selection_request selection_request = {
        .now = clock_now(),
        .size = SELECTION_ALL,
        .check = reading_check,
        .check_context = request,
        .threads = scan_threads_usual(),
    };
    struct trail *trail = request_trail(request);
    if (trail == NULL || !read_request(request, &summary_request) ||
        !reading_control(request, &selection_request.control))
        return;
    struct reading_filter filter;
    reading_filter(request, &filter);
    selection_request.text = filter.text;
    selection_request.parameters = filter.parameters;
    selection_request.parameter_count = filter.count;

    struct selection selection = { 0 };
    struct summary summary = { 0 };
    struct tally_error error = { 0 };
    tally_status status = selection_open(trail, &selection_request, &selection, &error);
    if (status == TALLY_OK)
        status = summary_make(selection.scan, &summary_request, &summary, &error);
    if (status == TALLY_OK)
        answer_summary(request, &filter, &selection, &summary);
    else
        answer_fault(request, &error);
    summary_finish(&summary);
    selection_close(&selection);
}
