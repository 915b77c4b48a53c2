/*
 * record_test.c - events over HTTP: what is taken, what is refused and how, and that what a receipt
 * says is so.
 */
#include "base64.h"
#include "stage.h"
#include "tally/hash.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define JSON_TYPE   "Content-Type: application/json\r\n"
#define NDJSON_TYPE "Content-Type: application/x-ndjson\r\n"

static struct stage stage;
static char order[256]; /* BROKEN_DISK */

/* Starts the server, on a disk that breaks on demand. */
static void
start(const char *head_entries)
{
    static char preload[512], broken[300];
    (void)snprintf(preload, sizeof preload, "LD_PRELOAD=%s", getenv("BROKEN_DISK_LIBRARY"));
    (void)snprintf(broken, sizeof broken, "BROKEN_DISK=%s", order);
    stage_start(&stage,
                (const char *const[]){ preload, broken, "ASAN_OPTIONS=verify_asan_link_order=0",
                                       head_entries, NULL });
}

static int
begin(void **state)
{
    (void)state;
    stage_make(&stage);
    (void)snprintf(order, sizeof order, "%s/disk", stage.scratch);
    start("TALLY_STORAGE_HEAD_ENTRIES=200000");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    stage_remove(&stage);
    return 0;
}

/* ---- asking ---- */

/* An answer's status, and its body as JSON. */
struct reply {
    unsigned status;
    json_t *json;
};

static struct reply
ask(const struct http_request *request)
{
    struct talk exchange;
    talk_begin(&stage, request, &exchange);
    struct bytes body = exchange.answer.body;
    struct reply reply = { exchange.answer.status,
                           json_loadb((const char *)body.data, body.size, 0, NULL) };
    if (reply.json == NULL)
        fail_msg("%s: no JSON: %.*s", request->target, BYTES_ARG(body));
    talk_end(&exchange);
    return reply;
}

static struct reply
post(const char *query, const char *headers, struct bytes body)
{
    char target[256];
    (void)snprintf(target, sizeof target, "/api/events%s", query);
    return ask(&(struct http_request){
        .method = "POST", .target = target, .key = stage.admin, .headers = headers, .body = body });
}

/* One that must have this status. */
static json_t *
must_post(unsigned status, const char *query, const char *headers, const char *body)
{
    struct reply reply = post(query, headers, bytes_text(body));
    if (reply.status != status)
        fail_msg("%s %.200s: status %u, not %u: %s", query, body, reply.status, status,
                 json_dumps(reply.json, 0));
    return reply.json;
}

static void
refused(unsigned status, const char *query, const char *headers, const char *body)
{
    json_decref(must_post(status, query, headers, body));
}

static json_int_t
number(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        fail_msg("%s is no number", name);
    return json_integer_value(value);
}

static const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "(none)" : value;
}

static json_t *
item(const json_t *object, const char *name, size_t i)
{
    json_t *array = json_object_get(object, name);
    if (json_array_size(array) <= i)
        fail_msg("%s has no item %zu", name, i);
    return json_array_get(array, i);
}

static json_int_t
trail_size_now(void)
{
    struct reply reply =
        ask(&(struct http_request){ .target = "/api/trails/main", .key = stage.admin });
    assert_int_equal(reply.status, 200);
    json_int_t size = number(reply.json, "size");
    json_decref(reply.json);
    return size;
}

/* ---- receipts ---- */

static void
leaf_of(const char *public_part, char leaf_out[2 * TALLY_HASH_SIZE + 1])
{
    struct tally_hash leaf;
    tally_hash_leaf((const uint8_t *)public_part, strlen(public_part), &leaf);
    hex_encode(leaf.bytes, TALLY_HASH_SIZE, leaf_out);
    leaf_out[2 * TALLY_HASH_SIZE] = '\0';
}

