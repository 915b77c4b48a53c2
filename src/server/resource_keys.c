/*
 * /api/keys - who may use the folder over the network.
 *
 * No key changes off the record. What takes rights away is on record before it happens. A new key is
 * made, recorded under its id and only then shown: one that could not be recorded is revoked, and
 * its text, which nobody has seen, is gone. A rotation is recorded under the old key's id before it
 * happens; the new key's own entry follows.
 */
#include "body_object.h"
#include "clock.h"
#include "escape.h"
#include "key_wish.h"
#include "log.h"
#include "routes.h"
#include "server.h"

#include <sodium.h>
#include <stdio.h>

/* The longest that a replaced key may go on. */
#define OVERLAP_MAX_S UINT64_C(31536000)

/* Where none is asked for, as for `tally key rotate`. */
#define OVERLAP_STANDARD_S 3600

/* ---- a key as JSON ---- */

static void
put_time(struct buffer *out, const char *name, int64_t instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant == 0)
        buffer_format(out, ",\"%s\":null", name);
    else
        buffer_format(out, ",\"%s\":\"%.*s\"", name, (int)instant_format(instant, 6, text), text);
}

/* An array of the names in a list, or null, which is all. */
static void
put_trails(struct buffer *out, const char *trails)
{
    buffer_text(out, ",\"trails\":");
    if (*trails == '\0') {
        buffer_text(out, "null");
        return;
    }
    buffer_text(out, "[\"");
    for (const char *at = trails; *at != '\0'; at++) {
        if (*at == ',')
            buffer_text(out, "\",\"");
        else
            buffer_byte(out, (uint8_t)*at);
    }
    buffer_text(out, "\"]");
}

/* What a key is, without the first brace and the last. */
static void
put_rights(struct buffer *out, const struct keyring_entry *entry)
{
    buffer_text(out, "\"name\":");
    escape_json_string(bytes_text(entry->name), out);
    buffer_format(out, ",\"role\":\"%s\"", role_name(entry->role));
    put_trails(out, entry->trails);
    put_time(out, "expires", entry->expires);
}

/* A key's object without the last brace. */
static void
put_key(struct buffer *out, const struct keyring_entry *entry)
{
    buffer_format(out, "{\"id\":%lld,", (long long)entry->id);
    put_rights(out, entry);
    put_time(out, "created", entry->created);
    put_time(out, "last_used", entry->last_used);
    if (*entry->last_address == '\0') {
        buffer_text(out, ",\"last_address\":null");
    } else {
        buffer_text(out, ",\"last_address\":");
        escape_json_string(bytes_text(entry->last_address), out);
    }
    if (entry->replaced_by != 0)
        buffer_format(out, ",\"replaced_by\":%lld", (long long)entry->replaced_by);
    if (entry->revoked != 0)
        put_time(out, "revoked", entry->revoked);
}

/* ---- the list ---- */

/* keyring_visitor */
static tally_status
list_key(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    (void)error;
    struct buffer *body = context;
    if (body->data[body->size - 1] == '}')
        buffer_byte(body, ',');
    buffer_byte(body, '\n');
    put_key(body, entry);
    buffer_byte(body, '}');
    return TALLY_OK;
}

void
keys_list(struct request *request)
{
    struct access *access = request->server->access;
    struct tally_error error = { 0 };
    struct buffer body = { 0 };
    bool all;
    if (!request_flag(request, "all", &all))
        return;
    buffer_text(&body, "{\"data\":[");
    struct keyring *keyring = access_lock(access);
    tally_status status =
        keyring_list(keyring, all ? KEYRING_ALL : KEYRING_IN_SERVICE, list_key, &body, &error);
    access_unlock(access);
    buffer_text(&body, "\n],\"next\":null}\n");
    if (status == TALLY_OK)
        answer_json(request, 200, &body);
    else
        answer_fault(request, &error);
    buffer_free(&body);
}

/* ---- on record ---- */

/* What is recorded of a change to the key `id`. */
struct change {
    const char *event_type; /* one of these two */
    const char *action;
    const char *status; /* NULL: success */
    int64_t id;
    struct buffer details; /* an object, or empty: none */
};

/* The event of a change; `id` is the caller's room for its resource_id. */
static struct diary_event
event_of(const struct request *request, const struct change *change, char id[32])
{
    (void)snprintf(id, 32, "key:%lld", (long long)change->id);
    return (struct diary_event){
        .event_type = change->event_type,
        .action = change->action,
        .status = change->status == NULL ? "success" : change->status,
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "key",
        .resource_id = id,
        .details = buffer_view(&change->details),
    };
}

