/*
 * limits_test.c - every limit of the server, lowered and met.
 *
 * Whoever meets one is told so, in words that a program can act on (Retry-After) or by a close, and
 * nobody else notices; whatever counted against it is given back.
 */
#include "served.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

#define EVENT "{\"action\":\"limits\"}"

static struct served served;

static void
begin(const char *const *settings)
{
    served_begin(&served, settings);
}

#define BEGIN(...) begin((const char *const[]){ __VA_ARGS__, NULL })

static void
sleep_ms(long ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&pause, NULL);
}

static int64_t
now_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3))) static void
send_text(struct http *http, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)http_send(http, bytes_text(text));
}

/* A head of a POST whose body is to have this size, and nothing of the body. */
static void
send_post_head(struct http *http, size_t size)
{
    send_text(http,
              "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
              "Content-Length: %zu\r\n\r\n",
              served.key, size);
}

static unsigned
read_status(struct http *http)
{
    struct http_answer answer;
    return http_read(http, HTTP_BODY, 30000, &answer) == HTTP_OK ? answer.status : 0;
}

static void
assert_retry_after(const struct http_answer *answer)
{
    struct bytes value = http_header(answer, "Retry-After");
    assert_non_null(value.data);
    assert_in_range(value.size, 1, 5);
    assert_in_range(value.data[0], '1', '9');
}

/* One event, with blanks behind it to be `size` bytes. */
static void
pad(struct buffer *body, size_t size)
{
    buffer_text(body, EVENT);
    uint8_t *rest = buffer_reserve(body, size);
    assert_non_null(rest);
    memset(rest, ' ', size - body->size);
    body->size = size;
}

static unsigned
post(struct bytes body, const char *headers)
{
    struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .headers = headers,
        .body = body,
    };
    return served_ask(&served, &request, NULL);
}

/* ---- bodies ---- */

static void
a_body_may_be_so_large(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1");
    struct buffer body = { 0 };
    pad(&body, MIB);
    assert_int_equal(post(buffer_view(&body), NULL), 201);
    buffer_byte(&body, ' ');
    assert_int_equal(post(buffer_view(&body), NULL), 413);

    /* In chunks its size is not known before. */
    struct buffer chunked = { 0 };
    buffer_format(&chunked,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                  served.key, body.size);
    buffer_bytes(&chunked, buffer_view(&body));
    buffer_text(&chunked, "\r\n0\r\n\r\n");
    struct http *http = http_connect(served.port);
    (void)http_send(http, buffer_view(&chunked));
    assert_int_equal(read_status(http), 413);
    assert_true(http_is_closed(http, 5000));
    http_close(http);
    buffer_free(&chunked);
    buffer_free(&body);
    served_end(&served);
}

/* Bodies under way count three times their size: with what is made of them. */
static void
bodies_may_take_so_much_together(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1", "TALLY_SERVER_BODIES_MIB=3");
    struct buffer whole = { 0 };
    pad(&whole, MIB);
    for (unsigned round = 0; round < 5; round++) {
        struct http *slow[3];
        for (unsigned i = 0; i < 3; i++) {
            slow[i] = http_connect(served.port);
            send_post_head(slow[i], MIB);
            (void)http_send(slow[i], bytes_of(whole.data, 1000));
        }
        sleep_ms(100);
        struct http *http = http_connect(served.port);
        struct http_request request = {
            .method = "POST",
            .target = "/api/events",
            .key = served.key,
            .body = BYTES(EVENT),
        };
        struct http_answer answer;
        assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
        assert_int_equal(answer.status, 503);
        assert_retry_after(&answer);
        http_close(http);

        /* Reading needs no body and goes on. */
        assert_int_equal(
            served_ask(&served,
                       &(struct http_request){ .target = "/api/trails", .key = served.key }, NULL),
            200);
        for (unsigned i = 0; i < 3; i++)
            http_close(slow[i]);

        /* All of it is given back: the next body needs all there is. */
        int64_t deadline = now_ms() + 20000;
        unsigned status;
        while ((status = post(buffer_view(&whole), NULL)) == 503 && now_ms() < deadline)
            sleep_ms(50);
        assert_int_equal(status, 201);
        sleep_ms(50); /* its own share may be given back a moment after its answer */
    }
    buffer_free(&whole);
    served_end(&served);
}

