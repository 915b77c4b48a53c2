/*
 * GET /api/tail - new entries as they come: server-sent events, by index.
 *
 * A tail reads the trail like any other reader, again and again, each time from the entry behind the
 * last one it sent; between two readings it holds nothing but the trail's name and an index. So it
 * cannot lose an entry, and a client that comes back with Last-Event-ID goes on where it was.
 *
 * It ends where the client is gone, where the server stops, where the key is good no longer, and
 * where the client lags: it takes nothing for half of send_timeout, or what it is sent, having been new once,
 * is older than LAG_MAX. Of the last two the client is told with an event `end` or `lagging` before
 * the stream ends, whole.
 */
#include "clock.h"
#include "fault.h"
#include "flow.h"
#include "follow.h"
#include "reading.h"
#include "routes.h"
#include "server.h"
#include "sse.h"

#include <stdlib.h>
#include <time.h>

/* A line without news is used, so that whoever is in between does not take it for dead. */
#define HEARTBEAT (15 * CLOCK_SECOND)
/* How often it is looked whether to go on: for the client, for the key, for the server. */
#define LOOK (CLOCK_SECOND / 4)
/* Entries that come more often are sent together. */
#define PAUSE_NS (25 * 1000000L)
/* What was new and is sent so much later, lags. */
#define LAG_MAX  (60 * CLOCK_SECOND)
#define RETRY_MS 1000

struct tailing {
    struct server *server;
    struct open_trail *open_trail;
    struct principal principal;
    struct filter *filter;
    struct follow follow;
    size_t last; /* begin with so many of the last ones; 0: where `follow` says */
    struct sse *sse;
    struct stream *stream;
    uint64_t live; /* entries from this index on were to be sent as they came */
    int64_t sent;  /* monotonic: when something was sent last */
};

static void
release(void *context)
{
    struct tailing *tailing = context;
    sse_destroy(tailing->sse);
    if (tailing->open_trail != NULL)
        roster_release(tailing->server->roster, tailing->open_trail);
    filter_destroy(tailing->filter);
    free(tailing);
}

/* ---- sending ---- */

/* Whether an entry is sent long after it came, although the tail had caught up before it. */
static bool
lags(const struct tailing *tailing, const struct run_entry *entry)
{
    struct instant received;
    const char *reason;
    return entry->index >= tailing->live &&
           instant_parse(entry->values[FIELD_RECEIVED], &received, &reason) &&
           clock_now() - received.ns > LAG_MAX;
}

static void
say_last(struct tailing *tailing, const char *name, const char *detail)
{
    struct buffer words = { 0 };
    sse_event(&words, name, bytes_text(detail));
    if (!buffer_failed(&words))
        stream_farewell(tailing->stream, buffer_view(&words));
    buffer_free(&words);
}

/* A follow_visitor. TALLY_BUSY where the client lags. */
static tally_status
send_entry(void *context, const struct run_entry *entry, struct tally_error *error)
{
    struct tailing *tailing = context;
    if (lags(tailing, entry))
        return TALLY_BUSY;
    return sse_entry(tailing->sse, entry, error);
}

/* Where the client is to go on: it may find nothing for long, and come back meanwhile. */
static void
put_position(const struct tailing *tailing)
{
    if (tailing->follow.next > 0)
        sse_position(&tailing->stream->buffer, tailing->follow.next - 1);
}

/* Sends that nothing is new, where nothing was sent for long. */
static tally_status
keep_alive(struct tailing *tailing, struct tally_error *error)
{
    if (clock_monotonic() - tailing->sent < HEARTBEAT)
        return TALLY_OK;
    sse_comment(&tailing->stream->buffer);
    put_position(tailing);
    tailing->sent = clock_monotonic();
    return stream_flush(tailing->stream, error);
}

/* A scan_check: a reading may go through the whole trail and find nothing for long. */
static tally_status
check_reading(void *context, struct tally_error *error)
{
    struct tailing *tailing = context;
    tally_status status = stream_check(tailing->stream, error);
    return status == TALLY_OK ? keep_alive(tailing, error) : status;
}

/* Sends what has come, or that nothing has. */
static tally_status
send_news(struct tailing *tailing, struct tally_error *error)
{
    struct stream *stream = tailing->stream;
    struct trail *trail = tailing->open_trail->trail;
    uint64_t before = stream_written(stream);
    tally_status status = follow_read(&tailing->follow, trail, send_entry, tailing, error);
    if (status == TALLY_OK && stream_written(stream) == before)
        status = keep_alive(tailing, error);
    if (status == TALLY_OK)
        status = stream_flush(stream, error);
    if (stream_written(stream) != before)
        tailing->sent = clock_monotonic();
    if (status == TALLY_OK && tailing->live == UINT64_MAX)
        tailing->live = tailing->follow.next;
    return status;
}

/* Whether there is somebody to go on for who may see it. */
static bool
goes_on(struct tailing *tailing)
{
    const char *over = NULL;
    if (stream_check(tailing->stream, NULL) != TALLY_OK)
        return false;
    if (atomic_load(&tailing->server->draining))
        over = "the server stops";
    else if (!access_holds(tailing->server->access, &tailing->principal, clock_now()))
        over = "the key is good no longer";
    if (over != NULL)
        say_last(tailing, "end", over);
    return over == NULL;
}

