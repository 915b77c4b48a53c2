#include "receipts.h"

#include "base64.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct stage stage;
static char order[256]; /* BROKEN_DISK */

void
receipts_start(const char *head_entries)
{
    static char preload[512], broken[300];
    (void)snprintf(preload, sizeof preload, "LD_PRELOAD=%s", getenv("BROKEN_DISK_LIBRARY"));
    (void)snprintf(broken, sizeof broken, "BROKEN_DISK=%s", order);
    stage_start(&stage,
                (const char *const[]){ preload, broken, "ASAN_OPTIONS=verify_asan_link_order=0",
                                       head_entries, NULL });
}

int
receipts_begin(void **state)
{
    (void)state;
    stage_make(&stage);
    (void)snprintf(order, sizeof order, "%s/disk", stage.scratch);
    receipts_start("TALLY_STORAGE_HEAD_ENTRIES=200000");
    return 0;
}

int
receipts_end(void **state)
{
    (void)state;
    stage_remove(&stage);
    return 0;
}

struct reply
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

struct reply
post(const char *query, const char *headers, struct bytes body)
{
    char target[256];
    (void)snprintf(target, sizeof target, "/api/events%s", query);
    return ask(&(struct http_request){
        .method = "POST", .target = target, .key = stage.admin, .headers = headers, .body = body });
}

json_t *
must_post(unsigned status, const char *query, const char *headers, const char *body)
{
    struct reply reply = post(query, headers, bytes_text(body));
    if (reply.status != status)
        fail_msg("%s %.200s: status %u, not %u: %s", query, body, reply.status, status,
                 json_dumps(reply.json, 0));
    return reply.json;
}

void
refused(unsigned status, const char *query, const char *headers, const char *body)
{
    json_decref(must_post(status, query, headers, body));
}

json_int_t
number(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_integer(value))
        fail_msg("%s is no number", name);
    return json_integer_value(value);
}

const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "(none)" : value;
}

json_t *
item(const json_t *object, const char *name, size_t i)
{
    json_t *array = json_object_get(object, name);
    if (json_array_size(array) <= i)
        fail_msg("%s has no item %zu", name, i);
    return json_array_get(array, i);
}

json_int_t
trail_size_now(void)
{
    struct reply reply =
        ask(&(struct http_request){ .target = "/api/trails/main", .key = stage.admin });
    assert_int_equal(reply.status, 200);
    json_int_t size = number(reply.json, "size");
    json_decref(reply.json);
    return size;
}

void
leaf_of(const char *public_part, char leaf_out[2 * TALLY_HASH_SIZE + 1])
{
    struct tally_hash leaf;
    tally_hash_leaf((const uint8_t *)public_part, strlen(public_part), &leaf);
    hex_encode(leaf.bytes, TALLY_HASH_SIZE, leaf_out);
    leaf_out[2 * TALLY_HASH_SIZE] = '\0';
}

void
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

void
receipts_disk_is(const char *what)
{
    FILE *file = fopen(order, "we");
    assert_non_null(file);
    (void)fputs(what, file);
    (void)fclose(file);
}

void
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
