/*
 * tally key, of a server.
 */
#include "key.h"

#include "clock.h"
#include "json.h"
#include "remote.h"
#include "reply.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A refusal is no wrong usage, but what the server finds wrong with the request is. */
static int
key_refused(const struct remote *remote, const struct key_order *order,
            const struct refusal *refusal)
{
    if (refusal->error.status == TALLY_ABSENT)
        return fail(NOT_THERE, "there is no key %" PRId64 ": `tally key %s list --all` names them",
                    order->id, remote_where(remote));
    if (refusal->error.status == TALLY_CONFLICT)
        return fail(UNABLE, "%s", refusal->error.text);
    return remote_fail(remote, refusal);
}

static tally_status
refuse_answer(struct refusal *refusal)
{
    return reply_fault(&refusal->error, "about keys");
}

/* ---- list ---- */

static int64_t
read_time(struct reply *reply, uint32_t node, const char *name)
{
    struct bytes text = reply_text(reply, node, name);
    struct instant instant;
    const char *reason;
    return text.data != NULL && instant_parse(text, &instant, &reason) ? instant.ns : 0;
}

static int64_t
read_id(struct reply *reply, uint32_t node, const char *name)
{
    uint64_t id = 0;
    return reply_number(reply, node, name, &id) && id <= INT64_MAX ? (int64_t)id : 0;
}