/* What the trail has at the receipt's index has the receipt's leaf, and this member. */
static void
check_receipt(const json_t *receipt, const char *member)
{
    char target[128];
    (void)snprintf(target, sizeof target, "/api/events/%" JSON_INTEGER_FORMAT "?form=evidence",
                   number(receipt, "index"));
    struct reply reply = ask(&(struct http_request){ .target = target, .key = stage.admin });
    assert_int_equal(reply.status, 200);
    const char *public_part = text(reply.json, "public");
    char leaf[2 * TALLY_HASH_SIZE + 1];
    leaf_of(public_part, leaf);
    assert_string_equal(text(receipt, "leaf"), leaf);
    if (strstr(public_part, member) == NULL)
        fail_msg("%s is not in %s", member, public_part);
    json_decref(reply.json);
}

/* ---- what is taken ---- */

static void
an_object(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    json_t *reply = must_post(201, "", JSON_TYPE, " {\"action\":\"one.object\",\"id\":\"o-1\"} ");
    assert_string_equal(text(reply, "trail"), "main");
    assert_int_equal(number(reply, "first"), size);
    assert_int_equal(number(reply, "count"), 1);
    assert_int_equal(number(reply, "size"), size + 1);
    assert_int_equal(json_array_size(json_object_get(reply, "repeated")), 0);
    assert_int_equal(json_array_size(json_object_get(reply, "receipts")), 1);
    assert_true(json_is_false(json_object_get(item(reply, "receipts", 0), "repeated")));
    assert_null(json_object_get(reply, "refused"));
    check_receipt(item(reply, "receipts", 0), "\"one.object\"");
    json_decref(reply);
    /* Without a type it is JSON. */
    json_decref(must_post(201, "", NULL, "{\"action\":\"one.object\"}"));
}

static void
arrays_and_lines(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } rows[] = {
        { JSON_TYPE, "[{\"action\":\"n.0\"},\n {\"action\":\"n.1\"},{\"action\":\"n.2\"}]" },
        { NDJSON_TYPE, "{\"action\":\"n.0\"}\n\n{\"action\":\"n.1\"}\r\n{\"action\":\"n.2\"}" },
        { "content-type: Application/JSON; charset=UTF-8\r\n",
          "[{\"action\":\"n.0\"},{\"action\":\"n.1\"},{\"action\":\"n.2\"}]" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_int_t size = trail_size_now();
        json_t *reply = must_post(201, "", rows[i].type, rows[i].body);
        assert_int_equal(number(reply, "first"), size);
        assert_int_equal(number(reply, "count"), 3);
        assert_int_equal(number(reply, "size"), size + 3);
        assert_null(json_object_get(reply, "receipts"));
        json_decref(reply);

        reply = must_post(201, "?receipts=full", rows[i].type, rows[i].body);
        assert_int_equal(json_array_size(json_object_get(reply, "receipts")), 3);
        for (unsigned k = 0; k < 3; k++) {
            char member[16];
            (void)snprintf(member, sizeof member, "\"n.%u\"", k);
            assert_int_equal(number(item(reply, "receipts", k), "index"), size + 3 + k);
            check_receipt(item(reply, "receipts", k), member);
        }
        json_decref(reply);
    }
}

static struct bytes
gzipped(const char *plain, uint8_t *out, size_t size)
{
    z_stream stream = { .next_in = (uint8_t *)plain,
                        .avail_in = (unsigned)strlen(plain),
                        .next_out = out,
                        .avail_out = (unsigned)size };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&stream);
    return bytes_of(out, stream.total_out);
}

static void
coded(void **state)
{
    (void)state;
    const char *plain = "[{\"action\":\"c.0\"},{\"action\":\"c.1\"}]";
    uint8_t room[512];
    struct bytes body = gzipped(plain, room, sizeof room);
    struct reply reply = post("?receipts=full", JSON_TYPE "Content-Encoding: gzip\r\n", body);
    assert_int_equal(reply.status, 201);
    check_receipt(item(reply.json, "receipts", 1), "\"c.1\"");
    json_decref(reply.json);

    size_t size = ZSTD_compress(room, sizeof room, plain, strlen(plain), 1);
    assert_false(ZSTD_isError(size));
    reply = post("?receipts=full", JSON_TYPE "Content-Encoding: zstd\r\n", bytes_of(room, size));
    assert_int_equal(reply.status, 201);
    check_receipt(item(reply.json, "receipts", 1), "\"c.1\"");
    json_decref(reply.json);

    /* Cut short, it is none. */
    reply = post("", JSON_TYPE "Content-Encoding: zstd\r\n", bytes_of(room, size - 1));
    assert_int_equal(reply.status, 400);
    json_decref(reply.json);
    refused(400, "", JSON_TYPE "Content-Encoding: gzip\r\n", plain);
}

