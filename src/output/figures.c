#include "figures_parts.h"

#include "escape.h"

struct bytes
figures_start(const struct summary *summary, size_t bucket, char text[INSTANT_TEXT_MAX])
{
    int64_t start = summary->timeline.start + (int64_t)bucket * summary->request.interval.ns;
    return bytes_of(text, moment_format(start, text));
}

const uint64_t *
figures_parts(const struct summary *summary, size_t bucket)
{
    return &summary->timeline.parts[bucket * summary->timeline.part_count];
}

static void
put_member(const char *name, uint64_t number, struct buffer *out)
{
    buffer_text(out, name);
    buffer_decimal(out, number);
}

static void
put_text_or_null(struct bytes text, struct buffer *out)
{
    if (text.data == NULL)
        buffer_text(out, "null");
    else
        escape_json_string(text, out);
}

/* One text, or an array of as many as there are fields. */
static void
put_texts(const struct bytes *texts, size_t count, struct buffer *out)
{
    if (count > 1)
        buffer_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_byte(out, ',');
        put_text_or_null(texts[i], out);
    }
    if (count > 1)
        buffer_byte(out, ']');
}

static void
put_values(const struct summary *summary, struct buffer *out)
{
    const struct stats_request *request = &summary->request.stats;
    const struct stats_values *values = &summary->stats.values;
    struct bytes names[BREAKDOWN_FIELDS_MAX];
    for (size_t i = 0; i < request->by_count; i++)
        names[i] = fields[request->by[i]].name;
    buffer_text(out, ",\"by\":");
    put_texts(names, request->by_count, out);
    buffer_text(out, ",\"values\":[");
    for (size_t i = 0; i < values->count; i++) {
        buffer_text(out, i > 0 ? ",{\"value\":" : "{\"value\":");
        put_texts(values->values[i].value, request->by_count, out);
        put_member(",\"count\":", values->values[i].count, out);
        buffer_byte(out, '}');
    }
    put_member("],\"rest\":", values->rest, out);
    put_member(",\"absent\":", values->absent, out);
    put_member(",\"distinct\":", values->distinct, out);
}

static void
put_parts(const struct summary *summary, size_t bucket, struct buffer *out)
{
    const uint64_t *parts = figures_parts(summary, bucket);
    size_t values = summary->timeline.part_count - 2;
    buffer_text(out, ",\"values\":[");
    for (size_t i = 0; i < values; i++)
        put_member(i > 0 ? "," : "", parts[i], out);
    put_member("],\"rest\":", parts[values], out);
    put_member(",\"absent\":", parts[values + 1], out);
}

static void
put_buckets(const struct summary *summary, struct buffer *out)
{
    buffer_text(out, ",\"interval\":\"");
    interval_print(&summary->request.interval, out);
    buffer_text(out, "\",\"buckets\":[");
    for (size_t i = 0; i < summary->timeline.bucket_count; i++) {
        char text[INSTANT_TEXT_MAX];
        buffer_text(out, i > 0 ? ",{\"start\":\"" : "{\"start\":\"");
        buffer_bytes(out, figures_start(summary, i, text));
        put_member("\",\"count\":", timeline_bucket(&summary->timeline, i), out);
        if (summary->request.stats.by_count > 0)
            put_parts(summary, i, out);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

/* Numbers stand as they are: their spelling is JSON's. */
static void
put_number(const char *name, struct bytes token, struct buffer *out)
{
    buffer_text(out, name);
    if (token.data == NULL)
        buffer_text(out, "null");
    else
        buffer_bytes(out, token);
}

static void
put_percentiles(const struct summary *summary, struct buffer *out)
{
    const struct stats_request *request = &summary->request.stats;
    const struct percentiles *percentiles = &summary->stats.percentiles;
    buffer_text(out, ",\"percentiles\":{\"field\":\"");
    buffer_bytes(out, fields[request->numbers].name);
    put_member("\",\"count\":", percentiles->count, out);
    put_member(",\"absent\":", summary->total - percentiles->count, out);
    put_number(",\"minimum\":", percentiles->minimum, out);
    put_number(",\"maximum\":", percentiles->maximum, out);
    buffer_text(out, ",\"values\":[");
    for (size_t i = 0; i < request->ranks.count; i++) {
        buffer_text(out, i > 0 ? ",{\"percentile\":" : "{\"percentile\":");
        percentile_print(request->ranks.ranks[i], out);
        put_number(",\"value\":", percentiles->values[i], out);
        buffer_byte(out, '}');
    }
    buffer_text(out, "]}");
}

static void
put_distinct(const struct summary *summary, struct buffer *out)
{
    const struct stats_request *request = &summary->request.stats;
    for (size_t i = 0; i < request->distinct_count; i++) {
        buffer_text(out, i > 0 ? ",\"" : ",\"distinct_values\":{\"");
        buffer_bytes(out, fields[request->distinct[i]].name);
        put_member("\":", summary->stats.distinct[i], out);
    }
    if (request->distinct_count > 0)
        buffer_byte(out, '}');
}

void
figures_json(const struct summary *summary, struct bytes members, struct buffer *out)
{
    put_member("{\"total\":", summary->total, out);
    if (summary->request.stats.by_count > 0)
        put_values(summary, out);
    if (summary->request.over_time)
        put_buckets(summary, out);
    if (summary->request.stats.numbers != FIELD_COUNT)
        put_percentiles(summary, out);
    put_distinct(summary, out);
    buffer_bytes(out, members);
    buffer_text(out, "}\n");
}