/* What was refused, for whatever reason, leaves nothing behind in the account. */
static void
what_is_refused_counts_no_longer(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_BODY_MIB=1", "TALLY_SERVER_BODIES_MIB=3");
    static const struct {
        const char *headers;
        struct bytes body;
        unsigned status;
    } rows[] = {
        { NULL, BYTES("{"), 400 },
        { NULL, BYTES("{}"), 400 },
        { NULL, BYTES(""), 400 },
        { NULL, BYTES("[" EVENT "," EVENT "]"), 201 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"a\"}"), 201 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"a\"}"), 200 },
        { NULL, BYTES("{\"id\":\"one\",\"action\":\"b\"}"), 409 },
        { "Content-Encoding: gzip\r\n", BYTES(EVENT), 400 },
        { "Content-Encoding: zstd\r\n", BYTES(EVENT), 400 },
        { "Content-Encoding: br\r\n", BYTES(EVENT), 415 },
        { "Content-Type: text/plain\r\n", BYTES(EVENT), 415 },
    };
    for (unsigned round = 0; round < 50; round++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            unsigned status = post(rows[i].body, rows[i].headers);
            if (status != rows[i].status && !(rows[i].status == 201 && status == 200))
                fail_msg("row %zu: %u", i, status);
        }
    struct buffer whole = { 0 };
    pad(&whole, MIB);
    assert_int_equal(post(buffer_view(&whole), NULL), 201);
    buffer_free(&whole);
    served_end(&served);
}

/* ---- connections ---- */

static void
as_many_connections_as_are_set(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_CONNECTIONS=10");
    struct http *open[10];
    for (unsigned i = 0; i < 10; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(open[i]), 404);
    }
    struct http *http = http_connect(served.port);
    assert_true(http_is_closed(http, 5000));
    http_close(http);
    http_close(open[0]);
    sleep_ms(200);
    open[0] = http_connect(served.port);
    for (unsigned i = 0; i < 10; i++) {
        send_text(open[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(open[i]), 404);
        http_close(open[i]);
    }
    sleep_ms(200);
    served_end(&served);
}

static void
as_many_from_one_address(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_CONNECTIONS_PER_ADDRESS=3");
    struct http *open[3];
    for (unsigned i = 0; i < 3; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(open[i]), 404);
    }
    struct http *http = http_connect(served.port);
    assert_true(http_is_closed(http, 5000));
    http_close(http);
    for (unsigned i = 0; i < 3; i++)
        http_close(open[i]);
    sleep_ms(200);
    served_end(&served);
}

/* ---- times ---- */

/* Whether the server ends the connection after about this long, while a byte comes now and then. */
static void
assert_ended(struct http *http, int64_t begun, const char *byte, int64_t low_ms, int64_t high_ms)
{
    while (!http_is_closed(http, 100)) {
        if (byte != NULL)
            (void)http_send(http, bytes_text(byte));
        assert_in_range(now_ms() - begun, 0, high_ms);
    }
    assert_in_range(now_ms() - begun, low_ms, high_ms);
    http_close(http);
}

static void
a_request_takes_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_REQUEST_TIMEOUT_S=1");
    int64_t begun = now_ms();
    struct http *http = http_connect(served.port);
    send_text(http, "GET /api/trails HTTP/1.1\r\nX: ");
    assert_ended(http, begun, "y", 900, 4000);

    begun = now_ms();
    http = http_connect(served.port);
    send_post_head(http, 1000);
    assert_ended(http, begun, " ", 900, 4000);

    begun = now_ms();
    http = http_connect(served.port);
    send_text(http,
              "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
              "Transfer-Encoding: chunked\r\n\r\n",
              served.key);
    assert_ended(http, begun, "1\r\n \r\n", 900, 4000);
    assert_int_equal(post(bytes_text(EVENT), NULL), 201);
    served_end(&served);
}

static void
a_connection_is_idle_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=1");
    int64_t begun = now_ms();
    struct http *http = http_connect(served.port);
    assert_ended(http, begun, NULL, 900, 4000);

    /* A request that does not begin is none, however slowly. */
    begun = now_ms();
    http = http_connect(served.port);
    assert_ended(http, begun, "G", 900, 4000);

    http = http_connect(served.port);
    send_text(http, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(read_status(http), 404);
    begun = now_ms();
    assert_ended(http, begun, "\r\n", 900, 4000);
    served_end(&served);
}

/* Every entry is a segment of its own here, so writers wait for the sealer and the deadline passes.
 * Of what was refused for certain nothing is stored; of the rest each event once. */
#define WRITERS 40

static unsigned
post_numbered(struct http *http, unsigned number)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"id\":\"event-%u\",\"action\":\"a\"}", number);
    send_post_head(http, strlen(body));
    return http_send(http, bytes_text(body));
}