/* ---- what is not ---- */

static void
wrong_requests(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    const char *good = "{\"action\":\"a.b\"}";
    refused(415, "", "Content-Type: text/plain\r\n", good);
    refused(415, "", "Content-Type: application/x-www-form-urlencoded\r\n", good);
    refused(415, "", "Content-Type: application/json; charset=latin1\r\n", good);
    refused(415, "", JSON_TYPE "Content-Encoding: br\r\n", good);
    refused(415, "", JSON_TYPE "Content-Encoding: gzip, gzip\r\n", good);
    refused(400, "?receipts=some", JSON_TYPE, good);
    refused(400, "?partial=yes", JSON_TYPE, good);
    refused(400, "?trail=main&trail=main", JSON_TYPE, good);
    refused(400, "?limit=1", JSON_TYPE, good);
    refused(404, "?trail=none", JSON_TYPE, good);
    refused(404, "?trail=", JSON_TYPE, good);
    refused(400, "", JSON_TYPE, "");
    refused(400, "", JSON_TYPE, " \n");
    refused(400, "", JSON_TYPE, "[]");
    refused(400, "", JSON_TYPE, "{}");
    refused(400, "", JSON_TYPE, "7");
    refused(400, "", JSON_TYPE, "[{\"action\":\"a.b\"}");
    refused(400, "", JSON_TYPE, "[{\"action\":\"a.b\"}]x");
    refused(400, "", JSON_TYPE, "{\"action\":\"a.b\"} {\"action\":\"a.b\"}");
    refused(400, "", JSON_TYPE, "{\"action\":\"a.b\",\"writer\":\"me\"}");
    refused(400, "", JSON_TYPE, "{\"action\":\"a.b\",\"index\":7}");
    refused(400, "", NDJSON_TYPE, "[{\"action\":\"a.b\"}]");
    assert_int_equal(trail_size_now(), size);
}

/* The library takes this for no chunks, and whatever comes for the body; others take it for chunks. */
static void
a_coding_that_not_all_understand(void **state)
{
    (void)state;
    struct http *http = http_connect(child_port(stage.child));
    struct buffer request = { 0 };
    buffer_format(&request,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
                  stage.admin);
    assert_true(http_send(http, buffer_view(&request)));
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 400);
    assert_true(answer.closing);
    buffer_free(&request);
    http_close(http);
}

/* All or nothing: what is wrong with each, and nothing stored. */
static void
refused_as_a_whole(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    json_t *reply = must_post(400, "", JSON_TYPE,
                              "[{\"action\":\"a.b\"},\n"
                              "{\"action\":\"a.b\",\"status\":\"wrong\"},\n"
                              "{\"action\":7},{\"action\":\"a.b\"}]");
    assert_int_equal(json_array_size(json_object_get(reply, "errors")), 2);
    json_t *first = item(reply, "errors", 0), *second = item(reply, "errors", 1);
    assert_int_equal(number(first, "position"), 1);
    assert_int_equal(number(first, "line"), 2);
    assert_string_equal(text(first, "pointer"), "/1/status");
    assert_int_equal(number(second, "position"), 2);
    assert_int_equal(number(second, "line"), 3);
    assert_string_equal(text(second, "pointer"), "/2/action");
    json_decref(reply);

    reply = must_post(400, "", NDJSON_TYPE,
                      "{\"action\":\"a.b\"}\n{\"action\":\"a.b\",\"status\":\"wrong\"}\n{\"act\n");
    first = item(reply, "errors", 0);
    assert_int_equal(number(first, "position"), 1);
    assert_int_equal(number(first, "line"), 2);
    assert_string_equal(text(first, "pointer"), "/status");
    assert_int_equal(number(item(reply, "errors", 1), "line"), 3);
    json_decref(reply);

    /* Of many, a hundred are told. */
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 150; i++)
        buffer_text(&body, "{\"action\":7}\n");
    struct reply many = post("", NDJSON_TYPE, buffer_view(&body));
    assert_int_equal(many.status, 400);
    assert_int_equal(json_array_size(json_object_get(many.json, "errors")), 100);
    assert_int_equal(number(item(many.json, "errors", 99), "line"), 100);
    json_decref(many.json);
    buffer_free(&body);
    assert_int_equal(trail_size_now(), size);
}

