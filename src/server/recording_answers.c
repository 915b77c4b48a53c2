#include "recording_answers.h"

#include "base64.h"
#include "batch.h"
#include "clock.h"
#include "problem.h"
#include "server.h"

static void
list_problems(const struct recording *recording, struct problem_error *errors)
{
    for (size_t i = 0; i < recording->problem_count; i++) {
        const struct recording_problem *problem = &recording->problems[i];
        errors[i] = (struct problem_error){
            .position = problem->position,
            .line = problem->line,
            .pointer = problem->pointer,
            .detail = problem->detail,
        };
    }
}

void
answer_refused(struct request *request, const struct recording *recording, unsigned status,
               const char *detail)
{
    struct problem_error errors[RECORDING_PROBLEMS_MAX];
    list_problems(recording, errors);
    struct problem problem = {
        .status = status,
        .detail = detail,
        .errors = errors,
        .error_count = recording->problem_count,
    };
    metrics_add(request->server->metrics, METRIC_REFUSED, recording->refused);
    answer_with_problem(request, &problem);
}

static void
put_receipt(const struct receipt *receipt, struct buffer *out)
{
    char leaf[2 * TALLY_HASH_SIZE];
    hex_encode(receipt->leaf.bytes, TALLY_HASH_SIZE, leaf);
    buffer_text(out, "{\"index\":");
    buffer_decimal(out, receipt->index);
    buffer_text(out, ",\"leaf\":\"");
    buffer_append(out, leaf, sizeof leaf);
    buffer_text(out, receipt->repeated ? "\",\"repeated\":true}" : "\",\"repeated\":false}");
}

/* The events that were there before; how many. */
static uint32_t
put_repeated(const struct recording *recording, struct buffer *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch_count(recording->batch); i++) {
        if (!recording->receipts[i].repeated)
            continue;
        buffer_text(out, count++ == 0 ? "{\"position\":" : ",{\"position\":");
        buffer_decimal(out, recording->places[i].position);
        buffer_text(out, ",\"index\":");
        buffer_decimal(out, recording->receipts[i].index);
        buffer_byte(out, '}');
    }
    return count;
}

static void
put_refused(const struct recording *recording, struct buffer *out)
{
    struct problem_error errors[RECORDING_PROBLEMS_MAX];
    list_problems(recording, errors);
    buffer_text(out, ",\"refused\":");
    problem_write_errors(errors, recording->problem_count, out);
    buffer_text(out, ",\"refused_count\":");
    buffer_decimal(out, recording->refused);
}

void
answer_recorded(struct request *request, const struct recording *recording)
{
    const struct append_result *result = &recording->append.result;
    bool repeated = recording->append.status == TALLY_REPEATED;
    uint32_t count = batch_count(recording->batch);
    struct buffer out = { 0 };
    buffer_format(&out, "{\"trail\":\"%s\",\"first\":", trail_name(recording->open->trail));
    buffer_decimal(&out, repeated ? recording->receipts[0].index : result->first);
    buffer_text(&out, ",\"count\":");
    buffer_decimal(&out, repeated ? 0 : result->count);
    buffer_text(&out, ",\"size\":");
    buffer_decimal(&out, result->size);
    buffer_text(&out, ",\"repeated\":[");
    uint32_t repeats = put_repeated(recording, &out);
    buffer_byte(&out, ']');
    if (recording->partial)
        put_refused(recording, &out);
    if (recording->full || count == 1) {
        buffer_text(&out, ",\"receipts\":[");
        for (uint32_t i = 0; i < count; i++) {
            if (i > 0)
                buffer_byte(&out, ',');
            put_receipt(&recording->receipts[i], &out);
        }
        buffer_byte(&out, ']');
    }
    buffer_text(&out, "}\n");

    struct metrics *metrics = request->server->metrics;
    metrics_add(metrics, METRIC_RECORDED, count - repeats);
    metrics_add(metrics, METRIC_RECORDED_BYTES, recording->text.size);
    metrics_add(metrics, METRIC_REPEATED, repeats);
    metrics_add(metrics, METRIC_REFUSED, recording->refused);
    metrics_observe(metrics, HISTOGRAM_COMMIT, clock_monotonic() - recording->begun);
    answer_json(request, repeated ? 200 : 201, &out);
}
