/*
 * POST /api/events: events into a trail.
 *
 * On the connection's thread a body is decoded, cut, read, written canonically and hashed: all that
 * need not be in order. The batch then waits for its place and for the disk without a thread. What
 * it needs until then is a recording: the body's text, which the batch points into, the batch, and
 * its receipts. Recordings are used again, since what they hold costs more to make than to fill.
 *
 * A recording has two holders, the request and the trail's queue, because either may be done first:
 * the request when its deadline passes, the queue when the batch is committed. The last one to let
 * go gives it back. After a deadline the batch is taken out of the queue if nobody has begun with
 * it: then it is certain that nothing was stored, and the answer says so.
 */
#include "batch.h"
#include "clock.h"
#include "fault.h"
#include "log.h"
#include "reading.h"
#include "recording_answers.h"
#include "routes.h"
#include "server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* How often a partial batch is tried again for ids that were taken meanwhile. */
#define ROUNDS_MAX 8

/* ---- what is refused ---- */

/* Notes why an event is refused, and that it is not to be read again. */
static tally_status
note_problem(struct recording *recording, uint64_t position, const struct tally_error *why,
             struct tally_error *error)
{
    recording->refused++;
    if (recording->problem_count < RECORDING_PROBLEMS_MAX) {
        struct recording_problem *problem = &recording->problems[recording->problem_count++];
        problem->position = position;
        problem->line = why->line;
        (void)snprintf(problem->pointer, sizeof problem->pointer, "%s", why->pointer);
        (void)snprintf(problem->detail, sizeof problem->detail, "%s", why->text);
    }
    return recording_leave_out(recording, position, error);
}

/* ---- from the body to a batch ---- */

/* The body's text into the recording, decoded. False after answering. */
static bool
take_text(struct request *request, struct recording *recording)
{
    if (request->body_coding == CODING_NONE) {
        recording->text = request->body;
        request->body = (struct buffer){ 0 };
        return true;
    }
    struct server *server = request->server;
    struct tally_error error = { 0 };
    tally_status status = body_decode(request->body_coding, buffer_view(&request->body),
                                      server->settings.body_max, &recording->text, &error);
    buffer_free(&request->body);
    if (status == TALLY_FULL)
        answer_problem(request, 413, "the decoded body is larger than %zu bytes; send several",
                       server->settings.body_max);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    return status == TALLY_OK;
}

/* Beside its text a batch has its events' journal form and their values. */
static bool
charge_batch(struct request *request, const struct recording *recording)
{
    size_t whole = SETTINGS_BODY_TIMES * recording->text.size;
    if (whole <= request->charged || request_charge(request, whole - request->charged))
        return true;
    answer_problem(request, 503, "too much is on its way already; try again");
    return false;
}

/* Adds one event, or notes why it is refused. */
static tally_status
add_event(struct recording *recording, const struct body_event *event, struct tally_error *error)
{
    tally_status status = batch_add_lent(recording->batch, event->text, error);
    if (status == TALLY_INVALID) {
        struct tally_error why = *error;
        body_event_place(event, &why);
        return note_problem(recording, event->position, &why, error);
    }
    if (status != TALLY_OK)
        return status;
    return recording_placed(recording, event, error);
}

/* How many events are added before what they take is looked at again. */
#define CHARGED_TOGETHER 1024

/* Small events take far more than their text, and what is found of each by looking back is a receipt.
 * A later round takes no more than the first. */
static tally_status
charge_growth(struct request *request, const struct recording *recording, struct tally_error *error)
{
    size_t whole = recording->text.size + recording_memory(recording);
    if (recording->again)
        whole += batch_count(recording->batch) * sizeof *recording->receipts;
    if (recording->rounds > 1 || whole <= request->charged ||
        request_charge(request, whole - request->charged))
        return TALLY_OK;
    return fault(error, TALLY_BUSY, "too much is on its way already; try again");
}

/* Reads all events but those that were refused already. Those that are refused count, too: millions
 * of them fit into a body, and saying why of each takes longer than to send it. */
static tally_status
fill_batch(struct request *request, struct recording *recording, struct tally_error *error)
{
    struct body_events events;
    batch_clear(recording->batch);
    batch_receive_at(recording->batch, clock_now());
    recording->rounds++;
    body_events_begin(&events, buffer_view(&recording->text), request->body_type);
    for (;;) {
        struct body_event event;
        tally_status status = body_events_next(&events, &event, error);
        if (status == TALLY_ABSENT)
            return charge_growth(request, recording, error);
        if (status != TALLY_OK)
            return status;
        if (event.position >= BATCH_ENTRIES_MAX)
            return fault(error, TALLY_FULL, "there are more events than a batch holds");
        if (recording_left_out(recording, event.position))
            continue;
        status = add_event(recording, &event, error);
        if (status == TALLY_OK && event.position % CHARGED_TOGETHER == 0)
            status = charge_growth(request, recording, error);
        if (status != TALLY_OK)
            return status;
    }
}

