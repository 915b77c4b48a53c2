#include "stats_remote.h"

#include "clock.h"
#include "explaining.h"
#include "filtering.h"
#include "remote.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>

/* A parameter of fields, as they are named: `user` comes back as user_id. */
static void
put_fields(struct buffer *target, const char *name, const enum field_id *names, size_t count)
{
    struct buffer text = { 0 };
    summary_print_fields(names, count, &text);
    if (count > 0)
        remote_parameter(target, name, buffer_view(&text));
    buffer_free(&text);
}

static void
put_target(const struct invocation *invocation, const struct summary_request *request,
           struct bytes text, const struct remote *remote, struct buffer *target)
{
    const struct stats_request *stats = &request->stats;
    buffer_text(target, "/api/stats");
    remote_parameter(target, "trail", bytes_text(remote_trail(remote)));
    filtering_parameters(text, filtering_control(invocation), target);
    put_fields(target, "by", stats->by, stats->by_count);
    if (stats->by_count > 0) {
        char top[24];
        (void)snprintf(top, sizeof top, "%zu", stats->top);
        remote_parameter(target, "top", bytes_text(top));
    }
    if (request->over_time)
        remote_parameter(target, "interval", bytes_text(option_value(invocation, "interval")));
    if (stats->numbers != FIELD_COUNT)
        put_fields(target, "percentiles", &stats->numbers, 1);
    if (option_given(invocation, "ranks"))
        remote_parameter(target, "ranks", bytes_text(option_value(invocation, "ranks")));
    put_fields(target, "distinct", stats->distinct, stats->distinct_count);
    explaining_parameter(invocation, target);
}

/* How many elements an array has. */
static size_t
count_of(const struct reply *reply, uint32_t array)
{
    const struct json_node *nodes = reply->tape.nodes;
    size_t count = 0;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next)
        count++;
    return count;
}

/* A text, or by two fields an array of as many, in which one may be null. */
static bool
read_value(struct reply *reply, uint32_t node, size_t by_count, struct stats_value *value)
{
    const struct json_node *nodes = reply->tape.nodes;
    if (!reply_number(reply, node, "count", &value->count))
        return false;
    if (by_count == 1) {
        value->value[0] = reply_text(reply, node, "value");
        return value->value[0].data != NULL;
    }
    uint32_t array = reply_array(reply, node, "value");
    if (array == 0 || count_of(reply, array) != by_count)
        return false;
    size_t count = 0;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        struct bytes text = reply_text_of(reply, i);
        if (text.data == NULL && nodes[i].kind != JSON_KIND_NULL)
            return false;
        value->value[count++] = text;
    }
    return true;
}

static bool
read_values(struct reply *reply, size_t by_count, struct stats_values *values)
{
    uint32_t array = reply_array(reply, 0, "values");
    if (array == 0 || !reply_number(reply, 0, "rest", &values->rest) ||
        !reply_number(reply, 0, "absent", &values->absent) ||
        !reply_number(reply, 0, "distinct", &values->distinct))
        return false;
    values->values = calloc(count_of(reply, array) + 1, sizeof *values->values);
    if (values->values == NULL)
        return false;
    const struct json_node *nodes = reply->tape.nodes;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next)
        if (!read_value(reply, i, by_count, &values->values[values->count++]))
            return false;
    return true;
}

/* What a bucket is made of: its count, or where by fields a part for each value, the rest and the
 * absent. */
static bool
read_parts(struct reply *reply, uint32_t node, size_t part_count, uint64_t *parts)
{
    const struct json_node *nodes = reply->tape.nodes;
    if (part_count == 1)
        return reply_number(reply, node, "count", &parts[0]);
    uint32_t array = reply_array(reply, node, "values");
    if (array == 0 || count_of(reply, array) + 2 != part_count)
        return false;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next)
        if (!reply_number_of(reply, i, parts++))
            return false;
    return reply_number(reply, node, "rest", &parts[0]) &&
           reply_number(reply, node, "absent", &parts[1]);
}

