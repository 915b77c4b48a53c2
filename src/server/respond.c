#include "respond.h"

#include "clock.h"
#include "fault.h"
#include "flow.h"
#include "log.h"
#include "server.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Answers from this size on count as memory that clients hold; they hold a quarter of all at most. */
#define UNSENT_LEAST ((size_t)64 * 1024)
#define UNSENT_SHARE 4

/* How long one of them may take to be sent. */
#define SENDING_MAX (600 * CLOCK_SECOND)

/* ---- a stream ---- */

/* What the making thread has of a streamed answer; it outlives the request. */
struct stream_work {
    struct server *server;
    struct flow *flow;
    stream_producer produce;
    void *context;
    void (*release)(void *context);
    enum stream_kind kind;
    char id[REQUEST_ID_MAX + 1];
};

static void
work_free(struct stream_work *work)
{
    work->release(work->context);
    stream_count_end(work->server, work->kind);
    free(work);
}

static tally_status
write_flow(void *context, struct bytes bytes, struct tally_error *error)
{
    return flow_put(context, bytes, error);
}

/* What the connection has of it. */
struct stream_end {
    struct flow *flow;
    struct MHD_Connection *wire;
    int fd;
};

/* The descriptor is the connection's as long as it has not let go of its end. */
static bool
is_gone(void *context)
{
    const struct stream_end *end = context;
    struct pollfd line = { .fd = end->fd, .events = POLLRDHUP };
    return poll(&line, 1, 0) > 0;
}

tally_status
stream_check(void *context, struct tally_error *error)
{
    const struct stream *stream = context;
    if (flow_is_wanted(stream->context, is_gone))
        return TALLY_OK;
    return fault(error, TALLY_IO, "the client is gone");
}

void
stream_farewell(struct stream *stream, struct bytes bytes)
{
    flow_farewell(stream->context, bytes);
}

static void *
produce_main(void *context)
{
    struct stream_work *work = context;
    (void)pthread_setname_np(pthread_self(), "tally-stream");
    struct stream stream = { .write = write_flow, .context = work->flow };
    struct tally_error error = { 0 };
    tally_status status = work->produce(work->context, &stream, &error);
    if (status == TALLY_OK)
        status = stream_flush(&stream, &error);
    stream_finish(&stream);
    if (status != TALLY_OK)
        LOG(LOG_WARNING, "stream cut", LOG_TEXT_FIELD("id", work->id),
            LOG_TEXT_FIELD("problem", error.text));
    struct flow *flow = work->flow;
    work_free(work);
    flow_finish(flow, status == TALLY_OK ? FLOW_WHOLE : FLOW_BROKEN);
    flow_release(flow);
    return NULL;
}

static void
suspend_wire(void *context)
{
    struct stream_end *end = context;
    MHD_suspend_connection(end->wire);
}

static void
wake_wire(void *context)
{
    struct stream_end *end = context;
    MHD_resume_connection(end->wire);
}