/* Makes the batch. False after answering. */
static bool
make_batch(struct request *request, struct recording *recording)
{
    struct tally_error error = { 0 };
    tally_status status = fill_batch(request, recording, &error);
    if (status == TALLY_FULL) {
        answer_problem(request, 413, "%s",
                       "these are too many events for one request: send several");
    } else if (status != TALLY_OK) {
        answer_fault(request, &error);
    } else if (recording->refused > 0 && !recording->partial) {
        answer_refused(request, recording, 400, "nothing was stored: some events are refused");
    } else if (batch_count(recording->batch) == 0 && recording->refused > 0) {
        /* The last ones that were left were refused for their ids if there was a round before. */
        answer_refused(request, recording, recording->rounds > 1 ? 409 : 400,
                       "nothing was stored: every event is refused");
    } else if (batch_count(recording->batch) == 0) {
        answer_problem(request, 400, "there is no event in the body");
    } else {
        return true;
    }
    return false;
}

/* ---- waiting for the commit ---- */

static void
let_go(struct request *request)
{
    recording_release(request->context);
    request->release = NULL;
}

/* What is answered needs its recording no more: a client that is slow to take the answer is not to
 * hold memory, and a share of what may be in flight. */
static void
let_go_if_answered(struct request *request)
{
    if (request->answer.status != 0)
        let_go(request);
}

/* On the thread that commits. */
static void
committed(struct append *append)
{
    struct recording *recording = append->context;
    int waiting = RECORDING_WAITING;
    if (atomic_compare_exchange_strong(&recording->state, &waiting, RECORDING_COMMITTED))
        request_resume(recording->request);
    recording_release(recording);
}

/* By the sweep: the deadline has passed. */
static void
expire(struct request *request)
{
    struct recording *recording = request->context;
    int waiting = RECORDING_WAITING;
    if (atomic_compare_exchange_strong(&recording->state, &waiting, RECORDING_EXPIRED))
        request_resume(request);
}

static void resumed(struct request *request);

static void
begin_append(struct request *request, struct recording *recording)
{
    atomic_store(&recording->state, RECORDING_WAITING);
    recording->begun = clock_monotonic();
    recording->append = (struct append){
        .batch = recording->batch,
        .receipts = recording->receipts,
        .wait = APPEND_WAIT,
        .done = committed,
        .context = recording,
    };
    recording_retain(recording);
    request_suspend(request, resumed);
    request_expect(request, request->server->settings.commit_timeout, expire);
    trail_append_begin(recording->open->trail, &recording->append);
}

/* ---- looking back ---- */

/* By the sweep: it has had the time of a search. */
static void
be_late(struct request *request)
{
    atomic_store(&request->late, true);
}

/* A trail_check, of a request. */
static tally_status
may_look_on(void *context, struct tally_error *error)
{
    if (reading_check(context, error) == TALLY_OK)
        return TALLY_OK;
    return fault(
        error, TALLY_BUSY,
        "to look for these ids in the whole trail takes too long; nothing was stored: send "
        "fewer events at once");
}

static void
look_back_job(struct job *job)
{
    struct request *request = JOB_REQUEST(job);
    struct recording *recording = request->context;
    recording->append.status = trail_look_back(recording->open->trail, recording->batch,
                                               may_look_on, request, &recording->append.error);
    request_resume(request);
}

/* Back on the connection's thread. */
static void
looked_back(struct request *request)
{
    struct recording *recording = request->context;
    request_enter(request, CONNECTION_BUSY);
    if (recording->append.status == TALLY_OK)
        begin_append(request, recording);
    else
        answer_fault(request, &recording->append.error);
    let_go_if_answered(request);
}

/* The batch is made. */
static void
begin_recording(struct request *request, struct recording *recording)
{
    if (!recording->again) {
        begin_append(request, recording);
        return;
    }
    request_suspend(request, looked_back);
    request_expect(request, request->server->settings.search_timeout, be_late);
    (void)request_delegate(request, look_back_job);
}

/* ---- what became of it ---- */

static void
answer_doubt(struct request *request, const char *why)
{
    answer_problem(request, 503,
                   "%s; the events may be stored or not: send them again with the same ids", why);
}

static void
answer_expired(struct request *request, struct recording *recording)
{
    if (trail_append_withdraw(recording->open->trail, &recording->append)) {
        recording_release(recording); /* the queue's hold */
        answer_problem(request, 429,
                       "the trail takes entries more slowly than they come; nothing was stored");
        return;
    }
    answer_doubt(request, "the disk took too long");
}

static void
note_conflict(struct request *request, const struct recording *recording)
{
    const struct append_result *result = &recording->append.result;
    struct buffer details = { 0 };
    buffer_text(&details, "{\"trail\":\"");
    buffer_text(&details, trail_name(recording->open->trail));
    buffer_byte(&details, '"');
    if (result->conflict != UINT64_MAX)
        buffer_format(&details, ",\"index\":%llu", (unsigned long long)result->conflict);
    buffer_byte(&details, '}');
    struct diary_event event = {
        .action = "event.conflict",
        .status = "failure",
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "trail",
        .resource_id = trail_name(recording->open->trail),
        .details = buffer_view(&details),
        .message = bytes_text("an id came again with other content"),
    };
    diary_note(request->server->diary, &event);
    buffer_free(&details);
    metrics_add(request->server->metrics, METRIC_CONFLICTS, result->conflicts);
}

