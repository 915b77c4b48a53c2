/*
 * again_test.c - again=true: events that were stored long ago are found, and stored once.
 *
 * The server runs in a process of its own, with a trail that knows its newest five ids only: what was
 * sent before is out of its reach as soon as a few others are sealed.
 */
#include "answered.h"
#include "child.h"
#include "establish.h"
#include "server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define WINDOW     5u
#define HEAD_MAX   20u
#define TIMEOUT_MS 60000
#define GZIP       "Content-Encoding: gzip\r\n"

static char *scratch;
static char folder[256];
static struct new_key admin;
static pid_t server;
static uint16_t port;

/* ---- the server ---- */

/* server_options.ready */
static void
tell_port(void *context, const char *url)
{
    const int *pipe_end = context;
    uint16_t number = (uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10);
    (void)!write(*pipe_end, &number, sizeof number);
}

static _Noreturn void
serve(int pipe_end)
{
    struct server_options options = { .path = folder, .ready = tell_port, .context = &pipe_end };
    struct tally_error error = { 0 };
    settings_init(&options.settings);
    (void)snprintf(options.settings.listen, sizeof options.settings.listen, "127.0.0.1:0");
    options.settings.log_level = LOG_ERROR;
    options.settings.storage.id_window = WINDOW;
    options.settings.storage.head_entries_max = HEAD_MAX;
    tally_status status = server_run(&options, &error);
    if (status != TALLY_OK)
        (void)fprintf(stderr, "the server: %s\n", error.text);
    _exit(status == TALLY_OK ? 0 : 1);
}

static void
start(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        (void)close(ends[0]);
        serve(ends[1]);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    (void)close(ends[0]);
}

static void
stop(void)
{
    int status;
    assert_int_equal(kill(server, SIGTERM), 0);
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- asking ---- */

static struct reply
post(const char *query, const char *headers, struct bytes body)
{
    char target[128];
    (void)snprintf(target, sizeof target, "/api/events%s", query);
    return reply_of(port, &(struct http_request){ .method = "POST",
                                                  .target = target,
                                                  .key = admin.text,
                                                  .headers = headers,
                                                  .body = body });
}

/* One that must have this status. */
static json_t *
must_post(unsigned status, const char *query, const char *headers, const char *body)
{
    return reply_must(post(query, headers, bytes_text(body)), status, body);
}

/* A number of the i-th object of an array. */
static json_int_t
number_of(const json_t *object, const char *array, size_t i, const char *name)
{
    return number(item(object, array, i), name);
}

static size_t
count_of(const json_t *object, const char *array)
{
    return json_array_size(json_object_get(object, array));
}

/* Whether everything but a head is sealed by now: heads are sealed behind the answer's back. */
static bool
is_sealed(void)
{
    struct http_request request = { .target = "/metrics" };
    struct http *http = http_connect(port);
    struct http_answer answer;
    assert_int_equal(http_ask(http, &request, TIMEOUT_MS, &answer), HTTP_OK);
    static const char none_frozen[] = "tally_trail_heads_frozen{trail=\"main\"} 0";
    bool sealed =
        memmem(answer.body.data, answer.body.size, none_frozen, strlen(none_frozen)) != NULL;
    http_close(http);
    return sealed;
}

/* Records enough others for all that was recorded before to be forgotten. */
static void
move_on(void)
{
    static unsigned moves;
    struct buffer lines = { 0 };
    moves++;
    for (unsigned round = 0; round < 3; round++) {
        buffer_clear(&lines);
        for (unsigned i = 0; i < HEAD_MAX; i++)
            buffer_format(&lines, "{\"action\":\"later.on\",\"id\":\"later-%u-%u-%u\"}\n", moves,
                          round, i);
        struct reply reply = post("", NDJSON_TYPE, buffer_view(&lines));
        assert_int_equal(reply.status, 201);
        json_decref(reply.json);
    }
    buffer_free(&lines);
    const struct timespec pause = { .tv_nsec = 20000000 };
    for (unsigned tries = 0; !is_sealed(); tries++) {
        assert_true(tries < 3000);
        (void)nanosleep(&pause, NULL);
    }
}

/* Records these events, forgets them, and gives the first one's index. */
static json_int_t
record_long_ago(const char *lines)
{
    json_t *json = must_post(201, "", NDJSON_TYPE, lines);
    json_int_t first = number(json, "first");
    json_decref(json);
    move_on();
    return first;
}

static int
begin(void **state)
{
    (void)state;
    scratch = child_folder();
    (void)snprintf(folder, sizeof folder, "%s/data", scratch);
    const struct trail_config config = { 0 };
    struct tally_vkey vkey;
    struct tally_error error;
    if (establish(folder, &config, &admin, &vkey, &error) != TALLY_OK)
        return -1;
    start();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    stop();
    child_remove(scratch);
    return 0;
}

/* ---- tests ---- */

#define A(id) "{\"action\":\"a.b\",\"id\":\"" id "\",\"user_id\":\"ann\"}\n"
#define B(id) "{\"action\":\"another.one\",\"id\":\"" id "\"}\n"

static void
once_with_and_twice_without(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("o1") A("o2"));
    for (unsigned i = 0; i < 2; i++) {
        json_t *json = must_post(200, "?again=true&receipts=full", NDJSON_TYPE, A("o1") A("o2"));
        assert_int_equal(number(json, "count"), 0);
        assert_int_equal(number(json, "first"), first);
        assert_int_equal(number_of(json, "repeated", 1, "index"), first + 1);
        assert_int_equal(number_of(json, "receipts", 1, "index"), first + 1);
        json_decref(json);
    }
    json_t *json = must_post(201, "?again=false", NDJSON_TYPE, A("o1") A("o2"));
    assert_int_equal(number(json, "count"), 2);
    json_decref(json);
}