static void
a_commit_takes_so_long(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_COMMIT_TIMEOUT_MS=1", "TALLY_STORAGE_HEAD_ENTRIES=1");
    uint64_t before = served_size(&served);
    unsigned late = 0;
    for (unsigned round = 0; round < 5; round++) {
        struct http *open[WRITERS];
        unsigned first[WRITERS];
        for (unsigned i = 0; i < WRITERS; i++) {
            open[i] = http_connect(served.port);
            (void)post_numbered(open[i], round * WRITERS + i);
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            struct http_answer answer;
            assert_int_equal(http_read(open[i], HTTP_BODY, 30000, &answer), HTTP_OK);
            first[i] = answer.status;
            if (answer.status != 201) {
                assert_true(answer.status == 429 || answer.status == 503);
                assert_retry_after(&answer);
                late++;
            }
        }
        for (unsigned i = 0; i < WRITERS; i++) {
            unsigned status = 0;
            bool doubtful = first[i] == 503;
            for (unsigned again = 0; again < 1000 && status != 200 && status != 201; again++) {
                doubtful = doubtful || status == 503;
                http_close(open[i]); /* some refusals close */
                open[i] = http_connect(served.port);
                (void)post_numbered(open[i], round * WRITERS + i);
                status = read_status(open[i]);
            }
            assert_true(status == 200 || status == 201);
            if (!doubtful)
                assert_int_equal(status, first[i] == 201 ? 200 : 201);
            http_close(open[i]);
        }
    }
    assert_int_equal(served_size(&served) - before, 5 * WRITERS);
    if (late == 0)
        print_message("# no commit was late here\n");
    served_end(&served);
}

/* ---- reading ---- */

/* Entries enough for what reads them to take its time. */
static void
fill(unsigned batches)
{
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 5000; i++)
        buffer_format(&body,
                      "{\"action\":\"fill\",\"user_id\":\"user-%u\",\"message\":\"%0400u\"}\n",
                      i % 97, i * 7919);
    for (unsigned i = 0; i < batches; i++)
        assert_int_equal(post(buffer_view(&body), "Content-Type: application/x-ndjson\r\n"), 201);
    buffer_free(&body);
}

#define READERS 60

static void
as_many_wait_to_read(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_READS_WAITING=2", "TALLY_SERVER_READERS=1");
    fill(4);
    struct http *open[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i],
                  "GET /api/events?q=message:*%u*&limit=1000 HTTP/1.1\r\nHost: localhost\r\n"
                  "Authorization: Bearer %s\r\n\r\n",
                  i, served.key);
    }
    unsigned good = 0, refused = 0;
    for (unsigned i = 0; i < READERS; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(open[i], HTTP_BODY, 60000, &answer), HTTP_OK);
        good += answer.status == 200;
        if (answer.status == 503) {
            refused++;
            assert_retry_after(&answer);
        }
        http_close(open[i]);
    }
    assert_int_equal(good + refused, READERS);
    assert_in_range(good, 1, READERS - 1);
    served_end(&served);
}