/* Says where an event's id is, and whose it is already. */
static void
describe_conflict(const struct recording *recording, uint32_t i, struct tally_error *why)
{
    const struct recording_place *place = &recording->places[i];
    uint64_t stored = recording->receipts[i].index;
    *why = (struct tally_error){ .line = place->line };
    if (place->in_array)
        (void)snprintf(why->pointer, sizeof why->pointer, "/%u/id", place->position);
    else
        (void)snprintf(why->pointer, sizeof why->pointer, "/id");
    if (stored == UINT64_MAX)
        (void)snprintf(why->text, sizeof why->text,
                       "another event of this request has the same id and other content");
    else
        (void)snprintf(why->text, sizeof why->text,
                       "entry %llu has this id and other content; another event needs another id",
                       (unsigned long long)stored);
}

/* Ids stand for something else already. All is refused; or, with partial=true, these events are, and
 * the others try again, unless other writers are faster each time. */
static void
settle_conflict(struct request *request, struct recording *recording)
{
    struct tally_error error = { 0 };
    tally_status status = TALLY_OK;
    note_conflict(request, recording);
    for (uint32_t i = 0; i < batch_count(recording->batch) && status == TALLY_OK; i++) {
        if (!recording->receipts[i].conflict)
            continue;
        struct tally_error why;
        describe_conflict(recording, i, &why);
        status = note_problem(recording, recording->places[i].position, &why, &error);
    }
    if (status != TALLY_OK)
        answer_fault(request, &error);
    else if (!recording->partial || recording->rounds == ROUNDS_MAX)
        answer_refused(request, recording, 409, "nothing was stored: an id is taken");
    else if (make_batch(request, recording))
        begin_recording(request, recording);
}

static void
answer_append(struct request *request, struct recording *recording)
{
    if (atomic_load(&recording->state) == RECORDING_EXPIRED) {
        answer_expired(request, recording);
        return;
    }
    switch (recording->append.status) {
    case TALLY_OK:
    case TALLY_REPEATED:
        answer_recorded(request, recording);
        return;
    case TALLY_CONFLICT:
        settle_conflict(request, recording);
        return;
    case TALLY_IO:
        answer_fault(request, &recording->append.error); /* for the log: the trail is poisoned */
        answer_doubt(request, "a write to the disk failed");
        return;
    default:
        answer_fault(request, &recording->append.error);
    }
}

/* Back on the connection's thread. */
static void
resumed(struct request *request)
{
    /* First: the deadline that was set must meet neither a recording that is let go, and may be
     * another request's by then, nor the state of a new round. */
    request_enter(request, CONNECTION_BUSY);
    answer_append(request, request->context);
    let_go_if_answered(request);
}

/* ---- the route ---- */

/* The trail is open: everything but the waiting. */
static void
record_into(struct request *request)
{
    struct server *server = request->server;
    struct recording *recording;
    struct tally_error error = { 0 };
    bool copies;
    if (!request_flag(request, "copies", &copies))
        return;
    /* What was an entry before has all that was filled in then, and no more. */
    const struct catalogue *catalogue = copies ? catalogue_none() : server->catalogue;
    tally_status status =
        recording_take(server->recordings, request, catalogue, &recording, &error);
    if (status != TALLY_OK) {
        answer_fault(request, &error);
        return;
    }
    request->context = recording;
    request->release = let_go;
    recording->full = bytes_is(request_parameter(request, "receipts"), "full");
    if (request_flag(request, "partial", &recording->partial) &&
        request_flag(request, "again", &recording->again) && take_text(request, recording) &&
        charge_batch(request, recording) && make_batch(request, recording))
        begin_recording(request, recording);
    /* What is charged now goes with the recording, which may outlive the request. */
    recording->charged = request->charged;
    request->charged = 0;
    let_go_if_answered(request);
}

static void
open_trail_job(struct job *job)
{
    struct request *request = JOB_REQUEST(job);
    (void)request_trail(request);
    request_resume(request);
}

static bool
check_trail(struct request *request, char name[TRAIL_NAME_MAX + 1])
{
    struct bytes receipts = request_parameter(request, "receipts");
    if (receipts.data != NULL && !bytes_is(receipts, "full")) {
        answer_problem(request, 400, "receipts takes full");
        return false;
    }
    if (!request_trail_name(request, request_parameter(request, "trail"), name))
        return false;
    if (strcmp(name, DIARY_TRAIL) == 0) {
        answer_problem(request, 403,
                       "the trail " DIARY_TRAIL " is the server's own: nobody else "
                       "writes to it");
        return false;
    }
    return true;
}

void
events_record(struct request *request)
{
    char name[TRAIL_NAME_MAX + 1];
    if (!check_trail(request, name))
        return;
    if (roster_try(request->server->roster, name, &request->open_trail) == TALLY_OK) {
        record_into(request);
        return;
    }
    request_suspend(request, record_into);
    (void)request_delegate(request, open_trail_job);
}
