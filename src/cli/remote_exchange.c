/*
 * A request and its answer. One curl handle is used for all of a command's requests, so that they
 * share a connection. What a success brings is handed on as it comes; what a refusal brings is
 * gathered, at most PROBLEM_MAX of it, and read as a problem document.
 */
#include "remote_parts.h"

#include "clock.h"
#include "fault.h"
#include "random.h"
#include "where.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

/* The most of a refusal that is looked at, and the longest wait that a server may ask for. */
#define PROBLEM_MAX      ((size_t)1 << 20)
#define WAIT_SECONDS_MAX 60

/* Waits from this on are said, or the command would seem to hang. */
#define WAIT_SAID_NS (2 * CLOCK_SECOND)

/* ---- one exchange ---- */

struct exchange {
    struct remote *remote;
    const struct remote_request *request;
    struct buffer *body; /* of a success that is gathered */
    size_t body_begin;
    struct buffer refusal;
    tally_status taken; /* what `take` gave last */
    bool begun;         /* something of a success was handed on: too late to begin anew */
    bool left;          /* the request has left, in this attempt or one before */
    struct tally_error *error;
};

static bool
is_success(long code)
{
    return code >= 200 && code < 300;
}

static tally_status
gather(struct exchange *exchange, struct bytes bytes)
{
    if (exchange->body->size - exchange->body_begin + bytes.size > REMOTE_BODY_MAX)
        return fault(exchange->error, TALLY_IO, "the answer is too long");
    buffer_bytes(exchange->body, bytes);
    return buffer_failed(exchange->body) ? memory_fault(exchange->error) : TALLY_OK;
}

/* libcurl's: takes all of `size` bytes, or ends the transfer. */
static size_t
receive(char *data, size_t one, size_t size, void *context)
{
    (void)one;
    struct exchange *exchange = context;
    struct bytes bytes = bytes_of(data, size);
    long code = 0;
    (void)curl_easy_getinfo(exchange->remote->wire.curl, CURLINFO_RESPONSE_CODE, &code);
    if (!is_success(code)) {
        if (exchange->refusal.size + size <= PROBLEM_MAX)
            buffer_bytes(&exchange->refusal, bytes);
        return size;
    }
    exchange->begun = true;
    exchange->taken =
        exchange->request->take == NULL
            ? gather(exchange, bytes)
            : exchange->request->take(exchange->request->context, bytes, exchange->error);
    return exchange->taken == TALLY_OK ? size : 0;
}

/* Reads why a request was refused. */
static tally_status
refuse(struct exchange *exchange, long code, struct refusal *refusal)
{
    CURL *curl = exchange->remote->wire.curl;
    const char *type = NULL;
    char *elsewhere = NULL;
    (void)curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    (void)curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &elsewhere);
    if (elsewhere != NULL) {
        (void)fault(exchange->error, TALLY_IO,
                    "the answer points to %s; redirects are not followed, give that URL",
                    elsewhere);
        refusal_of_error(exchange->error, refusal);
        refusal->code = (unsigned)code;
        return TALLY_IO;
    }
    tally_status status = refusal_read((unsigned)code, bytes_text(type == NULL ? "" : type),
                                       buffer_view(&exchange->refusal), refusal);
    return status == TALLY_OK ? refusal->error.status : memory_fault(&refusal->error);
}

static CURLcode
set_request(struct exchange *exchange, const char *url, const struct curl_slist *headers)
{
    static const char *const names[] = { "GET", "POST", "DELETE" };
    const struct remote_request *request = exchange->request;
    CURL *curl = exchange->remote->wire.curl;
    bool body = request->method == REMOTE_POST;
    const void *data = request->body.size > 0 ? (const void *)request->body.data : "";
    CURLcode codes[] = {
        curl_easy_setopt(curl, CURLOPT_URL, url),
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, names[request->method]),
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data),
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size),
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers),
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive),
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange),
        /* Last, because setting a body makes it a POST. */
        curl_easy_setopt(curl, body ? CURLOPT_POST : CURLOPT_HTTPGET, 1L),
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] != CURLE_OK)
            return codes[i];
    return CURLE_OK;
}

static CURLcode
transfer(struct exchange *exchange)
{
    const struct remote *remote = exchange->remote;
    const char *media = exchange->request->body_type;
    char type[128];
    (void)snprintf(type, sizeof type, "Content-Type: %s", media == NULL ? "" : media);
    struct curl_slist headers = { .data = type, .next = remote->wire.headers };
    struct buffer url = { 0 };
    buffer_text(&url, remote->wire.base);
    buffer_bytes(&url, exchange->request->target);
    buffer_byte(&url, '\0');
    CURLcode code = buffer_failed(&url) ? CURLE_OUT_OF_MEMORY
                                        : set_request(exchange, (const char *)url.data, &headers);
    if (code == CURLE_OK)
        code = curl_easy_perform(remote->wire.curl);
    buffer_free(&url);
    return code;
}

/* ---- and again ---- */

