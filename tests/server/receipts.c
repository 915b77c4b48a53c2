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
    return reply_of(child_port(stage.child), request);
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
    return reply_must(post(query, headers, bytes_text(body)), status, body);
}

void
refused(unsigned status, const char *query, const char *headers, const char *body)
{
    json_decref(must_post(status, query, headers, body));
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
