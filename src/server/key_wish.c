#include "key_wish.h"

#include "clock.h"
#include "folder.h"

#include <stdio.h>

static tally_status
read_role(const struct body_object *object, uint32_t node, enum role *role_out,
          struct tally_error *error)
{
    char name[16];
    tally_status status = body_object_text(object, node, sizeof name - 1, name, error);
    if (status == TALLY_OK && !role_find(name, role_out))
        return json_fault(error, &object->tape, node, "a role is admin, auditor or writer");
    return status;
}

static tally_status
read_trails(const struct body_object *object, uint32_t array, char *trails,
            struct tally_error *error)
{
    const struct json_tape *tape = &object->tape;
    if (tape->nodes[array].kind != JSON_KIND_ARRAY || tape->nodes[array].next == array + 1)
        return json_fault(error, tape, array, "an array of trails' names is wanted, or null: all");
    size_t size = 0;
    for (uint32_t i = array + 1; i < tape->nodes[array].next; i = tape->nodes[i].next) {
        char name[TRAIL_NAME_MAX + 1];
        tally_status status = body_object_text(object, i, TRAIL_NAME_MAX, name, error);
        if (status != TALLY_OK)
            return status;
        if (!trail_name_valid(name))
            return json_fault(error, tape, i, "a trail's name has a-z, 0-9 and -, no - first");
        if (size + strlen(name) + 1 > KEYRING_TRAILS_MAX)
            return json_fault(error, tape, i, "these are too many trails for one key");
        size += (size_t)snprintf(trails + size, KEYRING_TRAILS_MAX + 1 - size, "%s%s",
                                 size > 0 ? "," : "", name);
    }
    return TALLY_OK;
}

static tally_status
read_expiry(const struct body_object *object, uint32_t node, int64_t *expires_out,
            struct tally_error *error)
{
    char text[64];
    tally_status status = body_object_text(object, node, sizeof text - 1, text, error);
    if (status != TALLY_OK)
        return status;
    struct instant instant;
    const char *reason;
    if (!instant_parse(bytes_text(text), &instant, &reason))
        return json_fault(error, &object->tape, node, "an RFC 3339 time is wanted: %s", reason);
    if (instant.ns <= clock_now())
        return json_fault(error, &object->tape, node, "this is past already");
    *expires_out = instant.ns;
    return TALLY_OK;
}

tally_status
key_wish_read(const struct body_object *object, struct key_wish *wish, struct tally_error *error)
{
    enum member {
        NAME,
        ROLE,
        TRAILS,
        EXPIRES,
        MEMBER_COUNT
    };
    static const char *const names[MEMBER_COUNT] = { "name", "role", "trails", "expires" };
    uint32_t nodes[MEMBER_COUNT];
    *wish = (struct key_wish){ 0 };
    struct keyring_request *key = &wish->request;
    tally_status status = body_object_find(object, names, MEMBER_COUNT, nodes, error);
    if (status != TALLY_OK)
        return status;
    if (nodes[NAME] == 0 || nodes[ROLE] == 0)
        return json_fault(error, &object->tape, 0, "a key needs a name and a role");
    status = body_object_text(object, nodes[NAME], KEYRING_NAME_MAX, wish->name, error);
    if (status == TALLY_OK)
        status = read_role(object, nodes[ROLE], &key->role, error);
    if (status == TALLY_OK && nodes[TRAILS] != 0)
        status = read_trails(object, nodes[TRAILS], wish->trails, error);
    if (status == TALLY_OK && nodes[EXPIRES] != 0)
        status = read_expiry(object, nodes[EXPIRES], &key->expires, error);
    key->name = wish->name;
    key->trails = nodes[TRAILS] == 0 ? NULL : wish->trails;
    return status;
}
