/*
 * /api/trails - the trails that a key may use, and new ones.
 */
#include "base64.h"
#include "charter.h"
#include "escape.h"
#include "fault.h"
#include "json.h"
#include "manifest.h"
#include "reading.h"
#include "routes.h"
#include "server.h"
#include "since.h"
#include "trail_info.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the list ---- */

struct trail_list {
    const struct request *request;
    struct buffer *body;
    uint64_t count;
};

/* The key of a trail, open or not: what its manifest says. False where it cannot be read. */
static bool
find_vkey(struct folder *folder, const char *name, struct tally_vkey *vkey_out)
{
    char path[TRAIL_NAME_MAX + 16];
    (void)snprintf(path, sizeof path, "trails/%s", name);
    struct manifest manifest;
    struct tally_error error;
    if (manifest_read(folder_disk(folder), path, &manifest, &error) != TALLY_OK)
        return false;
    *vkey_out = manifest.vkey;
    free(manifest.segments);
    return true;
}

static void
put_checkpoint(const struct tally_checkpoint *checkpoint, struct buffer *body)
{
    char root[BASE64_SIZE(TALLY_HASH_SIZE)];
    base64_encode(checkpoint->root.bytes, TALLY_HASH_SIZE, root);
    buffer_text(body, ",\"origin\":");
    escape_json_string(bytes_text(checkpoint->origin), body);
    buffer_format(body, ",\"size\":%llu,\"checkpoint\":{\"size\":%llu,\"root\":\"%.*s\"}",
                  (unsigned long long)checkpoint->size, (unsigned long long)checkpoint->size,
                  (int)sizeof root, root);
}

/* disk_name_visitor. Trails are described by their files, so that asking for a list opens none. */
static tally_status
list_trail(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct trail_list *list = context;
    const struct request *request = list->request;
    if (!principal_may_use(&request->principal, name))
        return TALLY_OK;
    struct folder *folder = request->server->folder;
    struct tally_checkpoint checkpoint;
    struct tally_vkey vkey;
    buffer_format(list->body, "%s{\"name\":\"%s\"", list->count++ == 0 ? "\n" : ",\n", name);
    if (request->principal.role != ROLE_WRITER && since_stored(folder, name, &checkpoint) &&
        find_vkey(folder, name, &vkey)) {
        char text[TALLY_VKEY_TEXT_SIZE];
        tally_vkey_format(&vkey, text);
        put_checkpoint(&checkpoint, list->body);
        buffer_text(list->body, ",\"vkey\":");
        escape_json_string(bytes_text(text), list->body);
    }
    buffer_byte(list->body, '}');
    return TALLY_OK;
}

void
trails_list(struct request *request)
{
    struct buffer body = { 0 };
    struct tally_error error = { 0 };
    struct trail_list list = { .request = request, .body = &body };
    buffer_text(&body, "{\"data\":[");
    tally_status status = folder_list_trails(request->server->folder, list_trail, &list, &error);
    buffer_text(&body, "\n],\"next\":null}\n");
    if (status == TALLY_OK)
        answer_json(request, 200, &body);
    else
        answer_fault(request, &error);
    buffer_free(&body);
}

/* ---- one ---- */

void
trail_show(struct request *request)
{
    struct trail *trail = request_trail_named(request, request_segment(request, 0));
    if (trail == NULL)
        return;
    struct trail_info info;
    struct tally_error error = { 0 };
    if (trail_info_read(request->server->folder, trail, &info, &error) != TALLY_OK) {
        answer_fault(request, &error);
        return;
    }
    const struct listing_style style = { 0 };
    struct buffer body = { 0 };
    struct stream stream = reading_stream(&body);
    struct listing *listing = NULL;
    tally_status status = listing_create(LISTING_NDJSON, &style, trail_info_columns,
                                         TRAIL_INFO_COUNT, &stream, &listing, &error);
    if (status == TALLY_OK)
        status = listing_row(listing, info.cells, &error);
    if (status == TALLY_OK)
        status = listing_end(listing, (struct bytes){ NULL, 0 }, &error);
    if (status == TALLY_OK)
        answer_json(request, 200, &body);
    else
        answer_fault(request, &error);
    listing_destroy(listing);
    stream_finish(&stream);
    trail_info_finish(&info);
    buffer_free(&body);
}

/* ---- a new one ---- */

#define BODY_NODES 256
#define BODY_SIZE  (64u << 10)

/* A new trail as asked for. */
struct founding {
    struct buffer name, origin; /* each with a NUL behind */
    struct trail_config config;
};

/* A text member, without NULs. */
static tally_status
read_text(const struct json_tape *tape, uint32_t node, struct buffer *text,
          struct tally_error *error)
{
    if (tape->nodes[node].kind != JSON_KIND_STRING)
        return json_fault(error, tape, node, "a text is wanted here");
    json_string_decode(tape, node, text);
    buffer_byte(text, 0);
    if (buffer_failed(text))
        return memory_fault(error);
    if (strlen((const char *)text->data) != text->size - 1)
        return json_fault(error, tape, node, "there is a NUL in it");
    return TALLY_OK;
}

