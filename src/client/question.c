#include "question.h"

#include "clock.h"
#include "entries_answer.h"
#include "fault.h"
#include "random.h"
#include "target.h"

#include <pthread.h>
#include <stdlib.h>

/* What is asked of a list. */
struct question {
    struct excerpt_request request;
    struct filter_parameter parameters[TARGET_PARAMETERS_MAX];
    bool count; /* how many there are is asked, too */
    int64_t until;
};

/* Cursors are good as long as the process. */
static uint8_t cursor_key[CURSOR_KEY_SIZE];
static pthread_once_t cursor_once = PTHREAD_ONCE_INIT;

static void
make_cursor_key(void)
{
    random_bytes(cursor_key, sizeof cursor_key);
}

/* ---- parameters ---- */

static tally_status
read_flag(const struct filter_parameter *parameter, bool *flag_out, struct tally_error *error)
{
    if (!bytes_is(parameter->value, "true") && !bytes_is(parameter->value, "false"))
        return fault(error, TALLY_INVALID, "%.*s takes true or false", BYTES_ARG(parameter->name));
    *flag_out = bytes_is(parameter->value, "true");
    return TALLY_OK;
}

static tally_status
read_limit(struct bytes text, size_t *limit_out, struct tally_error *error)
{
    uint64_t limit;
    if (!target_count(text, &limit) || limit < 1 || limit > EXCERPT_LIMIT_MAX)
        return fault(error, TALLY_INVALID, "limit takes a number from 1 to %d", EXCERPT_LIMIT_MAX);
    *limit_out = (size_t)limit;
    return TALLY_OK;
}

static tally_status
read_parameter(const struct filter_parameter *parameter, struct question *question,
               struct tally_error *error)
{
    struct excerpt_request *request = &question->request;
    bool control = false;
    if (bytes_is(parameter->name, "q")) {
        request->text = parameter->value;
        return TALLY_OK;
    }
    if (bytes_is(parameter->name, "cursor")) {
        request->cursor = parameter->value;
        return TALLY_OK;
    }
    if (bytes_is(parameter->name, "limit"))
        return read_limit(parameter->value, &request->limit, error);
    if (bytes_is(parameter->name, "order"))
        return scan_order_read(parameter->value, &request->order, error);
    if (bytes_is(parameter->name, "count")) {
        question->count = bytes_is(parameter->value, "exact");
        return question->count ? TALLY_OK : fault(error, TALLY_INVALID, "count takes exact");
    }
    if (bytes_is(parameter->name, "control")) {
        tally_status status = read_flag(parameter, &control, error);
        request->control = control ? CONTROL_INCLUDED : CONTROL_LEFT_OUT;
        return status;
    }
    if (!filter_parameter_known(parameter->name))
        return fault(error, TALLY_INVALID, "there is no parameter \"%.*s\" here",
                     BYTES_ARG(parameter->name));
    question->parameters[request->parameter_count++] = *parameter;
    return TALLY_OK;
}

/* ---- answers ---- */

/* A scan_check. */
static tally_status
check_time(void *context, struct tally_error *error)
{
    const struct question *question = context;
    if (clock_monotonic() < question->until)
        return TALLY_OK;
    return fault(error, TALLY_BUSY,
                 "the search takes too long: ask for a shorter time or for less");
}

static tally_status
put_total(void *context, struct excerpt *excerpt, struct buffer *members, struct tally_error *error)
{
    const struct question *question = context;
    return question->count ? entries_answer_total(excerpt, members, error) : TALLY_OK;
}

static tally_status
answer_list(struct trail *trail, struct question *question, struct buffer *answer,
            struct tally_error *error)
{
    struct cursor start;
    struct excerpt excerpt;
    tally_status status = excerpt_start(trail, &question->request, &start, error);
    if (status == TALLY_OK)
        status = excerpt_open(trail, &question->request, &start, &excerpt, error);
    /* The list began in a trail that was larger: it is the cursor that is wrong. */
    if (status == TALLY_ABSENT)
        return error == NULL ? TALLY_INVALID : (error->status = TALLY_INVALID);
    if (status != TALLY_OK)
        return status;
    status = entries_answer_excerpt(&excerpt, put_total, question, answer, error);
    excerpt_close(&excerpt);
    return status;
}

static tally_status
list(struct trail *trail, const struct target *target, int64_t until, struct buffer *answer,
     struct tally_error *error)
{
    (void)pthread_once(&cursor_once, make_cursor_key);
    struct question question = {
        .request = {
            .order = ORDER_TIME_DOWN,
            .limit = EXCERPT_LIMIT_STANDARD,
            .role = bytes_text("local"),
            .key = cursor_key,
            .now = clock_now(),
            .check = check_time,
            .check_context = &question,
        },
        .until = until,
    };
    question.request.parameters = question.parameters;
    for (size_t i = 0; i < target->parameter_count; i++) {
        tally_status status = read_parameter(&target->parameters[i], &question, error);
        if (status != TALLY_OK)
            return status;
    }
    return answer_list(trail, &question, answer, error);
}

static tally_status
show(struct trail *trail, const struct target *target, struct buffer *answer,
     struct tally_error *error)
{
    uint64_t index;
    if (target->parameter_count > 0)
        return fault(error, TALLY_UNSUPPORTED, "an entry of a folder takes no parameters");
    if (target_count(target->segments[2], &index)) {
        tally_status status = entries_answer_one(trail, index, answer, error);
        if (status != TALLY_ABSENT)
            return status;
    }
    return fault(error, TALLY_ABSENT, "there is no entry %.*s: the trail has size %llu",
                 BYTES_ARG(target->segments[2]), (unsigned long long)trail_size(trail));
}

tally_status
question_answer(struct trail *trail, const char *text, int64_t until, struct buffer *answer,
                struct tally_error *error)
{
    struct target target;
    struct bytes raw = bytes_text(text);
    uint8_t *memory = malloc(raw.size + 1);
    if (memory == NULL)
        return memory_fault(error);
    tally_status status = target_parse(raw, memory, &target, error);
    bool events = status == TALLY_OK && target.segment_count >= 2 &&
                  bytes_is(target.segments[0], "api") && bytes_is(target.segments[1], "events");
    if (events && target.segment_count == 2)
        status = list(trail, &target, until, answer, error);
    else if (events && target.segment_count == 3)
        status = show(trail, &target, answer, error);
    else if (status == TALLY_OK)
        status = fault(error, TALLY_UNSUPPORTED,
                       "a folder answers /api/events and /api/events/INDEX; ask a server for more");
    free(memory);
    return status;
}
