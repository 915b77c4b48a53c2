/*
 * Composing.
 *
 * A member is two nodes: a name, whose `next` would be a hash that only the scanner itself asks for,
 * and a value. The object's own node stays open (`next` 0) until the end, as the scanner leaves it
 * while it reads, so that an error on the way finds its pointer.
 */
#include "json_compose.h"

#include "fault.h"
#include "json_string.h"
#include "utf8.h"

#include <stdio.h>

#define MEMBER_NODES 2

void
compose_begin(struct composing *composing)
{
    struct json_tape *tape = composing->tape;
    buffer_clear(composing->text);
    buffer_byte(composing->text, '{');
    tape->nodes[0] = (struct json_node){ .kind = JSON_KIND_OBJECT };
    tape->count = 1;
    tape->picked = 0;
    tape->depth = 1;
}

static void
add_node(struct composing *composing, enum json_kind kind, size_t start, size_t size)
{
    struct json_tape *tape = composing->tape;
    tape->nodes[tape->count] = (struct json_node){
        .start = (uint32_t)start,
        .size = (uint32_t)size,
        .next = tape->count + 1,
        .kind = (uint8_t)kind,
        .depth = 1,
    };
    tape->count++;
}

/* An error at the node added last. */
static tally_status
refuse(struct composing *composing, struct tally_error *error, const char *reason)
{
    composing->tape->text = buffer_view(composing->text);
    return json_fault(error, composing->tape, composing->tape->count - 1, "%s", reason);
}

/* Writes `"name":` and makes room for `size` bytes more. */
static tally_status
begin_member(struct composing *composing, struct bytes key, size_t size, struct tally_error *error)
{
    struct json_tape *tape = composing->tape;
    struct buffer *text = composing->text;
    if (tape->capacity - tape->count < MEMBER_NODES)
        return refuse(composing, error, "the text holds too many values");
    if (size > JSON_SIZE_MAX || text->size + size > JSON_SIZE_MAX)
        return refuse(composing, error, "one value is larger than 1 GiB");
    uint8_t *to = buffer_reserve(text, key.size + size + 2);
    if (to == NULL)
        return memory_fault(error);
    if (text->size > 1) {
        *to++ = ',';
        text->size++;
    }
    memcpy(to, key.data, key.size);
    add_node(composing, JSON_KIND_STRING, text->size, key.size - 1);
    text->size += key.size;
    return TALLY_OK;
}

/* A text that holds what must be escaped or is not ASCII. `to` has room for it. */
static tally_status
put_special(struct composing *composing, struct bytes value, uint8_t *to, struct tally_error *error)
{
    struct json_tape *tape = composing->tape;
    size_t start = composing->text->size;
    size_t size = (size_t)(json_put_string(value, to) - to);
    composing->text->size += size;
    add_node(composing, JSON_KIND_STRING, start, size);
    tape->nodes[tape->count - 1].escaped = size > value.size + 2;
    if (utf8_valid_size(value) < value.size)
        return refuse(composing, error, "the text is not valid UTF-8");
    return TALLY_OK;
}

tally_status
compose_string(struct composing *composing, struct bytes key, struct bytes value,
               struct tally_error *error)
{
    struct buffer *text = composing->text;
    const uint8_t *end = value.data + value.size;
    bool plain = value.size == 0 || json_skip_plain(value.data, end) == end;
    size_t size = plain ? value.size + 2 : JSON_STRING_SIZE_MAX(value.size);
    tally_status status = begin_member(composing, key, size, error);
    if (status != TALLY_OK)
        return status;
    uint8_t *to = text->data + text->size;
    if (!plain)
        return put_special(composing, value, to, error);

    to[0] = '"';
    if (value.size > 0)
        memcpy(to + 1, value.data, value.size);
    to[size - 1] = '"';
    add_node(composing, JSON_KIND_STRING, text->size, size);
    text->size += size;
    return TALLY_OK;
}

tally_status
compose_number(struct composing *composing, struct bytes key, struct bytes token,
               struct tally_error *error)
{
    tally_status status = begin_member(composing, key, token.size, error);
    if (status != TALLY_OK)
        return status;
    add_node(composing, JSON_KIND_NUMBER, composing->text->size, token.size);
    buffer_bytes(composing->text, token);
    return TALLY_OK;
}

tally_status
compose_json(struct composing *composing, struct bytes key, struct bytes json,
             struct tally_error *error)
{
    tally_status status = begin_member(composing, key, json.size, error);
    if (status != TALLY_OK)
        return status;
    size_t start = composing->text->size;
    buffer_bytes(composing->text, json);
    composing->tape->text = buffer_view(composing->text);
    status = json_scan_tail(composing->tape, start, error);
    if (status == TALLY_OK || error == NULL)
        return status;
    if (error->line == 1)
        error->column -= (uint32_t)start;
    if (error->pointer[0] == '\0')
        (void)snprintf(error->pointer, sizeof error->pointer, "/%.*s", (int)key.size - 3,
                       (const char *)key.data + 1);
    return status;
}

tally_status
compose_end(struct composing *composing, struct tally_error *error)
{
    struct json_tape *tape = composing->tape;
    buffer_byte(composing->text, '}');
    if (buffer_failed(composing->text))
        return memory_fault(error);
    tape->text = buffer_view(composing->text);
    tape->nodes[0].size = (uint32_t)tape->text.size;
    tape->nodes[0].next = tape->count;
    return TALLY_OK;
}