static void
the_good_ones_alone(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    json_t *reply = must_post(201, "?partial=true&receipts=full", NDJSON_TYPE,
                              "{\"action\":7}\n{\"action\":\"p.1\"}\n"
                              "{\"action\":\"a.b\",\"status\":\"wrong\"}\n{\"action\":\"p.3\"}\n");
    assert_int_equal(number(reply, "first"), size);
    assert_int_equal(number(reply, "count"), 2);
    assert_int_equal(number(reply, "refused_count"), 2);
    assert_int_equal(number(item(reply, "refused", 0), "position"), 0);
    assert_int_equal(number(item(reply, "refused", 1), "position"), 2);
    assert_int_equal(number(item(reply, "refused", 1), "line"), 3);
    assert_string_equal(text(item(reply, "refused", 1), "pointer"), "/status");
    assert_int_equal(json_array_size(json_object_get(reply, "receipts")), 2);
    check_receipt(item(reply, "receipts", 0), "\"p.1\"");
    check_receipt(item(reply, "receipts", 1), "\"p.3\"");
    json_decref(reply);

    reply = must_post(201, "?partial=true", JSON_TYPE, "{\"action\":\"p.0\"}");
    assert_int_equal(number(reply, "refused_count"), 0);
    assert_int_equal(json_array_size(json_object_get(reply, "refused")), 0);
    json_decref(reply);

    struct buffer body = { 0 };
    for (unsigned i = 0; i < 150; i++)
        buffer_text(&body, "{\"action\":7}\n");
    buffer_text(&body, "{\"action\":\"p.150\"}\n");
    struct reply many = post("?partial=true", NDJSON_TYPE, buffer_view(&body));
    assert_int_equal(many.status, 201);
    assert_int_equal(number(many.json, "refused_count"), 150);
    assert_int_equal(json_array_size(json_object_get(many.json, "refused")), 100);
    json_decref(many.json);
    buffer_free(&body);

    size = trail_size_now();
    refused(400, "?partial=true", JSON_TYPE, "[{\"action\":7},{\"action\":8}]");
    /* Where the structure is broken, nobody knows what was meant. */
    refused(400, "?partial=true", JSON_TYPE, "[{\"action\":\"a.b\"} {\"action\":\"a.b\"}]");
    assert_int_equal(trail_size_now(), size);
}

/* ---- ids ---- */

static void
repeats(void **state)
{
    (void)state;
    const char *one = "{\"action\":\"a.b\",\"id\":\"r-1\",\"user_id\":\"u\"}";
    json_t *first = must_post(201, "", JSON_TYPE, one);
    json_int_t size = number(first, "size");
    json_t *again = must_post(200, "", JSON_TYPE, one);
    assert_int_equal(number(again, "first"), number(first, "first"));
    assert_int_equal(number(again, "count"), 0);
    assert_int_equal(number(again, "size"), size);
    json_t *receipt = item(again, "receipts", 0);
    assert_true(json_is_true(json_object_get(receipt, "repeated")));
    assert_string_equal(text(receipt, "leaf"), text(item(first, "receipts", 0), "leaf"));
    assert_int_equal(number(item(again, "repeated", 0), "position"), 0);
    assert_int_equal(number(item(again, "repeated", 0), "index"), number(first, "first"));
    json_decref(again);

    again = must_post(201, "?receipts=full", NDJSON_TYPE,
                      "{\"action\":\"a.b\",\"id\":\"r-2\"}\n"
                      "{\"user_id\":\"u\",\"id\":\"r-1\",\"action\":\"a.b\"}\n"
                      "{\"action\":\"a.b\",\"id\":\"r-2\"}\n");
    assert_int_equal(number(again, "first"), size);
    assert_int_equal(number(again, "count"), 1);
    assert_int_equal(json_array_size(json_object_get(again, "repeated")), 2);
    assert_int_equal(number(item(again, "repeated", 0), "position"), 1);
    assert_int_equal(number(item(again, "repeated", 0), "index"), number(first, "first"));
    assert_int_equal(number(item(again, "repeated", 1), "position"), 2);
    assert_int_equal(number(item(again, "repeated", 1), "index"), size);
    check_receipt(item(again, "receipts", 1), "\"r-1\"");
    json_decref(again);
    json_decref(first);
}

