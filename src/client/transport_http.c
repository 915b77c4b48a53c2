/*
 * Events to a server: POST /api/events, over TCP, TLS or a unix socket.
 *
 * One connection is kept and used again. libcurl would send a request a second time by itself where
 * a connection that was kept broke before an answer came. It must not: the server may have stored
 * the events, so that the second time has to say `again`. Before a request goes out libcurl asks
 * (allow_request()), and is told no.
 *
 * Waiting is ended from outside by waking libcurl's poll (transport_wake()); the caller's `tick`
 * then says whether to go on.
 */
#include "clock.h"
#include "descriptors.h"
#include "fault.h"
#include "refusal.h"
#include "transport_answer.h"
#include "transport_parts.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest answer that is taken in, and the longest wait that a server may ask for. */
#define ANSWER_MAX       ((size_t)64 << 20)
#define WAIT_SECONDS_MAX 600

/* How long to leave libcurl alone at most. */
#define POLL_MS 1000

/* Connections at one time: one, and what is tried beside it while a name has several addresses. */
#define SOCKETS_MAX 8

struct http {
    struct transport transport;
    struct wire wire;
    CURLM *multi;
    struct curl_slist content; /* the last header of a request with events */
    int64_t (*tick)(void *context);
    void *context;
    char trail[64];
    atomic_int sockets[SOCKETS_MAX]; /* open ones, plus 1; 0: none */
    bool once;                       /* the request must not go out a second time */
    unsigned begun;                  /* … and went out so often */
    struct buffer target, body, reply;
    struct reply reader;
    uint32_t *places;
    bool *decided;
    size_t capacity; /* of both */
};

static struct http *
http_of(struct transport *transport)
{
    return (struct http *)transport;
}

/* ---- what libcurl calls ---- */

static size_t
receive(char *data, size_t one, size_t size, void *context)
{
    (void)one;
    struct http *http = context;
    if (http->reply.size + size > ANSWER_MAX)
        return 0;
    buffer_append(&http->reply, data, size);
    return buffer_failed(&http->reply) ? 0 : size;
}

/* When a connection stands and before a request goes out over it. */
static int
allow_request(void *context, char *peer_address, char *own_address, int peer_port, int own_port)
{
    (void)own_address, (void)peer_port, (void)own_port;
    struct http *http = context;
    if (!wire_peer_allowed(&http->wire, peer_address))
        return CURL_PREREQFUNC_ABORT;
    http->begun++;
    return http->once && http->begun > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http *http = context;
    int fd = descriptors_beyond_standard(
        socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol));
    for (size_t i = 0; fd >= 0 && i < SOCKETS_MAX; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&http->sockets[i], &none, fd + 1))
            break;
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int
close_socket(void *context, curl_socket_t fd)
{
    struct http *http = context;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        int noted = fd + 1;
        if (atomic_compare_exchange_strong(&http->sockets[i], &noted, 0))
            break;
    }
    return close(fd);
}

/* ---- one request ---- */

/* Where `until` is in libcurl's poll. */
static int
poll_ms(int64_t until, int64_t now)
{
    int64_t ms = (until - now) / (CLOCK_SECOND / 1000) + 1;
    return ms < POLL_MS ? (int)ms : POLL_MS;
}

/* Threads within libcurl hold it together; who forks, alone: in the child, no lock of libcurl or TLS
 * is taken by a thread that is not there. Waiting is outside. */
static pthread_rwlock_t inside;
static pthread_once_t inside_once = PTHREAD_ONCE_INIT;

static void
init_inside(void)
{
    pthread_rwlockattr_t attributes;
    (void)pthread_rwlockattr_init(&attributes);
    /* Who forks is not kept out by all the others. */
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&inside, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
}

void
transport_http_fork_prepare(void)
{
    (void)pthread_once(&inside_once, init_inside);
    (void)pthread_rwlock_wrlock(&inside);
}

void
transport_http_fork_parent(void)
{
    (void)pthread_rwlock_unlock(&inside);
}

