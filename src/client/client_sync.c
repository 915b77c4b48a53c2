/*
 * Events whose caller waits for the receipt, and questions.
 *
 * A transport serves one thread at a time. Those that are made stay, so that a thread that asks
 * again and again finds a connection; there are as many as threads asked at once.
 *
 * Without a receipt the answer is TALLY_DENY. Where nothing can have reached the trail that is said
 * at once: the caller is kept waiting only where the trail asks for it, or where an answer was lost,
 * and only while it wants to (patience.h).
 * Then the same event is sent again with `again`, as long as there is time: it is stored once, and
 * the receipt is the first one's. If no answer comes in the end, the event may stand in the trail
 * although the caller was told not to do what it says; so another event says that, later.
 */
#include "backoff.h"
#include "client_parts.h"
#include "clock.h"
#include "fault.h"
#include "json.h"
#include "random.h"
#include "reply.h"
#include "uncancelled.h"
#include "wire.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MS (CLOCK_SECOND / 1000)

/* The most of a request. */
#define EVENTS_MAX 1000
#define SIZE_MAX_  ((size_t)2 << 20)

struct asker {
    const struct patience *patience; /* the client's */
    struct transport *transport;
    int64_t look; /* when the caller is asked next whether it waits */
    bool left;    /* it does not */
    struct transport_answer answer;
    enum transport_result results[EVENTS_MAX];
    size_t reason_at[EVENTS_MAX];
    struct asker *next, *spare;
};

/* ---- the caller's patience ---- */

static void
begin_waiting(struct asker *asker)
{
    asker->look = clock_monotonic() + PATIENCE_LOOK_NS;
    asker->left = false;
}

/* Until when to wait; 0: no longer. Of transport_options. */
static int64_t
look_at_caller(void *context)
{
    struct asker *asker = context;
    if (clock_monotonic() >= asker->look) {
        asker->left = asker->left || patience_ended(asker->patience);
        asker->look = clock_monotonic() + PATIENCE_LOOK_NS;
    }
    return asker->left ? 0 : asker->look;
}

/* ---- transports ---- */

static void
asker_free(struct asker *asker)
{
    transport_destroy(asker->transport);
    buffer_free(&asker->answer.reasons);
    free(asker);
}

static tally_status
asker_create(struct tally_client *client, struct asker **asker_out, struct tally_error *error)
{
    struct asker *asker = calloc(1, sizeof *asker);
    if (asker == NULL)
        return memory_fault(error);
    asker->patience = &client->patience;
    struct transport_options options = client->destination;
    options.tick = client->patience.interrupted == NULL ? NULL : look_at_caller;
    options.context = asker;
    tally_status status = transport_create(&options, &asker->transport, error);
    if (status != TALLY_OK) {
        free(asker);
        return status;
    }
    asker->answer.results = asker->results;
    asker->answer.reason_at = asker->reason_at;
    asker->next = client->askers;
    client->askers = asker;
    *asker_out = asker;
    return TALLY_OK;
}

static tally_status
take_asker(struct tally_client *client, struct asker **asker_out, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    (void)pthread_mutex_lock(&client->lock);
    struct asker *asker = client->idle;
    if (asker != NULL)
        client->idle = asker->spare;
    else
        status = asker_create(client, &asker, error);
    (void)pthread_mutex_unlock(&client->lock);
    if (status != TALLY_OK)
        return status;
    begin_waiting(asker);
    *asker_out = asker;
    return TALLY_OK;
}

static void
give_asker(struct tally_client *client, struct asker *asker)
{
    (void)pthread_mutex_lock(&client->lock);
    asker->spare = client->idle;
    client->idle = asker;
    (void)pthread_mutex_unlock(&client->lock);
}

void
client_free_askers(struct tally_client *client)
{
    while (client->askers != NULL) {
        struct asker *asker = client->askers;
        client->askers = asker->next;
        asker_free(asker);
    }
}

void
client_abandon_askers(struct tally_client *client)
{
    for (struct asker *asker = client->askers; asker != NULL; asker = asker->next)
        transport_abandon(asker->transport);
    client->askers = client->idle = NULL;
}

/* ---- one request ---- */

/* Events of a question that go in one request. */
struct asked {
    const struct bytes *events;
    struct tally_receipt *receipts;
    size_t count;
};

static void
sleep_ns(int64_t ns)
{
    struct timespec rest = { .tv_sec = ns / CLOCK_SECOND, .tv_nsec = ns % CLOCK_SECOND };
    while (nanosleep(&rest, &rest) < 0)
        continue;
}

/* False where the caller leaves meanwhile. */
static bool
sleep_until(struct asker *asker, int64_t until)
{
    for (int64_t now; (now = clock_monotonic()) < until;) {
        int64_t next = patience_next(asker->patience, until);
        sleep_ns(next - now);
        if (next != until && look_at_caller(asker) == 0)
            return false;
    }
    return true;
}