static void
conflicts(void **state)
{
    (void)state;
    json_t *stored = must_post(201, "", JSON_TYPE, "{\"action\":\"a.b\",\"id\":\"c-1\"}");
    json_int_t size = number(stored, "size");
    json_decref(stored);
    json_t *reply = must_post(409, "", JSON_TYPE, "{\"action\":\"x.y\",\"id\":\"c-1\"}");
    assert_string_equal(text(item(reply, "errors", 0), "pointer"), "/id");
    assert_int_equal(number(item(reply, "errors", 0), "position"), 0);
    json_decref(reply);

    const char *lines = "{\"action\":\"a.b\",\"id\":\"c-2\"}\n"
                        "{\"action\":\"x.y\",\"id\":\"c-1\"}\n"
                        "{\"action\":\"a.b\",\"id\":\"c-3\"}\n"
                        "{\"action\":\"x.y\",\"id\":\"c-3\"}\n";
    reply = must_post(409, "", NDJSON_TYPE, lines);
    assert_int_equal(json_array_size(json_object_get(reply, "errors")), 2);
    assert_int_equal(number(item(reply, "errors", 0), "position"), 1);
    assert_int_equal(number(item(reply, "errors", 0), "line"), 2);
    assert_int_equal(number(item(reply, "errors", 1), "position"), 3);
    json_decref(reply);
    assert_int_equal(trail_size_now(), size);

    reply = must_post(201, "?partial=true&receipts=full", NDJSON_TYPE, lines);
    assert_int_equal(number(reply, "count"), 2);
    assert_int_equal(number(reply, "refused_count"), 2);
    assert_int_equal(number(item(reply, "refused", 0), "position"), 1);
    assert_string_equal(text(item(reply, "refused", 0), "pointer"), "/id");
    check_receipt(item(reply, "receipts", 0), "\"c-2\"");
    check_receipt(item(reply, "receipts", 1), "\"c-3\"");
    json_decref(reply);
    reply = must_post(409, "", JSON_TYPE, "[{\"action\":\"x.y\",\"id\":\"c-1\"}]");
    assert_string_equal(text(item(reply, "errors", 0), "pointer"), "/0/id");
    json_decref(reply);
    refused(409, "?partial=true", JSON_TYPE, "{\"action\":\"x.y\",\"id\":\"c-1\"}");
}

/* ---- limits ---- */

/* So many events take more than bodies_mib: that is taken from who is alone, so what came before has to
 * be let go of first. */
static struct reply
post_patiently(const char *query, struct bytes body)
{
    const struct timespec pause = { .tv_nsec = 100000000 };
    struct reply reply = post(query, NDJSON_TYPE, body);
    for (unsigned i = 0; i < 50 && reply.status == 503; i++) {
        json_decref(reply.json);
        (void)nanosleep(&pause, NULL);
        reply = post(query, NDJSON_TYPE, body);
    }
    return reply;
}