static void
one_event(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("s1"));
    json_t *json = must_post(200, "?again=true", JSON_TYPE, A("s1"));
    assert_int_equal(number_of(json, "receipts", 0, "index"), first);
    json_decref(json);
    json_decref(must_post(400, "?again=yes", JSON_TYPE, A("s1")));
    json_decref(must_post(400, "?again=true&again=true", JSON_TYPE, A("s1")));
    json_decref(must_post(400, "?again=true", JSON_TYPE, "{\"id\":\"s1\"}"));
    json = must_post(201, "?again=true", JSON_TYPE, "{\"action\":\"without.id\"}");
    assert_int_equal(number(json, "count"), 1);
    json_decref(json);
}

static void
conflicts(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("c1") A("c2"));
    json_t *json = must_post(409, "?again=true", NDJSON_TYPE, A("c3") B("c2"));
    assert_int_equal(number_of(json, "errors", 0, "position"), 1);
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "entry %lld ", (long long)first + 1);
    const char *detail = json_string_value(
        json_object_get(json_array_get(json_object_get(json, "errors"), 0), "detail"));
    assert_non_null(strstr(detail, wanted));
    json_decref(json);
    /* Nothing of it was stored. */
    json = must_post(201, "?again=true", NDJSON_TYPE, A("c3"));
    assert_int_equal(number(json, "count"), 1);
    json_decref(json);
}

static void
in_part(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("p1") A("p2"));
    json_t *json = must_post(201, "?again=true&partial=true", NDJSON_TYPE,
                             A("p2") "{\"id\":\"p9\"}\n" B("p1") A("p3") A("p3"));
    assert_int_equal(number(json, "count"), 1);
    assert_int_equal(count_of(json, "repeated"), 2);
    assert_int_equal(number_of(json, "repeated", 0, "position"), 0);
    assert_int_equal(number_of(json, "repeated", 0, "index"), first + 1);
    assert_int_equal(number_of(json, "repeated", 1, "position"), 4);
    assert_int_equal(number(json, "refused_count"), 2);
    assert_int_equal(number_of(json, "refused", 0, "position"), 1);
    assert_int_equal(number_of(json, "refused", 1, "position"), 2);
    json_decref(json);
    /* All of what is left is refused, and only then is it 409. */
    json_decref(must_post(409, "?again=true&partial=true", NDJSON_TYPE, B("p1") B("p2")));
    json_decref(must_post(200, "?again=true&partial=true", NDJSON_TYPE, A("p1") B("p2")));
}

static void
compressed(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("z1") A("z2") A("z3"));
    const char *plain = A("z1") A("z2") A("z3") A("z4");
    uint8_t room[512];
    z_stream stream = { .next_in = (uint8_t *)plain,
                        .avail_in = (unsigned)strlen(plain),
                        .next_out = room,
                        .avail_out = sizeof room };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&stream);
    struct reply reply =
        post("?again=true&partial=true", NDJSON_TYPE GZIP, bytes_of(room, stream.total_out));
    assert_int_equal(reply.status, 201);
    assert_int_equal(number(reply.json, "count"), 1);
    assert_int_equal(count_of(reply.json, "repeated"), 3);
    assert_int_equal(number_of(reply.json, "repeated", 2, "index"), first + 2);
    json_decref(reply.json);
}

static void
after_a_restart(void **state)
{
    (void)state;
    json_int_t first = record_long_ago(A("r1"));
    stop();
    start();
    json_t *json = must_post(200, "?again=true", NDJSON_TYPE, A("r1"));
    assert_int_equal(number_of(json, "repeated", 0, "index"), first);
    json_decref(json);
}

/* Nothing is kept of a look for the next request, which may be given the same batch. */
static void
the_next_request_is_another(void **state)
{
    (void)state;
    (void)record_long_ago(A("n1"));
    json_decref(must_post(200, "?again=true", NDJSON_TYPE, A("n1")));
    json_t *json = must_post(201, "", NDJSON_TYPE, A("n1"));
    assert_int_equal(number(json, "count"), 1);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_with_and_twice_without),
        cmocka_unit_test(one_event),
        cmocka_unit_test(conflicts),
        cmocka_unit_test(in_part),
        cmocka_unit_test(compressed),
        cmocka_unit_test(after_a_restart),
        cmocka_unit_test(the_next_request_is_another),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