/* An array of fields' names. */
static tally_status
read_fields(const struct json_tape *tape, uint32_t array, enum field_half half,
            struct trail_config *config, struct tally_error *error)
{
    if (tape->nodes[array].kind != JSON_KIND_ARRAY)
        return json_fault(error, tape, array, "an array of fields' names is wanted here");
    for (uint32_t i = array + 1; i < tape->nodes[array].next; i = tape->nodes[i].next) {
        struct buffer name = { 0 };
        tally_status status = read_text(tape, i, &name, error);
        if (status == TALLY_OK &&
            charter_move(config, bytes_of(name.data, name.size - 1), half, error) != TALLY_OK)
            status = json_fault(error, tape, i,
                                "the field cannot be moved, or there is none of "
                                "this name");
        buffer_free(&name);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
read_member(const struct json_tape *tape, uint32_t name, struct founding *founding,
            struct tally_error *error)
{
    uint32_t value = name + 1;
    if (json_string_is(tape, name, bytes_text("name")))
        return read_text(tape, value, &founding->name, error);
    if (json_string_is(tape, name, bytes_text("origin")))
        return read_text(tape, value, &founding->origin, error);
    if (json_string_is(tape, name, bytes_text("public")))
        return read_fields(tape, value, HALF_PUBLIC, &founding->config, error);
    if (json_string_is(tape, name, bytes_text("private")))
        return read_fields(tape, value, HALF_PRIVATE, &founding->config, error);
    return json_fault(error, tape, value, "a trail has name, origin, public and private");
}

static tally_status
read_founding(const struct json_tape *tape, struct founding *founding, struct tally_error *error)
{
    if (tape->nodes[0].kind != JSON_KIND_OBJECT)
        return json_fault(error, tape, 0, "an object is wanted");
    for (uint32_t i = 1; i < tape->nodes[0].next; i = tape->nodes[i + 1].next) {
        tally_status status = read_member(tape, i, founding, error);
        if (status != TALLY_OK)
            return status;
    }
    if (founding->name.size == 0 || !trail_name_valid((const char *)founding->name.data))
        return json_fault(error, tape, 0,
                          "name is 1 to %d of a-z, 0-9 and -, the first of them no -",
                          TRAIL_NAME_MAX);
    founding->config.origin =
        founding->origin.size == 0 ? NULL : (const char *)founding->origin.data;
    return charter_check(&founding->config, error);
}

static tally_status
read_body(struct request *request, struct founding *founding, struct tally_error *error)
{
    struct buffer text = { 0 };
    struct json_tape tape;
    tally_status status =
        body_decode(request->body_coding, buffer_view(&request->body), BODY_SIZE, &text, error);
    if (status == TALLY_OK)
        status = json_tape_init(&tape, BODY_NODES, error);
    if (status == TALLY_OK) {
        status = json_scan(&tape, buffer_view(&text), error);
        if (status == TALLY_OK)
            status = read_founding(&tape, founding, error);
        json_tape_finish(&tape);
    }
    buffer_free(&text);
    return status;
}

/* Puts on record what is made, or was not. */
static tally_status
record(struct request *request, const char *name, struct tally_error *error)
{
    const struct diary_event event = {
        .action = "trail.create",
        .principal = &request->principal,
        .address = request->connection->address,
        .request_id = request->id,
        .resource_type = "trail",
        .resource_id = name,
    };
    return diary_write(request->server->diary, &event, error);
}

static void
answer_created(struct request *request, const char *name, const struct tally_vkey *vkey)
{
    char text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, text);
    struct buffer body = { 0 };
    buffer_format(&body, "{\"name\":\"%s\",\"origin\":", name);
    escape_json_string(bytes_text(vkey->name), &body);
    buffer_text(&body, ",\"vkey\":");
    escape_json_string(bytes_text(text), &body);
    buffer_text(&body, "}\n");
    answer_json(request, 201, &body);
}

static void
create(struct request *request, const struct founding *founding)
{
    const char *name = (const char *)founding->name.data;
    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    if (!principal_may_use(&request->principal, name)) {
        answer_problem(request, 403, "this key may not use a trail of that name");
        return;
    }
    tally_status status =
        trail_create(request->server->folder, name, &founding->config, &vkey, &error);
    /* Who holds the lock of a trail is this server: it is open. */
    if (status == TALLY_CONFLICT || status == TALLY_BUSY)
        answer_problem(request, 409, "there is a trail %s already", name);
    else if (status != TALLY_OK)
        answer_fault(request, &error);
    else if (record(request, name, &error) != TALLY_OK)
        answer_problem(request, 503, "the trail is made, but could not be put on record");
    else
        answer_created(request, name, &vkey);
}

void
trails_create(struct request *request)
{
    struct founding founding = { .config = CHARTER_STANDARD };
    struct tally_error error = { 0 };
    tally_status status = read_body(request, &founding, &error);
    if (status == TALLY_OK)
        create(request, &founding);
    else if (status == TALLY_FULL)
        answer_problem(request, 413, "a trail is described in %u bytes at most", BODY_SIZE);
    else
        answer_fault(request, &error);
    buffer_free(&founding.name);
    buffer_free(&founding.origin);
}