static void
too_many_and_too_much(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 65537; i++)
        buffer_text(&body, "{\"action\":\"a\"}\n");
    struct reply reply = post_patiently("", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    assert_int_equal(trail_size_now(), size);
    reply = post_patiently("", bytes_of(body.data, body.size - 15));
    assert_int_equal(reply.status, 201);
    assert_int_equal(number(reply.json, "count"), 65536);
    json_decref(reply.json);

    /* What is no event counts as one: to refuse each takes longer than to send it. */
    buffer_clear(&body);
    for (unsigned i = 0; i < 65537; i++)
        buffer_text(&body, "1\n");
    reply = post_patiently("", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    reply = post_patiently("?partial=true", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    reply = post_patiently("", bytes_of(body.data, body.size - 2));
    assert_int_equal(reply.status, 400);
    json_decref(reply.json);

    /* 17 MiB in a few bytes. */
    buffer_clear(&body);
    buffer_text(&body, "{\"action\":\"a\"}");
    while (body.size < (17u << 20))
        buffer_text(&body, "                                                                ");
    struct buffer coded_body = { 0 };
    size_t room = ZSTD_compressBound(body.size);
    uint8_t *to = buffer_reserve(&coded_body, room);
    size_t coded_size = ZSTD_compress(to, room, body.data, body.size, 1);
    reply = post("", JSON_TYPE "Content-Encoding: zstd\r\n", bytes_of(to, coded_size));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    buffer_free(&coded_body);

    /* Refused by its length, before it is sent. */
    struct http *http = http_connect(child_port(stage.child));
    struct buffer head = { 0 };
    buffer_format(&head,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  stage.admin, body.size);
    assert_true(http_send(http, buffer_view(&head)));
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, 5000, &answer), HTTP_OK);
    assert_int_equal(answer.status, 413);
    assert_true(answer.closing);
    buffer_free(&head);
    http_close(http);
    buffer_free(&body);
}

/* ---- many at once ---- */

#define THREADS  16
#define REQUESTS 40
#define EVENTS   5

static char leaves[THREADS * REQUESTS * EVENTS][2 * TALLY_HASH_SIZE + 1];
static json_int_t leaves_from; /* the index that leaves[0] is for */
static atomic_uint wrong;

/* Notes a receipt's leaf under its index; each index is somebody's once. */
static void
note_receipt(const json_t *receipt)
{
    json_int_t at = json_integer_value(json_object_get(receipt, "index")) - leaves_from;
    if (at < 0 || at >= THREADS * REQUESTS * EVENTS || leaves[at][0] != '\0')
        atomic_fetch_add(&wrong, 1);
    else
        (void)snprintf(leaves[at], sizeof leaves[at], "%s", text(receipt, "leaf"));
}

static void
record_some(struct http *http, unsigned thread, unsigned round)
{
    struct buffer body = { 0 };
    for (unsigned i = 0; i < EVENTS; i++)
        buffer_format(&body, "{\"action\":\"m.%u.%u.%u\",\"message\":\"some text\"}\n", thread,
                      round, i);
    const struct http_request request = {
        .method = "POST",
        .target = "/api/events?receipts=full",
        .key = stage.admin,
        .headers = NDJSON_TYPE,
        .body = buffer_view(&body),
    };
    struct http_answer answer;
    json_t *reply = NULL;
    if (http_ask(http, &request, 20000, &answer) == HTTP_OK && answer.status == 201)
        reply = json_loadb((const char *)answer.body.data, answer.body.size, 0, NULL);
    const json_t *receipts = json_object_get(reply, "receipts");
    if (json_array_size(receipts) != EVENTS)
        atomic_fetch_add(&wrong, 1);
    for (unsigned i = 0; i < json_array_size(receipts); i++)
        note_receipt(json_array_get(receipts, i));
    json_decref(reply);
    buffer_free(&body);
}

static void *
record_many(void *context)
{
    unsigned thread = *(unsigned *)context;
    struct http *http = http_connect(child_port(stage.child));
    for (unsigned round = 0; round < REQUESTS; round++)
        record_some(http, thread, round);
    http_close(http);
    return NULL;
}

/* Holds every line of an export against the receipts; how many were among them. */
static unsigned
compare_export(struct bytes lines)
{
    unsigned count = 0;
    while (lines.size > 0) {
        const uint8_t *stop = memchr(lines.data, '\n', lines.size);
        assert_non_null(stop);
        json_t *line = json_loadb((const char *)lines.data, (size_t)(stop - lines.data), 0, NULL);
        assert_non_null(line);
        lines = bytes_of(stop + 1, lines.size - (size_t)(stop - lines.data) - 1);
        json_int_t at = number(line, "index") - leaves_from;
        char leaf[2 * TALLY_HASH_SIZE + 1];
        leaf_of(text(line, "public"), leaf);
        if (at >= 0 && at < THREADS * REQUESTS * EVENTS) {
            assert_string_equal(leaf, leaves[at]);
            count++;
        }
        json_decref(line);
    }
    return count;
}

