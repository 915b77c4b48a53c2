/*
 * /api/trails - the trails that a key may use, and new ones.
 */
#include "base64.h"
#include "body_object.h"
#include "charter.h"
#include "escape.h"
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
    manifest_free(&manifest);
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
    if (!trail_name_valid(name) || !principal_may_use(&request->principal, name))
        return TALLY_OK; /* what else lies in the folder is no trail, and its name might be anything */
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
    struct stream stream = stream_into(&body);
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

/* A new trail as asked for. */
struct founding {
    char name[TRAIL_NAME_MAX + 1];
    char origin[TALLY_ORIGIN_MAX + 1];
    struct trail_config config;
};

static tally_status
move_field(const struct body_object *object, uint32_t node, enum field_half half,
           struct trail_config *config, struct tally_error *error)
{
    char name[FIELD_NAME_SIZE_MAX + 1];
    tally_status status = body_object_text(object, node, FIELD_NAME_SIZE_MAX, name, error);
    if (status == TALLY_OK && charter_move(config, bytes_text(name), half, error) != TALLY_OK)
        status = json_fault(error, &object->tape, node,
                            "the field cannot be moved, or there is none of this name");
    return status;
}

/* An array of fields' names; node 0 is none. */
static tally_status
move_fields(const struct body_object *object, uint32_t array, enum field_half half,
            struct trail_config *config, struct tally_error *error)
{
    const struct json_tape *tape = &object->tape;
    if (array == 0)
        return TALLY_OK;
    if (tape->nodes[array].kind != JSON_KIND_ARRAY)
        return json_fault(error, tape, array, "an array of fields' names is wanted here");
    tally_status status = TALLY_OK;
    for (uint32_t i = array + 1; i < tape->nodes[array].next && status == TALLY_OK;
         i = tape->nodes[i].next)
        status = move_field(object, i, half, config, error);
    return status;
}

static tally_status
read_names(const struct body_object *object, uint32_t name, uint32_t origin,
           struct founding *founding, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (name != 0)
        status = body_object_text(object, name, TRAIL_NAME_MAX, founding->name, error);
    if (status == TALLY_OK && origin != 0)
        status = body_object_text(object, origin, TALLY_ORIGIN_MAX, founding->origin, error);
    if (status == TALLY_OK && !trail_name_valid(founding->name))
        return json_fault(error, &object->tape, name,
                          "a trail's name is 1 to %d of a-z, 0-9 and -, the first of them no -",
                          TRAIL_NAME_MAX);
    founding->config.origin = origin == 0 ? NULL : founding->origin;
    return status;
}

static tally_status
read_founding(const struct body_object *object, struct founding *founding,
              struct tally_error *error)
{
    enum member {
        NAME,
        ORIGIN,
        PUBLIC,
        PRIVATE,
        MEMBER_COUNT
    };
    static const char *const names[MEMBER_COUNT] = { "name", "origin", "public", "private" };
    uint32_t nodes[MEMBER_COUNT];
    struct trail_config *config = &founding->config;
    tally_status status = body_object_find(object, names, MEMBER_COUNT, nodes, error);
    if (status == TALLY_OK)
        status = read_names(object, nodes[NAME], nodes[ORIGIN], founding, error);
    if (status == TALLY_OK)
        status = move_fields(object, nodes[PUBLIC], HALF_PUBLIC, config, error);
    if (status == TALLY_OK)
        status = move_fields(object, nodes[PRIVATE], HALF_PRIVATE, config, error);
    return status == TALLY_OK ? charter_check(config, error) : status;
}

/* Puts on record that it was made. */
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
    const char *name = founding->name;
    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    if (!principal_may_use(&request->principal, name)) {
        answer_problem(request, 403, "this key may not use a trail of that name");
        return;
    }
    tally_status status =
        trail_create(request->server->folder, name, &founding->config, &vkey, &error);
    /* Who holds the lock of a trail is this server: it is open. */
    if (status == TALLY_CONFLICT)
        answer_problem(request, 409, "%s", error.text);
    else if (status == TALLY_BUSY)
        answer_problem(request, 409, "there is a trail \"%s\" already", name);
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
    struct body_object object;
    if (!body_object_read(request, &object))
        return;
    struct founding founding = { .config = CHARTER_STANDARD };
    struct tally_error error = { 0 };
    if (read_founding(&object, &founding, &error) == TALLY_OK)
        create(request, &founding);
    else
        answer_fault(request, &error);
    body_object_close(&object);
}