/* Frees the details. False after answering 503. */
static bool
record(struct request *request, struct change *change)
{
    char id[32];
    const struct diary_event event = event_of(request, change, id);
    struct tally_error error = { 0 };
    tally_status status = diary_write(request->server->diary, &event, &error);
    buffer_free(&change->details);
    if (status == TALLY_OK)
        return true;
    LOG(LOG_CRITICAL_, "diary cannot be written", LOG_TEXT_FIELD("id", request->id),
        LOG_TEXT_FIELD("problem", error.text));
    answer_problem(request, 503, "no key was changed, because that could not be put on record");
    return false;
}

/* The same for what may be on record a little later. */
static void
note(struct request *request, struct change *change)
{
    char id[32];
    const struct diary_event event = event_of(request, change, id);
    diary_note(request->server->diary, &event);
    buffer_free(&change->details);
}

/* What was recorded did not come about after all. */
static void
note_failure(struct request *request, const char *action, int64_t id)
{
    struct change change = { .action = action, .status = "error", .id = id };
    note(request, &change);
}

static void
put_details(struct buffer *out, const struct keyring_entry *entry)
{
    buffer_byte(out, '{');
    put_rights(out, entry);
}

/* ---- answers ---- */

/* The answer to a change that the ring did not make. */
static void
answer_unchanged(struct request *request, tally_status status, const struct tally_error *error)
{
    if (status == TALLY_ABSENT)
        answer_problem(request, 404, "there is no such key; GET /api/keys lists them");
    else if (status == TALLY_CONFLICT)
        answer_problem(request, 409, "%s", error->text);
    else
        answer_fault(request, error);
}

static void
answer_new_key(struct request *request, const struct keyring_entry *entry,
               const struct new_key *key)
{
    struct buffer body = { 0 };
    put_key(&body, entry);
    buffer_format(&body, ",\"key\":\"%s\"}\n", key->text);
    answer_json(request, 201, &body);
    request->answer.secret = true;
    buffer_free(&body);
}

/* ---- a new one ---- */

/* Puts on record that a key is made. False after answering. */
static bool
record_new_key(struct request *request, struct keyring *keyring, int64_t id,
               struct keyring_entry *entry_out)
{
    struct tally_error error = { 0 };
    struct change change = { .event_type = "api_key_create", .id = id };
    tally_status status = keyring_get(keyring, id, entry_out, &error);
    if (status != TALLY_OK) {
        answer_unchanged(request, status, &error);
        return false;
    }
    put_details(&change.details, entry_out);
    buffer_byte(&change.details, '}');
    return record(request, &change);
}

/* The key is made: shows it if it is on record now. */
static void
show_new_key(struct request *request, struct keyring *keyring, const struct new_key *key)
{
    struct tally_error error = { 0 };
    struct keyring_entry entry;
    if (record_new_key(request, keyring, key->id, &entry)) {
        answer_new_key(request, &entry, key);
        return;
    }
    if (keyring_revoke(keyring, key->id, &error) != TALLY_OK)
        LOG(LOG_ERROR, "unrecorded key", LOG_NUMBER_FIELD("key", key->id),
            LOG_TEXT_FIELD("problem", error.text));
}

static void
make_key(struct request *request, const struct keyring_request *wanted)
{
    struct access *access = request->server->access;
    struct tally_error error = { 0 };
    struct new_key key;
    struct keyring *keyring = access_lock(access);
    tally_status status = keyring_add(keyring, wanted, &key, &error);
    if (status == TALLY_OK)
        show_new_key(request, keyring, &key);
    else
        answer_unchanged(request, status, &error);
    access_unlock(access);
    sodium_memzero(&key, sizeof key);
}

void
keys_create(struct request *request)
{
    struct body_object object;
    if (!body_object_read(request, &object))
        return;
    struct key_wish wish;
    struct tally_error error = { 0 };
    if (key_wish_read(&object, &wish, &error) == TALLY_OK)
        make_key(request, &wish.request);
    else
        answer_fault(request, &error);
    body_object_close(&object);
}

/* ---- one that is there ---- */

/* The key that the path names. False after answering 404. */
static bool
find_key(struct request *request, struct keyring *keyring, struct keyring_entry *entry_out)
{
    struct bytes text = request_segment(request, 0);
    struct tally_error error = { 0 };
    int64_t id = 0;
    if (text.size > 18)
        text.size = 0;
    for (size_t i = 0; i < text.size && id >= 0; i++)
        id = text.data[i] >= '0' && text.data[i] <= '9' ? id * 10 + (text.data[i] - '0') : -1;
    tally_status status = id <= 0 ? TALLY_ABSENT : keyring_get(keyring, id, entry_out, &error);
    if (status != TALLY_OK)
        answer_unchanged(request, status, &error);
    return status == TALLY_OK;
}