/* One after another, from the first one's start on. */
static bool
read_buckets(struct reply *reply, struct summary *summary)
{
    struct timeline *timeline = &summary->timeline;
    uint32_t array = reply_array(reply, 0, "buckets");
    if (array == 0)
        return false;
    bool by = summary->request.stats.by_count > 0;
    timeline->part_count = by ? summary->stats.values.count + 2 : 1;
    timeline->parts = calloc(count_of(reply, array) + 1, timeline->part_count * sizeof(uint64_t));
    if (timeline->parts == NULL)
        return false;
    const struct json_node *nodes = reply->tape.nodes;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        struct bytes text = reply_text(reply, i, "start");
        uint64_t *parts = &timeline->parts[timeline->bucket_count * timeline->part_count];
        struct instant start;
        const char *reason;
        if (text.data == NULL || !instant_parse(text, &start, &reason) ||
            !read_parts(reply, i, timeline->part_count, parts))
            return false;
        if (timeline->bucket_count == 0)
            timeline->start = start.ns;
        int64_t expected =
            timeline->start + (int64_t)timeline->bucket_count * summary->request.interval.ns;
        if (start.ns != expected)
            return false;
        timeline->bucket_count++;
    }
    return true;
}

static bool
read_percentiles(const struct reply *reply, size_t rank_count, struct percentiles *percentiles)
{
    uint32_t node = reply_member(reply, 0, "percentiles");
    uint32_t array = reply_array(reply, node, "values");
    if (node == 0 || array == 0 || !reply_number(reply, node, "count", &percentiles->count) ||
        count_of(reply, array) != rank_count)
        return false;
    percentiles->minimum = reply_number_token(reply, node, "minimum");
    percentiles->maximum = reply_number_token(reply, node, "maximum");
    const struct json_node *nodes = reply->tape.nodes;
    size_t count = 0;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next)
        percentiles->values[count++] = reply_number_token(reply, i, "value");
    return true;
}

static bool
read_distinct(const struct reply *reply, const struct stats_request *request, uint64_t *distinct)
{
    uint32_t node = reply_member(reply, 0, "distinct_values");
    for (size_t i = 0; i < request->distinct_count; i++) {
        const char *name = (const char *)fields[request->distinct[i]].name.data;
        if (node == 0 || !reply_number(reply, node, name, &distinct[i]))
            return false;
    }
    return true;
}

/* What is lent from the reply is not the summary's to free. */
static tally_status
read_summary(struct reply *reply, struct bytes text, struct summary *summary,
             struct tally_error *error)
{
    tally_status status = reply_read(reply, text, error);
    if (status != TALLY_OK)
        return status;
    bool good = reply_number(reply, 0, "total", &summary->total);
    const struct stats_request *request = &summary->request.stats;
    if (good && request->by_count > 0)
        good = read_values(reply, request->by_count, &summary->stats.values);
    if (good && summary->request.over_time)
        good = read_buckets(reply, summary);
    if (good && request->numbers != FIELD_COUNT)
        good = read_percentiles(reply, request->ranks.count, &summary->stats.percentiles);
    if (good)
        good = read_distinct(reply, request, summary->stats.distinct);
    return good ? TALLY_OK : reply_fault(error, "statistics");
}

static int
count(const struct invocation *invocation, const struct summary_request *request,
      struct remote *remote,
      int (*print)(const struct invocation *, const struct summary *, struct out *))
{
    struct buffer text = { 0 };
    struct buffer target = { 0 };
    struct buffer answer = { 0 };
    struct reply reply = { 0 };
    struct refusal refusal = { 0 };
    struct summary summary = { .request = *request };
    struct account account = { 0 };
    filtering_text(invocation, &text);
    put_target(invocation, request, buffer_view(&text), remote, &target);
    tally_status status = remote_get(remote, &target, &answer, &refusal);
    if (status == TALLY_OK)
        status = read_summary(&reply, buffer_view(&answer), &summary, &refusal.error);
    if (status == TALLY_OK && explaining(invocation))
        status = explaining_read(&reply, &account, &refusal.error);

    int outcome;
    if (status != TALLY_OK) {
        outcome = filtering_refused(remote, buffer_view(&text), &refusal);
    } else {
        struct out out;
        out_open(&out);
        outcome =
            out_finish(&out, explaining(invocation) ? explaining_print(invocation, &account, &out)
                                                    : print(invocation, &summary, &out));
    }
    account_finish(&account);
    summary_finish(&summary);
    reply_finish(&reply);
    buffer_free(&answer);
    buffer_free(&target);
    buffer_free(&text);
    return outcome;
}

int
stats_remote(const struct invocation *invocation, const struct summary_request *request,
             int (*print)(const struct invocation *, const struct summary *, struct out *))
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    outcome = count(invocation, request, remote, print);
    remote_close(remote);
    return outcome;
}