void
transport_http_fork_child(void)
{
    init_inside();
}

static CURLMcode
perform(struct http *http, int *running_out)
{
    (void)pthread_rwlock_rdlock(&inside);
    CURLMcode code = curl_multi_perform(http->multi, running_out);
    (void)pthread_rwlock_unlock(&inside);
    return code;
}

/* Runs the transfer until it ends, or the wait does: CURLE_OPERATION_TIMEDOUT. */
static CURLcode
run(struct http *http, int64_t until)
{
    for (;;) {
        int running = 0, left = 0;
        if (perform(http, &running) != CURLM_OK)
            return CURLE_FAILED_INIT;
        CURLMsg *message = curl_multi_info_read(http->multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE)
            return message->data.result;
        int64_t next = http->tick == NULL ? until : http->tick(http->context);
        int64_t now = clock_monotonic();
        if (next == 0 || now >= until || running == 0)
            return CURLE_OPERATION_TIMEDOUT;
        (void)curl_multi_poll(http->multi, NULL, 0, poll_ms(next < until ? next : until, now),
                              NULL);
    }
}

static CURLcode
transfer(struct http *http, const char *url, int64_t until)
{
    CURL *curl = http->wire.curl;
    buffer_clear(&http->reply);
    http->wire.reason[0] = '\0';
    http->begun = 0;
    if (curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK ||
        curl_multi_add_handle(http->multi, curl) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = run(http, until);
    (void)curl_multi_remove_handle(http->multi, curl);
    return code;
}

/* Whether anything of a request left this process. */
static bool
was_sent(const struct http *http)
{
    long size = 0;
    (void)curl_easy_getinfo(http->wire.curl, CURLINFO_REQUEST_SIZE, &size);
    return http->begun > 0 || size > 0;
}

/* No answer came. */
static enum transport_outcome
fail(struct http *http, CURLcode code, struct tally_error *error)
{
    if (code == CURLE_ABORTED_BY_CALLBACK && http->begun > 0)
        (void)fault(error, TALLY_IO, "the connection broke before an answer came");
    else
        (void)wire_fault(&http->wire, code, error);
    return was_sent(http) ? TRANSPORT_UNKNOWN : TRANSPORT_LATER;
}

static void
describe(const struct http *http, struct transport_reply *reply_out)
{
    long code = 0;
    const char *type = NULL;
    (void)curl_easy_getinfo(http->wire.curl, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(http->wire.curl, CURLINFO_CONTENT_TYPE, &type);
    *reply_out = (struct transport_reply){
        .code = (unsigned)code,
        .type = bytes_text(type == NULL ? "" : type),
        .body = buffer_view(&http->reply),
    };
}

static uint32_t
asked_to_wait(const struct http *http)
{
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(http->wire.curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK ||
        seconds <= 0)
        return 0;
    return (uint32_t)(seconds < WAIT_SECONDS_MAX ? seconds : WAIT_SECONDS_MAX) * 1000;
}

/* ---- sending events ---- */

static tally_status
write_target(struct http *http, bool again, bool receipts, struct tally_error *error)
{
    struct buffer *target = &http->target;
    buffer_clear(target);
    buffer_format(target, "%s/api/events?trail=%s&partial=true", http->wire.base, http->trail);
    if (again)
        buffer_text(target, "&again=true");
    if (receipts)
        buffer_text(target, "&receipts=full");
    buffer_byte(target, '\0');
    return buffer_failed(target) ? memory_fault(error) : TALLY_OK;
}

static tally_status
write_body(struct http *http, const struct bytes *events, size_t count, struct tally_error *error)
{
    buffer_clear(&http->body);
    for (size_t i = 0; i < count; i++) {
        buffer_bytes(&http->body, events[http->places[i]]);
        buffer_byte(&http->body, '\n');
    }
    return buffer_failed(&http->body) ? memory_fault(error) : TALLY_OK;
}

static CURLcode
post(struct http *http, int64_t until)
{
    CURL *curl = http->wire.curl;
    http->content.next = http->wire.headers;
    CURLcode codes[] = {
        curl_easy_setopt(curl, CURLOPT_POST, 1L),
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)http->body.data),
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http->body.size),
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &http->content),
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] != CURLE_OK)
            return codes[i];
    return transfer(http, (const char *)http->target.data, until);
}