/* Whether there is time for another attempt; waits for it. Where the trail does not say how long, no
 * wait is longer than half the time that is left: the last attempt is made shortly before its end. */
static bool
wait_for_next(struct asker *asker, struct backoff *backoff, int64_t until)
{
    uint32_t asked_ms = asker->answer.wait_ms, random;
    random_bytes(&random, sizeof random);
    int64_t wait = backoff_next(backoff, asked_ms, random) * MS;
    int64_t now = clock_monotonic(), left = until - now;
    if (asked_ms == 0 && wait > left / 2)
        wait = left / 2;
    if (wait >= left || wait < BACKOFF_FIRST_MS * MS / 2)
        return false;
    return sleep_until(asker, now + wait);
}

/* Whether another attempt may be made, once there is time: the trail asked for a moment, or an answer
 * was lost. */
static bool
has_hope(const struct asker *asker, bool again)
{
    const struct transport_answer *answer = &asker->answer;
    return !answer->denied && (again || answer->busy || answer->wait_ms > 0);
}

/* TRANSPORT_LATER: nothing is stored for certain; TRANSPORT_UNKNOWN: no answer in time. */
static enum transport_outcome
ask_until(struct tally_client *client, struct asker *asker, const struct asked *asked,
          int64_t until)
{
    struct transport_answer *answer = &asker->answer;
    struct backoff backoff = { 0 };
    bool again = false;
    answer->receipts = asked->receipts;
    for (;;) {
        counter_add(&client->counters.attempts, 1);
        enum transport_outcome outcome =
            transport_send(asker->transport, asked->events, asked->count, again, until, answer);
        if (outcome == TRANSPORT_STORED || outcome == TRANSPORT_REFUSED)
            return outcome;
        again = again || outcome == TRANSPORT_UNKNOWN;
        bool next = !asker->left && has_hope(asker, again) && wait_for_next(asker, &backoff, until);
        if (asker->left)
            (void)fault(&answer->error, TALLY_BUSY, "the program stopped waiting");
        if (!next)
            return again ? TRANSPORT_UNKNOWN : TRANSPORT_LATER;
    }
}

/* ---- denied ---- */

/* Says in the trail that a caller was told not to do what this event says. */
static void
record_denial(struct tally_client *client, struct draft_pair *pair, struct bytes event,
              const char *id)
{
    struct reply reader = { 0 };
    struct buffer action = { 0 }, type = { 0 };
    char details[96];
    if (reply_read(&reader, event, NULL) == TALLY_OK) {
        buffer_bytes(&action, reply_text(&reader, 0, "action"));
        buffer_bytes(&type, reply_text(&reader, 0, "event_type"));
    }
    reply_finish(&reader);
    bool has_action = action.size > 0, has_type = type.size > 0;
    buffer_byte(&action, '\0');
    buffer_byte(&type, '\0');
    (void)snprintf(details, sizeof details, "{\"denied\":\"%s\"}", id);
    const struct tally_event *denial =
        TALLY_EVENT(.action = has_action ? (const char *)action.data : NULL,
                    .event_type = has_type ? (const char *)type.data : NULL, .status = "error",
                    .error_message = "no receipt came in time, so it was not to be done",
                    .details = details);
    /* The event itself is not needed any more where its draft is. */
    struct draft_pair other = { .draft = pair->aside, .aside = pair->draft };
    enum shipper_source source =
        client->root == NULL || client->mode == TALLY_MODE_MEMORY ? SHIPPER_MEMORY : SHIPPER_SPOOL;
    if (!buffer_failed(&action) && !buffer_failed(&type) &&
        draft_write(other.draft, denial, tally_context_current(), client->service, NULL) ==
            TALLY_OK)
        (void)client_keep(client, source, &other, draft_line(other.draft), NULL);
    buffer_free(&action);
    buffer_free(&type);
}

/* ---- what came of it ---- */

static tally_status
deny(struct tally_client *client, const struct asked *asked, struct draft_pair *pair,
     enum transport_outcome outcome, const struct transport_answer *answer,
     struct tally_error *error)
{
    counter_add(&client->counters.unspooled, asked->count);
    counter_add(&client->counters.denied, asked->count);
    for (size_t i = 0; outcome == TRANSPORT_UNKNOWN && i < asked->count; i++)
        record_denial(client, pair, asked->events[i], asked->receipts[i].id);
    return fault(error, TALLY_DENY, "no receipt: %s", answer->error.text);
}