static bool
read_text(struct reply *reply, uint32_t node, const char *name, char *out, size_t capacity)
{
    struct bytes text = reply_text(reply, node, name);
    if (text.size >= capacity)
        return false;
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

/* An array of names, joined by commas. */
static bool
read_trails(const struct reply *reply, uint32_t node, char out[KEYRING_TRAILS_MAX + 1])
{
    uint32_t array = reply_array(reply, node, "trails");
    const struct json_node *nodes = reply->tape.nodes;
    size_t size = 0;
    out[0] = '\0';
    for (uint32_t i = array + 1; array != 0 && i < nodes[array].next; i = nodes[i].next) {
        if (nodes[i].kind != JSON_KIND_STRING)
            return false;
        struct bytes name = json_inside(&reply->tape, i);
        if (size + name.size + 1 > KEYRING_TRAILS_MAX)
            return false;
        size += (size_t)snprintf(out + size, KEYRING_TRAILS_MAX + 1 - size, "%s%.*s",
                                 size == 0 ? "" : ",", BYTES_ARG(name));
    }
    return true;
}

static bool
read_entry(struct reply *reply, uint32_t node, struct keyring_entry *entry)
{
    char role[16] = "";
    *entry = (struct keyring_entry){
        .id = read_id(reply, node, "id"),
        .created = read_time(reply, node, "created"),
        .expires = read_time(reply, node, "expires"),
        .revoked = read_time(reply, node, "revoked"),
        .last_used = read_time(reply, node, "last_used"),
        .replaced_by = read_id(reply, node, "replaced_by"),
    };
    return entry->id > 0 && read_text(reply, node, "name", entry->name, sizeof entry->name) &&
           read_text(reply, node, "role", role, sizeof role) && role_find(role, &entry->role) &&
           read_text(reply, node, "last_address", entry->last_address,
                     sizeof entry->last_address) &&
           read_trails(reply, node, entry->trails);
}

static tally_status
write_rows(struct reply *reply, struct key_listing *listing, struct refusal *refusal)
{
    uint32_t data = reply_array(reply, 0, "data");
    if (data == 0)
        return refuse_answer(refusal);
    const struct json_node *nodes = reply->tape.nodes;
    tally_status status = TALLY_OK;
    for (uint32_t i = data + 1; i < nodes[data].next && status == TALLY_OK; i = nodes[i].next) {
        struct keyring_entry entry;
        status = read_entry(reply, i, &entry) ? key_listing_row(listing, &entry, &refusal->error)
                                              : refuse_answer(refusal);
    }
    return status;
}

static int
write_list(const struct invocation *invocation, const struct remote *remote, struct reply *reply)
{
    struct out out;
    out_open(&out);
    struct key_listing listing;
    struct refusal refusal = { 0 };
    int outcome = key_listing_begin(invocation, &out, &listing);
    if (outcome == DONE) {
        tally_status status = write_rows(reply, &listing, &refusal);
        status = key_listing_end(&listing, status, &refusal.error);
        outcome = status == TALLY_OK ? DONE : remote_fail(remote, &refusal);
    }
    return out_finish(&out, outcome);
}

static int
list(const struct invocation *invocation, const struct key_order *order, struct remote *remote)
{
    struct buffer target = { 0 };
    struct buffer answer = { 0 };
    struct reply reply = { 0 };
    struct refusal refusal = { 0 };
    buffer_text(&target, "/api/keys");
    if (order->scope == KEYRING_ALL)
        remote_parameter(&target, "all", bytes_text("true"));
    tally_status status = remote_get(remote, &target, &answer, &refusal);
    if (status == TALLY_OK)
        status = reply_read(&reply, buffer_view(&answer), &refusal.error);
    int outcome = status == TALLY_OK ? write_list(invocation, remote, &reply)
                                     : key_refused(remote, order, &refusal);
    reply_finish(&reply);
    buffer_free(&answer);
    buffer_free(&target);
    return outcome;
}

/* ---- add, rotate, revoke ---- */

/* Names of trails, which hold no commas, as an array. */
static void
put_trails(const char *list, struct buffer *body)
{
    buffer_text(body, ",\"trails\":[");
    for (const char *at = list;; at++) {
        size_t size = strcspn(at, ",");
        json_write_string(bytes_of(at, size), body);
        at += size;
        if (*at == '\0')
            break;
        buffer_byte(body, ',');
    }
    buffer_byte(body, ']');
}

static void
put_request(const struct keyring_request *request, struct buffer *body)
{
    buffer_text(body, "{\"name\":");
    json_write_string(bytes_text(request->name), body);
    buffer_format(body, ",\"role\":\"%s\"", role_name(request->role));
    if (request->trails != NULL)
        put_trails(request->trails, body);
    if (request->expires != 0) {
        char text[INSTANT_TEXT_MAX];
        size_t size = instant_format(request->expires, 9, text);
        buffer_format(body, ",\"expires\":\"%.*s\"", (int)size, text);
    }
    buffer_byte(body, '}');
}

/* The new key, printed; what was received is wiped. */
static int
print_key(const struct remote *remote, struct buffer *answer)
{
    struct reply reply = { 0 };
    struct refusal refusal = { 0 };
    struct new_key key = { .id = 0 };
    tally_status status = reply_read(&reply, buffer_view(answer), &refusal.error);
    if (status == TALLY_OK) {
        key.id = read_id(&reply, 0, "id");
        if (key.id == 0 || !read_text(&reply, 0, "key", key.text, sizeof key.text) ||
            strspn(key.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
                KEYRING_KEY_SIZE)
            status = refuse_answer(&refusal);
    }
    int outcome = status == TALLY_OK ? key_print(remote_where(remote), key.id, key.text)
                                     : remote_fail(remote, &refusal);
    sodium_memzero(&key, sizeof key);
    if (answer->size > 0)
        sodium_memzero(answer->data, answer->size);
    reply_finish(&reply);
    return outcome;
}

/* What is asked of the server for an order. */
static void
put_order(const struct key_order *order, struct buffer *target, struct buffer *body)
{
    buffer_text(target, "/api/keys");
    if (order->verb != KEY_ADD)
        buffer_format(target, "/%" PRId64 "%s", order->id,
                      order->verb == KEY_ROTATE ? "/rotate" : "");
    if (order->verb == KEY_ADD)
        put_request(&order->request, body);
    if (order->verb == KEY_ROTATE)
        buffer_format(body, "{\"overlap_s\":%" PRId64 "}", order->overlap / CLOCK_SECOND);
}

static int
change(const struct key_order *order, struct remote *remote)
{
    struct buffer target = { 0 };
    struct buffer body = { 0 };
    struct buffer answer = { 0 };
    struct refusal refusal = { 0 };
    put_order(order, &target, &body);
    bool revoke = order->verb == KEY_REVOKE;
    const struct remote_request request = {
        .method = revoke ? REMOTE_DELETE : REMOTE_POST,
        .target = buffer_view(&target),
        .body_type = revoke ? NULL : "application/json",
        .body = buffer_view(&body),
    };
    int outcome = DONE;
    if (buffer_failed(&target) || buffer_failed(&body))
        outcome = fail(UNABLE, "out of memory");
    else if (remote_ask(remote, &request, &answer, &refusal) != TALLY_OK)
        outcome = key_refused(remote, order, &refusal);
    else if (!revoke)
        outcome = print_key(remote, &answer);
    else if (answer.size > 0)
        /* 204 has no body; a page that somebody else shows for everything has one. */
        outcome = (refuse_answer(&refusal), remote_fail(remote, &refusal));
    buffer_free(&answer);
    buffer_free(&body);
    buffer_free(&target);
    return outcome;
}

int
key_remote(const struct invocation *invocation, const struct key_order *order)
{
    struct remote *remote;
    int outcome = remote_open(invocation, &remote);
    if (outcome != DONE)
        return outcome;
    outcome = order->verb == KEY_LIST ? list(invocation, order, remote) : change(order, remote);
    remote_close(remote);
    return outcome;
}
