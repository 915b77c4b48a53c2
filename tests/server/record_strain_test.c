/*
 * record_strain_test.c - events over HTTP where there are too many, many at once, or a disk that
 * fails: receipts hold all the same.
 */
#include "must.h"
#include "receipts.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include <cmocka.h>

/* ---- limits ---- */

static void
pause_ms(unsigned ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* Again while it is refused for a moment. */
static struct reply
post_patiently(const char *query, const char *headers, struct bytes body)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    struct reply reply = post(query, headers, body);
    while (reply.status == 503 && now_ms() < deadline) {
        json_decref(reply.json);
        pause_ms(100);
        reply = post(query, headers, body);
    }
    return reply;
}

/* So many events take more than bodies_mib: that is taken from who is alone, so what came before has to
 * be let go of first. */
static struct reply
post_many(const char *query, struct bytes body)
{
    return post_patiently(query, NDJSON_TYPE, body);
}

static void
too_many_and_too_much(void **state)
{
    (void)state;
    json_int_t size = trail_size_now();
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 65537; i++)
        buffer_text(&body, "{\"action\":\"a\"}\n");
    struct reply reply = post_many("", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    assert_int_equal(trail_size_now(), size);
    reply = post_many("", bytes_of(body.data, body.size - 15));
    assert_int_equal(reply.status, 201);
    assert_int_equal(number(reply.json, "count"), 65536);
    json_decref(reply.json);

    /* What is no event counts as one: to refuse each takes longer than to send it. */
    buffer_clear(&body);
    for (unsigned i = 0; i < 65537; i++)
        buffer_text(&body, "1\n");
    reply = post_many("", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    reply = post_many("?partial=true", buffer_view(&body));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    reply = post_many("", bytes_of(body.data, body.size - 2));
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
    reply = post_patiently("", JSON_TYPE "Content-Encoding: zstd\r\n", bytes_of(to, coded_size));
    assert_int_equal(reply.status, 413);
    json_decref(reply.json);
    buffer_free(&coded_body);

    /* Refused by its length, before it is sent. */
    struct http *http = http_connect(child_port(stage.child));
    struct buffer head = { 0 };
    buffer_format(&head,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
                  stage.admin, body.size);
    assert_true(http_send(http, buffer_view(&head)));
    struct http_answer answer;
    assert_int_equal(http_read(http, HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
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
    if (http_ask(http, &request, PATIENCE_MS, &answer) == HTTP_OK && answer.status == 201)
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

/* From then on nothing is written to the trail but by who records. */
static void
await_signed(void)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    json_int_t size, signed_size;
    do {
        assert_true(now_ms() < deadline);
        pause_ms(20);
        struct reply reply =
            ask(&(struct http_request){ .target = "/api/trails/main", .key = stage.admin });
        size = number(reply.json, "size");
        signed_size = number(reply.json, "signed_size");
        json_decref(reply.json);
    } while (signed_size < size);
}

static void
a_write_in_doubt(void **state)
{
    (void)state;
    json_decref(must_post(201, "", JSON_TYPE, "{\"action\":\"d.0\",\"id\":\"d-0\"}"));
    await_signed();
    receipts_disk_is("sync /trails/main/");
    const char *doubtful = "{\"action\":\"d.1\",\"id\":\"d-1\"}";
    json_t *reply = must_post(503, "", JSON_TYPE, doubtful);
    assert_non_null(strstr(text(reply, "detail"), "again"));
    json_decref(reply);
    receipts_disk_is("");
    /* The disk is well again, but what it holds is not known. */
    json_decref(must_post(503, "", JSON_TYPE, "{\"action\":\"d.2\"}"));
    struct reply ready =
        ask(&(struct http_request){ .target = "/api/events?id=d-0", .key = stage.admin });
    assert_int_equal(ready.status, 200);
    assert_int_equal(json_array_size(json_object_get(ready.json, "data")), 1);
    json_decref(ready.json);

    (void)kill(child_pid(stage.child), SIGHUP);
    struct reply again = post_patiently("", JSON_TYPE, bytes_text(doubtful));
    assert_true(again.status == 200 || again.status == 201);
    check_receipt(item(again.json, "receipts", 0), "\"d-1\"");
    json_decref(again.json);
}

static void
no_space(void **state)
{
    (void)state;
    assert_int_equal(stage_stop(&stage, SIGTERM), 0);
    receipts_start("TALLY_STORAGE_HEAD_ENTRIES=100");
    receipts_disk_is("space /trails/main/");
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
    receipts_disk_is("");
    json_t *reply = must_post(201, "", JSON_TYPE, "{\"action\":\"s.2\"}");
    assert_int_equal(number(reply, "first"), size + stored - 1);
    json_decref(reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_and_too_much), cmocka_unit_test(many_connections_at_once),
        cmocka_unit_test(a_write_in_doubt),      cmocka_unit_test(no_space),
        cmocka_unit_test(all_of_it_is_intact),
    };
    return cmocka_run_group_tests(tests, receipts_begin, receipts_end);
}