static void
many_connections_at_once(void **state)
{
    (void)state;
    leaves_from = trail_size_now();
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(trail_size_now(), leaves_from + THREADS * REQUESTS * EVENTS);

    struct talk exchange;
    talk_begin(&stage,
               &(struct http_request){ .target = "/api/export?format=evidence&q=action:m.*",
                                       .key = stage.admin },
               &exchange);
    assert_int_equal(exchange.answer.status, 200);
    assert_int_equal(compare_export(exchange.answer.body), THREADS * REQUESTS * EVENTS);
    talk_end(&exchange);
}

/* ---- a disk that fails ---- */

static void
disk_is(const char *what)
{
    FILE *file = fopen(order, "we");
    assert_non_null(file);
    (void)fputs(what, file);
    (void)fclose(file);
}

static void
pause_ms(unsigned ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static void
a_write_in_doubt(void **state)
{
    (void)state;
    json_decref(must_post(201, "", JSON_TYPE, "{\"action\":\"d.0\",\"id\":\"d-0\"}"));
    disk_is("sync /trails/main/");
    const char *doubtful = "{\"action\":\"d.1\",\"id\":\"d-1\"}";
    json_t *reply = must_post(503, "", JSON_TYPE, doubtful);
    assert_non_null(strstr(text(reply, "detail"), "again"));
    json_decref(reply);
    disk_is("");
    /* The disk is well again, but what it holds is not known. */
    json_decref(must_post(503, "", JSON_TYPE, "{\"action\":\"d.2\"}"));
    struct reply ready =
        ask(&(struct http_request){ .target = "/api/events?id=d-0", .key = stage.admin });
    assert_int_equal(ready.status, 200);
    assert_int_equal(json_array_size(json_object_get(ready.json, "data")), 1);
    json_decref(ready.json);

    (void)kill(child_pid(stage.child), SIGHUP);
    struct reply again = { 0 };
    for (unsigned i = 0; i < 50; i++) {
        json_decref(again.json);
        again = post("", JSON_TYPE, bytes_text(doubtful));
        if (again.status != 503)
            break;
        pause_ms(100);
    }
    assert_true(again.status == 200 || again.status == 201);
    check_receipt(item(again.json, "receipts", 0), "\"d-1\"");
    json_decref(again.json);
}

static void
no_space(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    start("TALLY_STORAGE_HEAD_ENTRIES=100");
    disk_is("space /trails/main/");
    unsigned stored = 0, status = 201;
    json_int_t size = trail_size_now();
    for (; stored < 1000 && status == 201; stored++) {
        struct reply reply = post("", JSON_TYPE, bytes_text("{\"action\":\"s.1\"}"));
        status = reply.status;
        json_decref(reply.json);
    }
    assert_int_equal(status, 507);
    refused(507, "", JSON_TYPE, "{\"action\":\"s.1\"}");
    assert_int_equal(trail_size_now(), size + stored - 1);
    disk_is("");
    json_t *reply = must_post(201, "", JSON_TYPE, "{\"action\":\"s.2\"}");
    assert_int_equal(number(reply, "first"), size + stored - 1);
    json_decref(reply);
}

/* ---- at the end ---- */

static void
all_of_it_is_intact(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", stage.scratch, 1), 0);
    struct buffer out = { 0 };
    const char *words[] = { "verify", stage.data, NULL };
    int verified = child_run(words, &out);
    if (verified != 0)
        print_error("%.*s", BYTES_ARG(buffer_view(&out)));
    assert_int_equal(verified, 0);
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object),
        cmocka_unit_test(arrays_and_lines),
        cmocka_unit_test(coded),
        cmocka_unit_test(wrong_requests),
        cmocka_unit_test(a_coding_that_not_all_understand),
        cmocka_unit_test(refused_as_a_whole),
        cmocka_unit_test(the_good_ones_alone),
        cmocka_unit_test(repeats),
        cmocka_unit_test(conflicts),
        cmocka_unit_test(too_many_and_too_much),
        cmocka_unit_test(many_connections_at_once),
        cmocka_unit_test(a_write_in_doubt),
        cmocka_unit_test(no_space),
        cmocka_unit_test(all_of_it_is_intact),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
