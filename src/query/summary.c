/*
 * summary.c - which counting a question takes.
 *
 * Statistics come before the timeline, which is cut by the values that they found to be the
 * largest. A bare total takes neither: it is counted by itself, which indexes may answer alone.
 */
#include "summary.h"

#include "fault.h"
#include "filter_parser.h"

#include <stdlib.h>

/*
 * What is asked for.
 */

struct summary_request
summary_request_of(size_t top)
{
    return (struct summary_request){
        .stats = { .top = top, .numbers = FIELD_COUNT, .ranks = percentile_standard },
    };
}

static tally_status
read_field(struct bytes name, enum field_id *field_out, struct tally_error *error)
{
    if (name.size > 0 && memchr(name.data, '.', name.size) != NULL)
        return fault(error, TALLY_INVALID, "members of objects are not counted by");
    enum field_id field = field_find_alias(name);
    struct bytes meant = field == FIELD_COUNT ? field_resembling(name) : name;
    if (meant.data == NULL)
        return fault(error, TALLY_INVALID, "there is no field '%.*s' to count by",
                     QUOTED_ARG(name));
    if (field == FIELD_COUNT)
        return fault(error, TALLY_INVALID,
                     "there is no field '%.*s' to count by: did you mean %.*s?", QUOTED_ARG(name),
                     BYTES_ARG(meant));
    if (fields[field].type == TYPE_OBJECT)
        return fault(error, TALLY_INVALID, "%s is an object: objects are not counted by",
                     (const char *)fields[field].name.data);
    /* It is not kept but computed from what was erased or not: nothing to count. */
    if (field == FIELD_PRIVATE)
        return fault(error, TALLY_INVALID, "private is different in every entry");
    *field_out = field;
    return TALLY_OK;
}

static tally_status
read_fields(struct bytes text, size_t most, enum field_id *names_out, size_t *count_out,
            struct tally_error *error)
{
    enum field_id names[STATS_DISTINCT_MAX];
    size_t count = 0;
    for (size_t begin = 0; begin <= text.size;) {
        size_t end = begin;
        while (end < text.size && text.data[end] != ',')
            end++;
        if (count == most)
            return fault(error, TALLY_INVALID, "at most %zu fields are counted by at once", most);
        tally_status status =
            read_field(bytes_of(text.data + begin, end - begin), &names[count], error);
        if (status != TALLY_OK)
            return status;
        for (size_t i = 0; i < count; i++)
            if (names[i] == names[count])
                return fault(error, TALLY_INVALID, "%s is named twice",
                             (const char *)fields[names[i]].name.data);
        count++;
        begin = end + 1;
    }
    memcpy(names_out, names, count * sizeof *names);
    *count_out = count;
    return TALLY_OK;
}

static tally_status
read_by(struct bytes text, struct stats_request *request, struct tally_error *error)
{
    return read_fields(text, BREAKDOWN_FIELDS_MAX, request->by, &request->by_count, error);
}

static tally_status
read_distinct(struct bytes text, struct stats_request *request, struct tally_error *error)
{
    return read_fields(text, STATS_DISTINCT_MAX, request->distinct, &request->distinct_count,
                       error);
}

static tally_status
read_numbers(struct bytes text, struct stats_request *request, struct tally_error *error)
{
    enum field_id field = field_find_alias(text);
    if (field == FIELD_COUNT ||
        (fields[field].type != TYPE_INTEGER && fields[field].type != TYPE_DECIMAL))
        return fault(error, TALLY_INVALID,
                     "percentiles are of a field of numbers: response_time_ms or status_code");
    request->numbers = field;
    return TALLY_OK;
}

static tally_status
read_ranks(struct bytes text, struct stats_request *request, struct tally_error *error)
{
    if (!percentile_read(text, &request->ranks))
        return fault(
            error, TALLY_INVALID,
            "ranks are up to %d numbers above 0, up to 100, with up to three digits behind "
            "the point, such as 50,99.9",
            PERCENTILES_MAX);
    return TALLY_OK;
}

const struct summary_reading summary_readings[SUMMARY_READINGS] = {
    { "by", read_by, NULL },
    { "percentiles", read_numbers, NULL },
    { "ranks", read_ranks, "percentiles" },
    { "distinct", read_distinct, NULL },
};

void
summary_print_fields(const enum field_id *names, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_byte(out, ',');
        buffer_bytes(out, fields[names[i]].name);
    }
}

/*
 * Counting.
 */

static tally_status
count_over_time(struct scan *scan, struct summary *summary, struct tally_error *error)
{
    const struct stats *by = summary->stats.by == NULL ? NULL : &summary->stats;
    struct timeline *timeline = &summary->timeline;
    tally_status status = timeline_make(scan, &summary->request.interval, by, timeline, error);
    summary->total = 0;
    for (size_t i = 0; i < timeline->bucket_count; i++)
        summary->total += timeline_bucket(timeline, i);
    return status;
}

tally_status
summary_make(struct scan *scan, const struct summary_request *request, struct summary *summary_out,
             struct tally_error *error)
{
    struct summary summary = { .request = *request };
    const struct stats_request *stats = &request->stats;
    bool counted =
        stats->by_count > 0 || stats->numbers != FIELD_COUNT || stats->distinct_count > 0;
    tally_status status = TALLY_OK;
    if (counted) {
        status = stats_make(scan, stats, &summary.stats, error);
        summary.total = summary.stats.total;
    }
    if (status == TALLY_OK && request->over_time)
        status = count_over_time(scan, &summary, error);
    else if (status == TALLY_OK && !counted)
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
    stats_finish(&summary->stats);
    free(summary->timeline.parts);
    *summary = (struct summary){ 0 };
}
