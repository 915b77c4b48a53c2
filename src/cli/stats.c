/*
 * tally stats - count what matches a filter: all of it, by fields, over time, percentiles.
 */
#include "explaining.h"
#include "figures.h"
#include "filtering.h"
#include "out.h"
#include "stats_remote.h"

#include <stdio.h>

static const struct command_option options[] = {
    { "by", "FIELD[,FIELD]", "count by this field's values, or by pairs of two fields'" },
    { "top", "N", "values that are named, most frequent first, at most 1000 (default: 10)" },
    { "interval", "TIME", "count over time: a number and s, m, h, d or w, such as 1h" },
    { "percentiles", "FIELD", "percentiles of response_time_ms or status_code" },
    { "ranks", "P[,P...]", "which percentiles (default: 50,90,95,99)" },
    { "distinct", "FIELD[,FIELD...]", "how many different values these fields have" },
    { "control", NULL, "control entries, too" },
    EXPLAIN_OPTION,
    { "trail", "NAME", "the trail (default: main)" },
    { "format", "FORMAT", "table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

static int
read_stats(const struct invocation *invocation, struct stats_request *request)
{
    for (size_t i = 0; i < SUMMARY_READINGS; i++) {
        const char *text = option_value(invocation, summary_readings[i].name);
        const char *with = summary_readings[i].goes_with;
        struct tally_error error = { 0 };
        char option[32];
        if (text == NULL)
            continue;
        (void)snprintf(option, sizeof option, "--%s", summary_readings[i].name);
        if (with != NULL && !option_given(invocation, with))
            return fail(MISUSED, "%s goes with --%s", option, with);
        if (summary_readings[i].read(bytes_text(text), request, &error) != TALLY_OK)
            return fail_with(&error, option);
    }
    return DONE;
}

static int
read_request(const struct invocation *invocation, struct summary_request *request_out)
{
    unsigned long long top;
    int outcome = option_number(invocation, "top", SUMMARY_TOP_STANDARD, SUMMARY_TOP_MAX, &top);
    if (outcome != DONE)
        return outcome;
    const char *interval = option_value(invocation, "interval");
    if (top == 0)
        return fail(MISUSED, "--top takes a number from 1 to %d", SUMMARY_TOP_MAX);
    if (option_given(invocation, "top") && !option_given(invocation, "by"))
        return fail(MISUSED, "--top goes with --by");

    struct summary_request request = summary_request_of((size_t)top);
    outcome = read_stats(invocation, &request.stats);
    if (outcome != DONE)
        return outcome;
    request.over_time = interval != NULL;
    if (interval != NULL && !interval_read(bytes_text(interval), &request.interval))
        return fail(MISUSED,
                    "--interval takes a number and s, m, h, d or w, at most 100d, not "
                    "\"%s\"",
                    interval);
    *request_out = request;
    return DONE;
}

static int
write_summary(const struct invocation *invocation, const struct summary *summary, struct out *out)
{
    enum listing_format format;
    struct listing_style style;
    int outcome = out_style(invocation, out, &format, &style);
    if (outcome != DONE)
        return outcome;
    if (format == LISTING_JSON) {
        figures_json(summary, (struct bytes){ NULL, 0 }, &out->stream.buffer);
        return DONE;
    }
    if (summary->total == 0)
        filtering_hint(invocation, format);
    struct tally_error error = { 0 };
    tally_status status = figures_rows(summary, format, &style, &out->stream, &error);
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

/* A refusal of the interval or the field is no fault of the trail's. */
static int
refuse(const struct where *where, const struct tally_error *error)
{
    return error->status == TALLY_INVALID ? fail_with(error, NULL) : where_fault(where, error);
}

static int
count(const struct invocation *invocation, const struct where *where,
      const struct summary_request *request)
{
    struct selection selection;
    int outcome = filtering_open(invocation, where, &selection);
    if (outcome != DONE)
        return outcome;
    struct summary summary;
    struct tally_error error = { 0 };
    if (summary_make(selection.scan, request, &summary, &error) != TALLY_OK) {
        outcome = refuse(where, &error);
    } else {
        struct out out;
        out_open(&out);
        outcome = out_finish(&out, explaining(invocation)
                                       ? explaining_selection(invocation, &selection, &out)
                                       : write_summary(invocation, &summary, &out));
        summary_finish(&summary);
    }
    selection_close(&selection);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    if (invocation->operand_count < 1)
        return misused(invocation, WHERE_MISSING);
    struct summary_request request;
    int outcome = read_request(invocation, &request);
    if (outcome != DONE)
        return outcome;
    if (where_is_url(invocation->operands[0]))
        return stats_remote(invocation, &request, write_summary);
    struct where where;
    outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;
    return where_close(&where, count(invocation, &where, &request));
}

const struct command command_stats = {
    .name = "stats",
    .operands = "WHERE [FILTER…]",
    .summary = "count entries: by fields, over time; percentiles",
    .text =
        "The operands are one filter, as for `tally query`. --by names the most frequent values "
        "of a field, or pairs of values of two; --interval counts from the first match to the "
        "last, without gaps, by whole intervals of UTC (weeks begin on Monday), 10,000 at most; "
        "both together, also by value in each. Percentiles are exact, by nearest rank. JSON is "
        "what /api/stats answers.",
    .options = options,
    .ways = COMMAND_FILTER,
    .run = run,
};