/* One event's answer: TALLY_OK with its receipt, TALLY_INVALID or TALLY_CONFLICT. */
static tally_status
count_answer(struct tally_client *client, const struct asker *asker, size_t i,
             struct tally_receipt *receipt, struct tally_error *error)
{
    struct counters *counters = &client->counters;
    enum transport_result result = asker->results[i];
    if (result == TRANSPORT_INVALID) {
        counter_add(&counters->invalid, 1);
        return fault(error, TALLY_INVALID, "%s", transport_reason(&asker->answer, i));
    }
    counter_add(&counters->unspooled, 1);
    if (result == TRANSPORT_CONFLICT) {
        counter_add(&counters->refused, 1);
        return fault(error, TALLY_CONFLICT, "%s", transport_reason(&asker->answer, i));
    }
    counter_add(&counters->sent, 1);
    receipt->repeated = result == TRANSPORT_REPEATED;
    if (receipt->repeated)
        counter_add(&counters->repeated, 1);
    return TALLY_OK;
}

static tally_status
count_answers(struct tally_client *client, const struct asker *asker, const struct asked *asked,
              size_t *position_out, struct tally_error *error)
{
    tally_status first = TALLY_OK;
    for (size_t i = 0; i < asked->count; i++) {
        tally_status status =
            count_answer(client, asker, i, &asked->receipts[i], first == TALLY_OK ? error : NULL);
        if (status != TALLY_OK && first == TALLY_OK) {
            first = status;
            *position_out = i;
        }
    }
    return first;
}

/* ---- a question ---- */

static size_t
fitting(const struct client_question *question, size_t begin, size_t limit)
{
    size_t count = 0, size = 0;
    while (begin + count < question->count && count < limit &&
           (count == 0 || size + question->events[begin + count].size <= SIZE_MAX_))
        size += question->events[begin + count++].size;
    return count;
}

/* The lock of a folder's trail is given back when nothing has come for a while: by the shipper's
 * thread, which runs as soon as there is a queue. */
static void
have_it_rest(struct tally_client *client)
{
    struct spool *spool;
    if (!wire_is_server(client->where) &&
        client_spool(client, SHIPPER_MEMORY, &spool, NULL) == TALLY_OK)
        shipper_used(client->shipper);
}

static tally_status
ask_all(struct tally_client *client, struct asker *asker, const struct client_question *question,
        size_t *position_out, struct tally_error *error)
{
    int64_t until = clock_monotonic() + client->timeout_ms * MS;
    tally_status first = TALLY_OK;
    size_t limit = EVENTS_MAX;
    for (size_t begin = 0; begin < question->count;) {
        struct asked asked = {
            .events = question->events + begin,
            .receipts = question->receipts + begin,
            .count = fitting(question, begin, limit),
        };
        struct tally_error *own = first == TALLY_OK ? error : NULL;
        size_t position = 0;
        enum transport_outcome outcome = ask_until(client, asker, &asked, until);
        if (outcome == TRANSPORT_REFUSED && asked.count > 1) {
            limit = asked.count / 2;
            continue;
        }
        tally_status status;
        if (outcome == TRANSPORT_STORED) {
            status = count_answers(client, asker, &asked, &position, own);
        } else if (outcome == TRANSPORT_REFUSED) {
            counter_add(&client->counters.invalid, 1);
            status = fault(own, TALLY_INVALID, "%s", asker->answer.error.text);
        } else {
            asked.count = question->count - begin;
            status = deny(client, &asked, question->pair, outcome, &asker->answer, own);
        }
        if (status != TALLY_OK && first == TALLY_OK) {
            first = status;
            *position_out = begin + position;
        }
        begin += asked.count;
    }
    return first;
}

tally_status
client_ask(struct tally_client *client, const struct client_question *question,
           size_t *position_out, struct tally_error *error)
{
    struct asker *asker;
    tally_status status = take_asker(client, &asker, error);
    if (status != TALLY_OK) {
        counter_add(&client->counters.unspooled, question->count);
        counter_add(&client->counters.lost, question->count);
        return status;
    }
    status = ask_all(client, asker, question, position_out, error);
    give_asker(client, asker);
    have_it_rest(client);
    return status;
}

/* ---- reading ---- */

tally_status
tally_client_get(struct tally_client *client, const char *target, char **text_out, size_t *size_out,
                 struct tally_error *error)
{
    UNCANCELLED();
    struct asker *asker;
    struct buffer answer = { 0 };
    if (client->disabled)
        return fault(error, TALLY_UNSUPPORTED, "the client is disabled");
    if (target[0] != '/')
        return fault(error, TALLY_INVALID, "a target begins with /: %s", target);
    tally_status status = take_asker(client, &asker, error);
    if (status != TALLY_OK)
        return status;
    status = transport_get(asker->transport, target, clock_monotonic() + client->timeout_ms * MS,
                           &answer, error);
    give_asker(client, asker);
    if (status == TALLY_OK) {
        *size_out = answer.size;
        buffer_byte(&answer, '\0');
        if (buffer_failed(&answer))
            status = memory_fault(error);
    }
    if (status != TALLY_OK) {
        buffer_free(&answer);
        return status;
    }
    *text_out = (char *)answer.data;
    return TALLY_OK;
}
