/*
 * Composing.
 *
 * A member is two nodes, a name and a value. The object's own node stays open (`next` 0) until the
 * end, as the scanner leaves it while it reads, so that an error on the way finds its pointer.
 */
#include "compose.h"

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
static inline tally_status
begin_member(struct composing *composing, enum field_id field, size_t size,
             struct tally_error *error)
{
    struct json_tape *tape = composing->tape;
    struct buffer *text = composing->text;
    size_t needed = 1 + FIELD_KEY_CAPACITY + size;
    if (tape->capacity - tape->count < MEMBER_NODES)
        return refuse(composing, error, "the text holds too many values");
    if (size > JSON_SIZE_MAX || text->size + size > JSON_SIZE_MAX)
        return refuse(composing, error, "one value is larger than 1 GiB");
    if (text->capacity - text->size < needed && buffer_reserve(text, needed) == NULL)
        return memory_fault(error);

    /* The first key overwrites the comma. */
    uint8_t *to = text->data + text->size;
    *to = ',';
    size_t comma = text->size > 1;
    memcpy(to + comma, fields[field].key, FIELD_KEY_CAPACITY);
    add_node(composing, JSON_KIND_STRING, text->size + comma, fields[field].key_size - 1u);
    tape->nodes[tape->count - 1].next = field;
    text->size += comma + fields[field].key_size;
    return TALLY_OK;
}

/* A text that holds what must be escaped or is not ASCII. */
static tally_status
put_special(struct composing *composing, struct bytes value, struct tally_error *error)
{
    struct json_tape *tape = composing->tape;
    size_t start = composing->text->size;
    uint8_t *to = buffer_reserve(composing->text, JSON_STRING_SIZE_MAX(value.size));
    if (to == NULL)
        return memory_fault(error);
    size_t size = (size_t)(json_put_string(value, to) - to);
    composing->text->size += size;
    add_node(composing, JSON_KIND_STRING, start, size);
    tape->nodes[tape->count - 1].escaped = size > value.size + 2;
    if (utf8_valid_size(value) < value.size)
        return refuse(composing, error, "the text is not valid UTF-8");
    return TALLY_OK;
}

/* Whether a text goes between quotes as it is: ASCII, and nothing to escape. By words, the last of
 * which overlaps the one before. */
static bool
is_plain(struct bytes text)
{
    const uint8_t *end = text.data + text.size;
    if (text.size < 8) {
        uint64_t filler = JSON_EVERY_BYTE('a') << 8 * text.size;
        return text.size == 0 ||
               json_special_bytes(get_some(end, text.size) | filler, JSON_HIGH_BITS) == 0;
    }
    uint64_t special = json_special_bytes(get_u64(end - 8), JSON_HIGH_BITS);
    for (const uint8_t *at = text.data; end - at > 8; at += 8)
        special |= json_special_bytes(get_u64(at), JSON_HIGH_BITS);
    return special == 0;
}

tally_status
compose_string(struct composing *composing, enum field_id field, struct bytes value,
               struct tally_error *error)
{
    struct buffer *text = composing->text;
    size_t size = value.size + 2;
    bool plain = is_plain(value);
    tally_status status = begin_member(composing, field, size, error);
    if (status != TALLY_OK)
        return status;
    if (!plain)
        return put_special(composing, value, error);

    uint8_t *to = text->data + text->size;
    to[0] = '"';
    if (value.size > 0)
        memcpy(to + 1, value.data, value.size);
    to[size - 1] = '"';
    add_node(composing, JSON_KIND_STRING, text->size, size);
    text->size += size;
    return TALLY_OK;
}

tally_status
compose_number(struct composing *composing, enum field_id field, struct bytes token,
               struct tally_error *error)
{
    tally_status status = begin_member(composing, field, token.size, error);
    if (status != TALLY_OK)
        return status;
    add_node(composing, JSON_KIND_NUMBER, composing->text->size, token.size);
    buffer_bytes(composing->text, token);
    return TALLY_OK;
}

tally_status
compose_json(struct composing *composing, enum field_id field, struct bytes json,
             struct tally_error *error)
{
    tally_status status = begin_member(composing, field, json.size, error);
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
        (void)snprintf(error->pointer, sizeof error->pointer, "/%s",
                       (const char *)fields[field].name.data);
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