/* A connection that takes little before it waits. */
static struct http *
connect_narrow(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(served.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return http_attach(fd);
}

static unsigned
export_status(struct http_answer *answer)
{
    struct http *http = http_connect(served.port);
    struct http_request request = { .target = "/api/export", .key = served.key };
    assert_int_equal(http_ask(http, &request, 60000, answer), HTTP_OK);
    if (answer->status == 429)
        assert_retry_after(answer);
    unsigned status = answer->status;
    http_close(http);
    return status;
}

static void
as_many_streams_and_as_slow(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_STREAMS=1", "TALLY_SERVER_SEND_TIMEOUT_S=1");
    fill(8);
    struct http_answer answer;
    assert_int_equal(export_status(&answer), 200);

    /* One that takes nothing keeps the others out until it is given up. */
    int64_t begun = now_ms();
    struct http *stalled = connect_narrow();
    send_text(stalled,
              "GET /api/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
              served.key);
    sleep_ms(300);
    assert_int_equal(export_status(&answer), 429);
    while (export_status(&answer) == 429)
        sleep_ms(50);
    assert_in_range(now_ms() - begun, 900, 10000);

    /* Its answer is cut, and not ended as if it were whole. */
    assert_int_equal(http_read(stalled, HTTP_BODY, 30000, &answer), HTTP_CUT);
    http_close(stalled);

    /* One that goes away is given up at once. */
    for (unsigned i = 0; i < 10; i++) {
        stalled = connect_narrow();
        send_text(stalled,
                  "GET /api/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                  served.key);
        sleep_ms(20);
        http_close(stalled);
    }
    begun = now_ms();
    while (export_status(&answer) == 429)
        sleep_ms(10);
    assert_in_range(now_ms() - begun, 0, 10000);
    served_end(&served);
}

/* ---- rates ---- */

static void
as_many_wrong_keys(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_FAILURES_PER_MINUTE=5");
    struct http_request wrong = { .target = "/api/trails", .key = "tally_nobody" };
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(served_ask(&served, &wrong, NULL), 401);
    struct http *http = http_connect(served.port);
    struct http_answer answer;
    assert_int_equal(http_ask(http, &wrong, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 429);
    assert_retry_after(&answer);
    assert_non_null(http_header(&answer, "RateLimit").data);
    assert_non_null(http_header(&answer, "RateLimit-Policy").data);
    http_close(http);

    /* Whoever has a good key is not to suffer from a neighbour behind the same address. */
    struct http_request good = { .target = "/api/trails", .key = served.key };
    assert_int_equal(served_ask(&served, &good, NULL), 200);
    assert_int_equal(served_ask(&served, &wrong, NULL), 429);
    served_end(&served);
}

static void
as_many_requests_of_a_key(void **state)
{
    (void)state;
    BEGIN("TALLY_ACCESS_REQUESTS_PER_MINUTE=5");
    struct http_request request = { .target = "/api/trails", .key = served.key };
    struct http *http = http_connect(served.port);
    struct http_answer answer;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
        assert_int_equal(answer.status, 200);
        assert_non_null(http_header(&answer, "RateLimit").data);
    }
    assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 429);
    assert_retry_after(&answer);
    assert_non_null(http_header(&answer, "RateLimit").data);
    assert_non_null(http_header(&answer, "RateLimit-Policy").data);
    http_close(http);
    served_end(&served);
}

/* ---- memory ---- */

static void
short_of_memory_no_body_is_taken(void **state)
{
    (void)state;
    BEGIN("TALLY_SERVER_MEMORY_MIB=1");
    sleep_ms(300);
    struct http *http = http_connect(served.port);
    struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .body = BYTES(EVENT),
    };
    struct http_answer answer;
    assert_int_equal(http_ask(http, &request, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 503);
    assert_retry_after(&answer);
    http_close(http);
    assert_int_equal(
        served_ask(&served, &(struct http_request){ .target = "/api/trails", .key = served.key },
                   NULL),
        200);
    served_end(&served);
}

/* What is made of an event counts, not what its text takes: of these many times as much. */
static void
small_events_count_for_what_they_take(void **state)
{
    (void)state;
    bool sanitized = getenv("TALLY_SANITIZED") != NULL;
    BEGIN(sanitized ? "TALLY_SERVER_MEMORY_MIB=16384" : "TALLY_SERVER_MEMORY_MIB=512");
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 65000; i++)
        buffer_text(&body, "{\"action\":\"a\"}\n");
    struct http *open[10];
    for (unsigned i = 0; i < 10; i++) {
        open[i] = http_connect(served.port);
        send_text(open[i],
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
                  served.key, body.size);
        (void)http_send(open[i], buffer_view(&body));
    }
    size_t most = 0;
    unsigned good = 0;
    for (unsigned i = 0; i < 10; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(open[i], HTTP_BODY, 60000, &answer), HTTP_OK);
        good += answer.status == 201;
        if (answer.status != 201) {
            assert_true(answer.status == 429 || answer.status == 503);
            assert_retry_after(&answer);
        }
        size_t now = served_memory(&served);
        most = now > most ? now : most;
        http_close(open[i]);
    }
    assert_in_range(good, 1, 9);
    print_message("# %u of 10 at once; %zu MiB at most\n", good, most / MIB);
    if (!sanitized)
        assert_in_range(most, 0, 350 * MIB);
    buffer_free(&body);
    served_end(&served);
}

#define IDLE_COUNT 10000

