#include "stats_remote.h"

#include "clock.h"
#include "explaining.h"
#include "filtering.h"
#include "remote.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>

static void
put_target(const struct invocation *invocation, const struct summary_request *request,
           struct bytes text, const struct remote *remote, struct buffer *target)
{
    buffer_text(target, "/api/stats");
    remote_parameter(target, "trail", bytes_text(remote_trail(remote)));
    filtering_parameters(text, filtering_control(invocation), target);
    if (request->by != FIELD_COUNT) {
        char top[24];
        (void)snprintf(top, sizeof top, "%zu", request->top);
        remote_parameter(target, "by", fields[request->by].name);
        remote_parameter(target, "top", bytes_text(top));
    }
    if (request->over_time)
        remote_parameter(target, "interval", bytes_text(option_value(invocation, "interval")));
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

/* The values are lent from the reply, their array is the caller's to free. */
static bool
read_values(struct reply *reply, struct stats_values *values)
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
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        struct stats_value *value = &values->values[values->count++];
        value->value = reply_text(reply, i, "value");
        if (value->value.data == NULL || !reply_number(reply, i, "count", &value->count))
            return false;
    }
    return true;
}

/* One after another, from the first one's start on. */
static bool
read_buckets(struct reply *reply, struct summary *summary)
{
    uint32_t array = reply_array(reply, 0, "buckets");
    if (array == 0)
        return false;
    summary->buckets = calloc(count_of(reply, array) + 1, sizeof *summary->buckets);
    if (summary->buckets == NULL)
        return false;
    const struct json_node *nodes = reply->tape.nodes;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        struct bytes text = reply_text(reply, i, "start");
        struct instant start;
        const char *reason;
        if (text.data == NULL || !instant_parse(text, &start, &reason) ||
            !reply_number(reply, i, "count", &summary->buckets[summary->bucket_count]))
            return false;
        if (summary->bucket_count == 0)
            summary->start = start.ns;
        int64_t expected =
            summary->start + (int64_t)summary->bucket_count * summary->request.interval.ns;
        if (start.ns != expected)
            return false;
        summary->bucket_count++;
    }
    return true;
}

static tally_status
read_summary(struct reply *reply, struct bytes text, struct summary *summary,
             struct tally_error *error)
{
    tally_status status = reply_read(reply, text, error);
    if (status != TALLY_OK)
        return status;
    bool good = reply_number(reply, 0, "total", &summary->total);
    if (good && summary->request.by != FIELD_COUNT)
        good = read_values(reply, &summary->values);
    if (good && summary->request.over_time)
        good = read_buckets(reply, summary);
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
    free(summary.values.values);
    free(summary.buckets);
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