static ssize_t
read_stream(void *context, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct stream_end *end = context;
    size_t taken;
    switch (flow_take(end->flow, out, size, suspend_wire, &taken)) {
    case FLOW_TAKEN:
        return (ssize_t)taken;
    case FLOW_NOTHING:
        return 0;
    case FLOW_ENDED:
        return MHD_CONTENT_READER_END_OF_STREAM;
    default:
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

static void
leave_stream(void *context)
{
    struct stream_end *end = context;
    flow_leave(end->flow);
    flow_release(end->flow);
    free(end);
}

/* Starts the thread. False, and nothing is held, when that is not possible. */
static bool
start_stream(struct stream_work *work, struct stream_end *end)
{
    /* Who follows is told that it lags while the connection still stands: the system ends it after
     * the whole time. */
    int64_t stall = work->server->settings.send_timeout;
    if (work->kind == STREAM_FOLLOWS)
        stall /= 2;
    struct tally_error error;
    if (flow_create(stall, wake_wire, end, &work->flow, &error) != TALLY_OK)
        return false;
    end->flow = work->flow;
    pthread_attr_t attributes;
    pthread_t thread;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, produce_main, work) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (!started) {
        flow_release(end->flow);
        flow_release(end->flow);
    }
    return started;
}

/* Takes the answer's stream over. NULL, and the answer still has it, when memory is short. */
static struct stream_work *
take_work(struct request *request)
{
    struct answer *answer = &request->answer;
    struct stream_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return NULL;
    *work = (struct stream_work){
        .server = request->server,
        .produce = answer->produce,
        .context = answer->produce_context,
        .release = answer->produce_release,
        .kind = answer->produce_kind,
    };
    memcpy(work->id, request->id, sizeof work->id);
    answer->produce = NULL;
    return work;
}

/* The response of an answer that streams. */
static struct MHD_Response *
stream_response(struct request *request)
{
    struct stream_end *end = calloc(1, sizeof *end);
    struct stream_work *work = end == NULL ? NULL : take_work(request);
    if (work == NULL) {
        free(end);
        return NULL;
    }
    end->wire = request->wire;
    end->fd = request->connection->fd;
    if (!start_stream(work, end)) {
        work_free(work);
        free(end);
        return NULL;
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 64 * 1024, read_stream, end, leave_stream);
    if (response == NULL)
        leave_stream(end);
    else
        request->flow = end->flow;
    return response;
}

/* ---- any answer ---- */

/* Clients that take their answers slowly hold no more memory together than a share of what the
 * server may take: a search is answered with 503 then. Whoever recorded is told so in any case. */
static void
count_unsent(struct request *request)
{
    struct server *server = request->server;
    size_t size = request->answer.body.capacity;
    if (size < UNSENT_LEAST)
        return;
    size_t before = atomic_fetch_add(&server->unsent, size);
    if (before + size <= server->settings.memory_max / UNSENT_SHARE ||
        request->method == METHOD_POST) {
        request->unsent = size;
        return;
    }
    atomic_fetch_sub(&server->unsent, size);
    answer_problem(request, 503, "too many answers wait for their clients to take them; try again");
}

static void
wipe(void *body)
{
    explicit_bzero(body, malloc_usable_size(body));
    free(body);
}

static struct MHD_Response *
make_response(struct request *request)
{
    struct answer *answer = &request->answer;
    if (answer->produce != NULL && request->method != METHOD_HEAD)
        return stream_response(request);
    answer_abandon_stream(request);
    struct bytes body = { answer->body.data, answer->body.size };
    struct MHD_Response *response =
        answer->secret && body.size > 0
            ? MHD_create_response_from_buffer_with_free_callback(body.size, answer->body.data, wipe)
            : MHD_create_response_from_buffer(body.size, answer->body.data, MHD_RESPMEM_MUST_FREE);
    if (response != NULL)
        answer->body = (struct buffer){ 0 }; /* freed by the response */
    return response;
}

static void
add_headers(struct MHD_Response *response, const struct request *request)
{
    static const struct {
        const char *name, *value;
    } standard[] = {
        { "Cache-Control", "no-store" },
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
    };
    const struct answer *answer = &request->answer;
    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
        (void)MHD_add_response_header(response, standard[i].name, standard[i].value);
    if (answer->policy == NULL)
        (void)MHD_add_response_header(response, "Content-Security-Policy",
                                      "default-src 'none'; frame-ancestors 'none'");
    else
        (void)MHD_add_response_header(response, "Content-Security-Policy", answer->policy);
    if (request->server->settings.tls_certificate[0] != '\0' && !request->connection->local)
        (void)MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    if (request->id[0] != '\0')
        (void)MHD_add_response_header(response, "X-Request-Id", request->id);
    if (answer->type != NULL)
        (void)MHD_add_response_header(response, "Content-Type", answer->type);
    for (size_t i = 0; i < answer->header_count; i++)
        (void)MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (answer->close || atomic_load_explicit(&request->server->draining, memory_order_relaxed))
        (void)MHD_add_response_header(response, "Connection", "close");
}

/* Both under the connections' lock, while the connection has the response. */
static void
cut_answer(struct request *request)
{
    (void)shutdown(request->connection->fd, SHUT_RDWR);
}

static void
cut_stream(struct request *request)
{
    flow_cut(request->flow);
}

enum MHD_Result
respond(struct request *request)
{
    request_enter(request, CONNECTION_SENDING);
    count_unsent(request);
    struct MHD_Response *response = make_response(request);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, request);
    enum MHD_Result result = MHD_queue_response(request->wire, request->answer.status, response);
    MHD_destroy_response(response);
    if (result != MHD_YES)
        return result;
    if (request->flow != NULL)
        request_expect(request, CONNECTION_PATIENT, cut_stream);
    else if (request->unsent > 0)
        request_expect(request, SENDING_MAX, cut_answer);
    return result;
}