/* How long the server asks to be left alone; false where it does not. */
static bool
asked_to_wait(CURL *curl, int64_t *wait_out)
{
    struct curl_header *header;
    if (curl_easy_header(curl, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return false;
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds < 0)
        return false;
    if (seconds > WAIT_SECONDS_MAX)
        seconds = WAIT_SECONDS_MAX;
    *wait_out = (int64_t)seconds * CLOCK_SECOND;
    return true;
}

/* Whether a connection stood, perhaps, and broke. In a row of attempts one that cannot be made
 * counts as well: the server may be starting again. */
static bool
is_broken(CURLcode code, unsigned attempt)
{
    switch (code) {
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return true;
    case CURLE_COULDNT_CONNECT:
        return attempt > 0;
    default:
        return false;
    }
}

/* Whether it ended before anything was sent. */
static bool
is_unsent(CURLcode code)
{
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

/* Whether to send it again, and when. */
static bool
worth_repeating(const struct exchange *exchange, CURLcode code, tally_status status,
                unsigned attempt, int64_t *wait_out)
{
    enum remote_again again = exchange->request->again;
    if (attempt >= REMOTE_RETRIES_MAX || again == REMOTE_ONCE)
        return false;
    if (code == CURLE_OK)
        return status == TALLY_BUSY && asked_to_wait(exchange->remote->wire.curl, wait_out);
    *wait_out = (CLOCK_SECOND / 4) << attempt;
    bool lost = exchange->begun && exchange->request->take != NULL;
    return again == REMOTE_ALWAYS && !lost && is_broken(code, attempt);
}

/* Waits, up to a quarter longer. */
static void
wait_about(const struct remote *remote, int64_t wait)
{
    uint32_t random;
    random_bytes(&random, sizeof random);
    wait += CLOCK_SECOND / 50 + (int64_t)((double)wait / 4 * random / UINT32_MAX);
    if (wait >= WAIT_SAID_NS)
        say("%s is busy; trying again in %lld s", remote->where, (long long)(wait / CLOCK_SECOND));
    struct timespec rest = { .tv_sec = wait / CLOCK_SECOND, .tv_nsec = wait % CLOCK_SECOND };
    while (nanosleep(&rest, &rest) < 0)
        continue;
}

/* Whether where a body ends can be told from where its connection broke. What is handed on as it
 * comes has nothing else to show that it is whole. */
static bool
is_framed(CURL *curl)
{
    struct curl_header *header;
    long version = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0 || version == CURL_HTTP_VERSION_3 ||
           curl_easy_header(curl, "Content-Length", 0, CURLH_HEADER, -1, &header) == CURLHE_OK ||
           curl_easy_header(curl, "Transfer-Encoding", 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
}

/* Sends it once. */
static tally_status
attempt_once(struct exchange *exchange, CURLcode *code_out, struct refusal *refusal)
{
    struct tally_error error = { 0 };
    exchange->error = &error;
    exchange->taken = TALLY_OK;
    exchange->remote->wire.reason[0] = '\0';
    *code_out = transfer(exchange);
    exchange->left = exchange->left || !is_unsent(*code_out);
    if (exchange->taken != TALLY_OK) {
        refusal_of_error(&error, refusal);
        return exchange->taken;
    }
    if (*code_out != CURLE_OK) {
        tally_status status = wire_fault(&exchange->remote->wire, *code_out, &error);
        refusal_of_error(&error, refusal);
        return status;
    }
    long code = 0;
    (void)curl_easy_getinfo(exchange->remote->wire.curl, CURLINFO_RESPONSE_CODE, &code);
    if (!is_success(code))
        return refuse(exchange, code, refusal);
    if (exchange->request->take == NULL || is_framed(exchange->remote->wire.curl))
        return TALLY_OK;
    tally_status status = fault(&error, TALLY_IO, "the answer does not say where it ends");
    refusal_of_error(&error, refusal);
    return status;
}

tally_status
remote_ask(struct remote *remote, const struct remote_request *request, struct buffer *body_out,
           struct refusal *refusal_out)
{
    assert((request->take == NULL) == (body_out != NULL));

    struct exchange exchange = { .remote = remote, .request = request, .body = body_out };
    exchange.body_begin = body_out == NULL ? 0 : body_out->size;
    tally_status status;
    for (unsigned attempt = 0;; attempt++) {
        CURLcode code;
        int64_t wait = 0;
        status = attempt_once(&exchange, &code, refusal_out);
        if (status == TALLY_OK || !worth_repeating(&exchange, code, status, attempt, &wait))
            break;
        buffer_clear(&exchange.refusal);
        if (body_out != NULL)
            body_out->size = exchange.body_begin;
        wait_about(remote, wait);
    }
    buffer_free(&exchange.refusal);
    if (status != TALLY_OK)
        refusal_out->unsent = !exchange.left;
    return status;
}

tally_status
remote_get(struct remote *remote, const struct buffer *target, struct buffer *body_out,
           struct refusal *refusal_out)
{
    if (buffer_failed(target)) {
        struct tally_error error;
        tally_status status = memory_fault(&error);
        refusal_of_error(&error, refusal_out);
        return status;
    }
    struct remote_request request = { .target = buffer_view(target), .again = REMOTE_IF_BUSY };
    return remote_ask(remote, &request, body_out, refusal_out);
}