/* Until something has come, or somebody has to be asked whether to go on. */
static void
wait_for_news(const struct tailing *tailing)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    (void)nanosleep(&pause, NULL);
    (void)trail_wait(tailing->open_trail->trail, tailing->follow.next, clock_monotonic() + LOOK);
}

/* Whether sending ended because the client takes too little. One that takes nothing, and is there,
 * makes the flow give up: TALLY_IO. */
static bool
is_lagging(const struct tailing *tailing, tally_status status)
{
    return status == TALLY_BUSY ||
           (status == TALLY_IO && stream_check(tailing->stream, NULL) == TALLY_OK);
}

/* Sends until it is over. */
static tally_status
follow_trail(struct tailing *tailing, struct tally_error *error)
{
    while (goes_on(tailing)) {
        tally_status status = send_news(tailing, error);
        if (is_lagging(tailing, status)) {
            say_last(tailing, "lagging",
                     "more comes than is taken: come back with Last-Event-ID, or export");
            return TALLY_OK;
        }
        if (status != TALLY_OK)
            return status;
        wait_for_news(tailing);
    }
    return TALLY_OK;
}

/* A stream_producer. Nothing is left in the stream's buffer for behind the last words. */
static tally_status
send_tail(void *context, struct stream *stream, struct tally_error *error)
{
    struct tailing *tailing = context;
    tailing->stream = stream;
    tailing->sent = clock_monotonic();
    tally_status status = sse_create(stream, &tailing->sse, error);
    if (status != TALLY_OK)
        return status;
    tailing->follow.check = check_reading;
    tailing->follow.check_context = tailing;
    sse_retry(&stream->buffer, RETRY_MS);
    if (tailing->last > 0)
        status =
            follow_from_last(&tailing->follow, tailing->open_trail->trail, tailing->last, error);
    put_position(tailing);
    if (status == TALLY_OK)
        status = stream_flush(stream, error);
    if (status == TALLY_OK)
        status = follow_trail(tailing, error);
    buffer_clear(&stream->buffer);
    return status;
}

/* ---- the request ---- */

/* Who comes back to a trail that ends before the entry seen last has another trail before it: waiting until
 * it is as long would leave out what comes meanwhile. False after answering. */
static bool
begin_behind(struct request *request, struct trail *trail, uint64_t after, struct tailing *tailing)
{
    uint64_t size = trail_size(trail);
    if (after >= size) {
        answer_problem(
            request, 400,
            "entry %llu is not in this trail, which has %llu entries so far: its id is of "
            "another trail; leave it out to follow from now on",
            (unsigned long long)after, (unsigned long long)size);
        return false;
    }
    tailing->follow.next = after + 1;
    return true;
}

/* Where to begin: as Last-Event-ID says, else `after`, else so many of the last ones. False after
 * answering. */
static bool
find_begin(struct request *request, struct trail *trail, struct tailing *tailing)
{
    uint64_t after = UINT64_MAX, last;
    if (!request_count(request, "after", UINT64_MAX, 0, INT64_MAX, &after) ||
        !request_count(request, "last", 0, 0, EXCERPT_LIMIT_MAX, &last))
        return false;
    if (request->last_event.data != NULL && !target_count(request->last_event, &after)) {
        answer_problem(request, 400, "Last-Event-ID takes the id of an event of this stream");
        return false;
    }
    tailing->live = UINT64_MAX;
    if (after != UINT64_MAX)
        return begin_behind(request, trail, after, tailing);
    /* The last ones are looked for by the stream, which can say meanwhile that it lives; until they
     * are found there is no place to come back to. */
    tailing->follow.next = last > 0 ? 0 : trail_size(trail);
    tailing->last = (size_t)last;
    return true;
}

static bool
read_filter(struct request *request, const struct reading_filter *given, struct tailing *tailing)
{
    struct tally_error error = { 0 };
    struct filter_options options = { .now = clock_now() };
    if (!reading_control(request, &options.control))
        return false;
    if (filter_parse_parameters(given->text, given->parameters, given->count, &options,
                                &tailing->filter, &error) != TALLY_OK) {
        answer_fault(request, &error);
        return false;
    }
    tailing->follow.filter = tailing->filter;
    return true;
}

/* What the tail holds beyond the request. NULL after answering. */
static struct tailing *
begin_tailing(struct request *request)
{
    struct trail *trail = request_trail(request);
    if (trail == NULL)
        return NULL;
    struct tailing *tailing = calloc(1, sizeof *tailing);
    if (tailing == NULL) {
        answer_problem(request, 503, "the server is short of memory; try again");
        return NULL;
    }
    tailing->server = request->server;
    tailing->principal = request->principal;
    roster_retain(request->server->roster, request->open_trail);
    tailing->open_trail = request->open_trail;

    struct reading_filter filter;
    reading_filter(request, &filter);
    if (read_filter(request, &filter, tailing) && find_begin(request, trail, tailing) &&
        (request->method == METHOD_HEAD || reading_record_filter(request, &filter)))
        return tailing;
    release(tailing);
    return NULL;
}

void
tail_follow(struct request *request)
{
    struct tailing *tailing = begin_tailing(request);
    if (tailing != NULL)
        answer_stream(request, STREAM_FOLLOWS, SSE_TYPE, send_tail, tailing, release);
}