/* ---- rotating ---- */

/* Whether it can be replaced; what the ring would refuse is not to be on record as done. */
static bool
check_rotation(struct request *request, const struct keyring_entry *entry)
{
    if (entry->replaced_by != 0)
        answer_problem(request, 409, "key %lld is replaced by key %lld already: rotate that one",
                       (long long)entry->id, (long long)entry->replaced_by);
    else if (!keyring_entry_good(entry, clock_now()))
        answer_problem(request, 409,
                       "key %lld is good for nothing any more: POST /api/keys makes "
                       "a new one",
                       (long long)entry->id);
    else
        return true;
    return false;
}

/* The new key's own entry. What it says is on record already under the old key, so it may come a
 * little later. */
static void
note_successor(struct request *request, const struct keyring_entry *entry, int64_t old)
{
    struct change change = { .event_type = "api_key_create", .id = entry->id };
    put_details(&change.details, entry);
    buffer_format(&change.details, ",\"replaces\":%lld}", (long long)old);
    note(request, &change);
}

static void
rotate(struct request *request, struct keyring *keyring, const struct keyring_entry *old,
       uint64_t overlap_s)
{
    struct change change = { .action = "api_key.rotate", .id = old->id };
    put_details(&change.details, old);
    buffer_format(&change.details, ",\"overlap_s\":%llu}", (unsigned long long)overlap_s);
    if (!record(request, &change))
        return;
    struct tally_error error = { 0 };
    struct keyring_entry entry;
    struct new_key key;
    tally_status status =
        keyring_rotate(keyring, old->id, (int64_t)overlap_s * CLOCK_SECOND, &key, &error);
    if (status == TALLY_OK)
        status = keyring_get(keyring, key.id, &entry, &error);
    if (status == TALLY_OK) {
        note_successor(request, &entry, old->id);
        answer_new_key(request, &entry, &key);
    } else {
        note_failure(request, "api_key.rotate", old->id);
        answer_unchanged(request, status, &error);
    }
    sodium_memzero(&key, sizeof key);
}

static bool
read_overlap(struct request *request, uint64_t *overlap_out)
{
    static const char *const names[] = { "overlap_s" };
    struct body_object object;
    if (!body_object_read(request, &object))
        return false;
    uint32_t node;
    struct tally_error error = { 0 };
    *overlap_out = OVERLAP_STANDARD_S;
    tally_status status = body_object_find(&object, names, 1, &node, &error);
    if (status == TALLY_OK && node != 0)
        status = body_object_count(&object, node, OVERLAP_MAX_S, overlap_out, &error);
    if (status != TALLY_OK)
        answer_fault(request, &error);
    body_object_close(&object);
    return status == TALLY_OK;
}

void
key_rotate(struct request *request)
{
    struct access *access = request->server->access;
    struct keyring_entry entry;
    uint64_t overlap_s;
    if (!read_overlap(request, &overlap_s))
        return;
    struct keyring *keyring = access_lock(access);
    if (find_key(request, keyring, &entry) && check_rotation(request, &entry))
        rotate(request, keyring, &entry, overlap_s);
    access_unlock(access);
}

/* ---- revoking ---- */

static void
revoke(struct request *request, struct keyring *keyring, const struct keyring_entry *entry)
{
    struct change change = { .event_type = "api_key_revoke", .id = entry->id };
    put_details(&change.details, entry);
    buffer_byte(&change.details, '}');
    if (!record(request, &change))
        return;
    struct tally_error error = { 0 };
    tally_status status = keyring_revoke(keyring, entry->id, &error);
    if (status == TALLY_OK) {
        answer_empty(request, 204);
        return;
    }
    note_failure(request, "api_key.revoke", entry->id);
    answer_unchanged(request, status, &error);
}

void
key_revoke(struct request *request)
{
    struct access *access = request->server->access;
    struct keyring_entry entry;
    struct keyring *keyring = access_lock(access);
    if (!find_key(request, keyring, &entry)) {
        /* answered */
    } else if (entry.id == request->principal.key) {
        answer_problem(request, 409,
                       "a key does not revoke itself: ask with another admin key, or rotate it");
    } else if (entry.revoked != 0) {
        answer_empty(request, 204);
    } else {
        revoke(request, keyring, &entry);
    }
    access_unlock(access);
}