/* True where this process, and so its child, may have that many descriptors. */
static bool
raise_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < count)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Each has had an answer, so that it has all the memory that an idle connection ever has. */
static void
ten_thousand_are_idle(void **state)
{
    (void)state;
    if (!raise_descriptors(IDLE_COUNT + 1000)) {
        print_message("# fewer descriptors than %u are allowed: skipped\n", IDLE_COUNT + 1000);
        return;
    }
    bool sanitized = getenv("TALLY_SANITIZED") != NULL; /* which takes memory for itself */
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=600",
          sanitized ? "TALLY_SERVER_MEMORY_MIB=16384" : "TALLY_SERVER_MEMORY_MIB=512");
    struct http **idle = calloc(IDLE_COUNT, sizeof *idle);
    assert_non_null(idle);
    for (unsigned i = 0; i < IDLE_COUNT; i++) {
        idle[i] = http_connect(served.port);
        send_text(idle[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(idle[i]), 404);
    }
    int64_t begun = now_ms();
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(post(bytes_text(EVENT), NULL), 201);
    assert_in_range(now_ms() - begun, 0, 10000);
    size_t resident = served_memory(&served);
    print_message("# %zu MiB with %u idle connections\n", resident / MIB, IDLE_COUNT);
    if (!sanitized)
        assert_in_range(resident, 0, 512 * MIB);
    for (unsigned i = 0; i < IDLE_COUNT; i += 100) {
        send_text(idle[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(idle[i]), 404);
    }
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        http_close(idle[i]);
    free(idle);
    served_end(&served);
}

/* A stranger who only keeps connections open does not keep writers out for long. */
static void
idle_ones_make_room(void **state)
{
    (void)state;
    if (getenv("TALLY_SANITIZED") != NULL || !raise_descriptors(IDLE_COUNT + 1000)) {
        print_message("# a sanitizer, or few descriptors: skipped\n");
        return;
    }
    BEGIN("TALLY_SERVER_IDLE_TIMEOUT_S=600", "TALLY_SERVER_MEMORY_MIB=160");
    struct http **idle = calloc(IDLE_COUNT, sizeof *idle);
    assert_non_null(idle);
    for (unsigned i = 0; i < IDLE_COUNT; i++) {
        idle[i] = http_connect(served.port);
        send_text(idle[i], "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(read_status(idle[i]), 404);
    }
    int64_t deadline = now_ms() + 20000;
    unsigned status;
    while ((status = post(bytes_text(EVENT), NULL)) == 503 && now_ms() < deadline)
        sleep_ms(50);
    assert_int_equal(status, 201);
    for (unsigned i = 0; i < IDLE_COUNT; i++)
        http_close(idle[i]);
    free(idle);
    served_end(&served);
}

/* ---- the end ---- */

/* A stop while commits and streams are under way and bodies are half there: it ends, and well. */
static void
a_stop_in_the_middle(void **state)
{
    (void)state;
    BEGIN("TALLY_STORAGE_HEAD_ENTRIES=1");
    fill(1);
    for (unsigned round = 0; round < 5; round++) {
        struct http *open[WRITERS];
        unsigned number = round * WRITERS;
        for (unsigned i = 0; i < WRITERS; i++) {
            open[i] = http_connect(served.port);
            if (i % 4 == 3)
                send_post_head(open[i], 1000);
            else if (i % 4 == 2)
                send_text(open[i],
                          "GET /api/export HTTP/1.1\r\nHost: localhost\r\n"
                          "Authorization: Bearer %s\r\n\r\n",
                          served.key);
            else
                (void)post_numbered(open[i], number + i);
        }
        sleep_ms(round * 5);
        served_stop(&served);
        unsigned acknowledged = 0, possible = 0;
        for (unsigned i = 0; i < WRITERS; i++) {
            struct http_answer answer;
            if (i % 4 < 2) {
                acknowledged +=
                    http_read(open[i], HTTP_BODY, 5000, &answer) == HTTP_OK && answer.status == 201;
                possible++;
            }
            http_close(open[i]);
        }
        served_start(&served, NULL);
        struct http *http = http_connect(served.port);
        unsigned repeated = 0;
        for (unsigned i = 0; i < WRITERS; i++)
            if (i % 4 < 2) {
                (void)post_numbered(http, number + i);
                repeated += read_status(http) == 200;
            }
        http_close(http);
        assert_in_range(repeated, acknowledged, possible);
        served_stop(&served);
        served_start(&served, (const char *const[]){ "TALLY_STORAGE_HEAD_ENTRIES=1", NULL });
    }
    served_end(&served);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_may_be_so_large),
        cmocka_unit_test(bodies_may_take_so_much_together),
        cmocka_unit_test(what_is_refused_counts_no_longer),
        cmocka_unit_test(as_many_connections_as_are_set),
        cmocka_unit_test(as_many_from_one_address),
        cmocka_unit_test(a_request_takes_so_long),
        cmocka_unit_test(a_connection_is_idle_so_long),
        cmocka_unit_test(a_commit_takes_so_long),
        cmocka_unit_test(as_many_wait_to_read),
        cmocka_unit_test(as_many_streams_and_as_slow),
        cmocka_unit_test(as_many_wrong_keys),
        cmocka_unit_test(as_many_requests_of_a_key),
        cmocka_unit_test(short_of_memory_no_body_is_taken),
        cmocka_unit_test(small_events_count_for_what_they_take),
        cmocka_unit_test(ten_thousand_are_idle),
        cmocka_unit_test(idle_ones_make_room),
        cmocka_unit_test(a_stop_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