/* Sends the first `count` of `places` and reads what became of them. */
static enum transport_outcome
exchange(struct http *http, const struct bytes *events, size_t count, int64_t until,
         struct transport_answer *answer)
{
    if (write_body(http, events, count, &answer->error) != TALLY_OK)
        return TRANSPORT_LATER;
    CURLcode code = post(http, until);
    if (code != CURLE_OK)
        return fail(http, code, &answer->error);
    struct transport_reply reply;
    describe(http, &reply);
    struct transport_request request = {
        .places = http->places,
        .count = count,
        .decided = http->decided,
    };
    answer->wait_ms = asked_to_wait(http);
    return transport_answer_read(&http->reader, &reply, &request, answer);
}

static tally_status
make_room(struct http *http, size_t count, struct tally_error *error)
{
    if (count > http->capacity) {
        uint32_t *places = realloc(http->places, count * sizeof *places);
        if (places != NULL)
            http->places = places;
        bool *decided = realloc(http->decided, count * sizeof *decided);
        if (decided != NULL)
            http->decided = decided;
        if (places == NULL || decided == NULL)
            return memory_fault(error);
        http->capacity = count;
    }
    for (size_t i = 0; i < count; i++) {
        http->places[i] = (uint32_t)i;
        http->decided[i] = false;
    }
    return TALLY_OK;
}

/* Keeps of `places` what is not decided yet; how many. */
static size_t
keep_open(struct http *http, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!http->decided[http->places[i]])
            http->places[kept++] = http->places[i];
    return kept;
}

static enum transport_outcome
http_send(struct transport *transport, const struct bytes *events, size_t count, bool again,
          int64_t until, struct transport_answer *answer)
{
    struct http *http = http_of(transport);
    http->once = !again;
    if (make_room(http, count, &answer->error) != TALLY_OK ||
        write_target(http, again, answer->receipts != NULL && count > 1, &answer->error) !=
            TALLY_OK)
        return TRANSPORT_LATER;
    size_t left = count;
    do {
        enum transport_outcome outcome = exchange(http, events, left, until, answer);
        /* Some of them may be stored by an answer before this one. */
        if (outcome != TRANSPORT_STORED)
            return left < count && outcome == TRANSPORT_LATER ? TRANSPORT_UNKNOWN : outcome;
        left = keep_open(http, left);
    } while (left > 0);
    return TRANSPORT_STORED;
}

/* ---- asking ---- */

static tally_status
read_text(struct http *http, struct buffer *answer_out, struct tally_error *error)
{
    struct transport_reply reply;
    describe(http, &reply);
    if (reply.code >= 200 && reply.code < 300) {
        buffer_bytes(answer_out, reply.body);
        return buffer_failed(answer_out) ? memory_fault(error) : TALLY_OK;
    }
    struct refusal refusal;
    if (refusal_read(reply.code, reply.type, reply.body, &refusal) != TALLY_OK)
        return memory_fault(error);
    if (error != NULL)
        *error = refusal.error;
    return refusal.error.status;
}

/* Whether a target is one that takes `trail` (docs/api.md) and does not say it itself. */
static bool
lacks_trail(const char *target)
{
    static const char *const takers[] = { "/api/events", "/api/stats", "/api/export", "/api/tail",
                                          "/api/verify", "/api/logs",  "/audit-logs" };
    size_t size = strcspn(target, "?");
    const char *query = target + size;
    for (const char *at = query; *at != '\0'; at += 1 + strcspn(at + 1, "&"))
        if (strncmp(at + 1, "trail=", 6) == 0)
            return false;
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++) {
        size_t taker = strlen(takers[i]);
        if (size >= taker && memcmp(target, takers[i], taker) == 0 &&
            (size == taker || target[taker] == '/'))
            return true;
    }
    return false;
}

