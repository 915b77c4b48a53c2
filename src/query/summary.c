#include "summary.h"

#include "fault.h"

#include <stdlib.h>

tally_status
summary_read_field(struct bytes name, enum field_id *field_out, struct tally_error *error)
{
    enum field_id field = field_find_alias(name);
    if (field == FIELD_COUNT)
        return fault(error, TALLY_INVALID, "there is no field of that name to count by");
    if (fields[field].type == TYPE_OBJECT)
        return fault(error, TALLY_INVALID, "%s is an object: objects are not counted by",
                     (const char *)fields[field].name.data);
    *field_out = field;
    return TALLY_OK;
}

static tally_status
refuse_interval(const struct interval *interval, int64_t first, int64_t last,
                struct tally_error *error)
{
    struct interval wider = interval_widen(interval, first, last, STATS_BUCKETS_MAX);
    uint64_t span = interval_span(interval, first, last);
    return fault(error, TALLY_INVALID,
                 "%u%c makes %llu intervals, more than %u: %u%c is the shortest that will do",
                 interval->count, interval->unit, (unsigned long long)span, STATS_BUCKETS_MAX,
                 wider.count, wider.unit);
}

static tally_status
fill_buckets(struct scan *scan, struct summary *summary, int64_t first, int64_t last,
             struct tally_error *error)
{
    const struct interval *interval = &summary->request.interval;
    const struct stats_histogram histogram = {
        .start = interval_start(interval, first),
        .interval = interval->ns,
        .count = (size_t)interval_span(interval, first, last),
    };
    summary->start = histogram.start;
    summary->bucket_count = histogram.count;
    summary->buckets = calloc(histogram.count, sizeof *summary->buckets);
    if (summary->buckets == NULL)
        return memory_fault(error);

    uint64_t before, after;
    tally_status status =
        stats_over_time(scan, &histogram, summary->buckets, &before, &after, error);
    summary->total = 0;
    for (size_t i = 0; i < histogram.count; i++)
        summary->total += summary->buckets[i];
    return status;
}

static tally_status
count_over_time(struct scan *scan, struct summary *summary, struct tally_error *error)
{
    int64_t first, last;
    tally_status status = stats_time_range(scan, &first, &last, error);
    if (status == TALLY_ABSENT)
        return TALLY_OK;
    if (status != TALLY_OK)
        return status;
    if (interval_span(&summary->request.interval, first, last) > STATS_BUCKETS_MAX)
        return refuse_interval(&summary->request.interval, first, last, error);
    return fill_buckets(scan, summary, first, last, error);
}

tally_status
summary_make(struct scan *scan, const struct summary_request *request, struct summary *summary_out,
             struct tally_error *error)
{
    struct summary summary = { .request = *request };
    tally_status status = TALLY_OK;
    if (request->by != FIELD_COUNT) {
        status = stats_by_field(scan, request->by, request->top, &summary.values, error);
        summary.total = summary.values.total;
    }
    if (status == TALLY_OK && request->over_time)
        status = count_over_time(scan, &summary, error);
    else if (status == TALLY_OK && request->by == FIELD_COUNT)
        status = scan_count(scan, &summary.total, error);
    if (status != TALLY_OK) {
        summary_finish(&summary);
        return status;
    }
    *summary_out = summary;
    return TALLY_OK;
}

void
summary_finish(struct summary *summary)
{
    stats_values_finish(&summary->values);
    free(summary->buckets);
    *summary = (struct summary){ 0 };
}
