/*
 * record_test.c - events over HTTP: what is taken, what is refused and how, and that what a receipt
 * says is so.
 */
#include "must.h"
#include "receipts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

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
    assert_int_equal(http_read(http, HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
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
        cmocka_unit_test(all_of_it_is_intact),
    };
    return cmocka_run_group_tests(tests, receipts_begin, receipts_end);
}