static tally_status
http_get(struct transport *transport, const char *target, int64_t until, struct buffer *answer_out,
         struct tally_error *error)
{
    struct http *http = http_of(transport);
    CURL *curl = http->wire.curl;
    buffer_clear(&http->target);
    buffer_format(&http->target, "%s%s", http->wire.base, target);
    if (lacks_trail(target))
        buffer_format(&http->target, "%ctrail=%s", strchr(target, '?') == NULL ? '?' : '&',
                      http->trail);
    buffer_byte(&http->target, '\0');
    http->once = false;
    if (buffer_failed(&http->target) || curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->wire.headers) != CURLE_OK)
        return memory_fault(error);
    CURLcode code = transfer(http, (const char *)http->target.data, until);
    if (code == CURLE_OK)
        return read_text(http, answer_out, error);
    struct tally_error own = { 0 };
    (void)fail(http, code, &own);
    if (error != NULL)
        *error = own;
    return own.status;
}

/* ---- beginning and end ---- */

static void
http_wake(struct transport *transport)
{
    (void)curl_multi_wakeup(http_of(transport)->multi);
}

static void
http_rest(struct transport *transport)
{
    (void)transport;
}

static void
http_abandon(struct transport *transport)
{
    struct http *http = http_of(transport);
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        int noted = atomic_exchange(&http->sockets[i], 0);
        if (noted != 0)
            (void)close(noted - 1);
    }
}

static void
http_destroy(struct transport *transport)
{
    struct http *http = http_of(transport);
    /* The multi handle last: it holds the connections. */
    wire_close(&http->wire);
    (void)curl_multi_cleanup(http->multi);
    reply_finish(&http->reader);
    buffer_free(&http->target);
    buffer_free(&http->body);
    buffer_free(&http->reply);
    free(http->places);
    free(http->decided);
    free(http);
}

static const struct transport_kind http_kind = {
    .destroy = http_destroy,
    .abandon = http_abandon,
    .send = http_send,
    .wake = http_wake,
    .get = http_get,
    .rest = http_rest,
};

static tally_status
set_callbacks(struct http *http, struct tally_error *error)
{
    CURL *curl = http->wire.curl;
    CURLcode codes[] = {
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive),
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, http),
        curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, allow_request),
        curl_easy_setopt(curl, CURLOPT_PREREQDATA, http),
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket),
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, http),
        curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket),
        curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, http),
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] != CURLE_OK)
            return fault(error, TALLY_IO, "libcurl lacks what is needed");
    return TALLY_OK;
}

tally_status
transport_http_create(const struct transport_options *options, struct transport **transport_out,
                      struct tally_error *error)
{
    static const struct wire_words words = {
        "`key`",
        "ca_file",
        "insecure_http",
        "libtally/" TALLY_VERSION,
    };
    const struct wire_options wire_options = {
        .words = &words,
        .where = options->where,
        .key = options->key,
        .ca_file = options->ca_file,
        .insecure_http = options->insecure_http,
    };
    /* A spool outlives the folder that its process was in. */
    const char *path = wire_socket(options->where);
    if (path != NULL && path[0] != '/')
        return fault(error, TALLY_INVALID, "%s: a socket's path begins with /", options->where);
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return memory_fault(error);
    tally_status status = wire_open(&wire_options, &http->wire, error);
    if (status != TALLY_OK) {
        free(http);
        return status;
    }
    (void)pthread_once(&inside_once, init_inside);
    http->transport.kind = &http_kind;
    http->tick = options->tick;
    http->context = options->context;
    http->content.data = (char *)"Content-Type: application/x-ndjson";
    (void)snprintf(http->trail, sizeof http->trail, "%s", options->trail);
    http->multi = curl_multi_init();
    status = http->multi == NULL ? memory_fault(error) : set_callbacks(http, error);
    if (status != TALLY_OK) {
        http_destroy(&http->transport);
        return status;
    }
    *transport_out = &http->transport;
    return TALLY_OK;
}
