/*
 * The canonical writer.
 *
 * Blanks go, members are sorted, escapes are spelled as RFC 8785 wants, numbers keep their token.
 * None of this can make a value longer than it was, so room for the token is room for its canonical
 * form, asked for once; the rest is copying.
 *
 * The tape's scratch is a stack of name lists: each object on the way down puts its sorted names
 * there. All lists on the stack together hold distinct names, which are at most half of the nodes;
 * the other half serves the sort.
 */
#include "json.h"
#include "json_order.h"
#include "json_string.h"

#include <assert.h>

static uint8_t *put_value(struct json_tape *tape, uint32_t node, uint32_t top, uint8_t *to);

static uint8_t *
put_token(struct bytes token, uint8_t *to)
{
    memcpy(to, token.data, token.size);
    return to + token.size;
}

/* A string as canonical JSON. One without escapes is so already: what would need one was refused.
 */
static uint8_t *
put_string(const struct json_tape *tape, uint32_t node, uint8_t *to)
{
    if (!tape->nodes[node].escaped)
        return put_token(json_token(tape, node), to);

    struct json_cursor cursor = json_cursor(json_inside(tape, node));
    uint32_t code_point;
    *to++ = '"';
    while (json_cursor_next(&cursor, &code_point))
        to += json_put_escaped(code_point, to);
    *to++ = '"';
    return to;
}

/* An object of the sorted names at scratch[first..top). */
static uint8_t *
put_members(struct json_tape *tape, uint32_t first, uint32_t top, uint8_t *to)
{
    *to++ = '{';
    for (uint32_t i = first; i < top; i++) {
        if (i > first)
            *to++ = ',';
        uint32_t name = tape->scratch[i];
        to = put_string(tape, name, to);
        *to++ = ':';
        to = put_value(tape, name + 1, top, to);
    }
    *to++ = '}';
    return to;
}

static uint8_t *
put_object(struct json_tape *tape, uint32_t object, uint32_t top, uint8_t *to)
{
    uint32_t *names = tape->scratch + top;
    uint32_t count = json_order_collect(tape, object, tape->nodes[object].next, names);
    json_order_sort(tape, names, count, names + count);
    return put_members(tape, top, top + count, to);
}

static uint8_t *
put_array(struct json_tape *tape, uint32_t array, uint32_t top, uint8_t *to)
{
    *to++ = '[';
    for (uint32_t i = array + 1; i < tape->nodes[array].next; i = tape->nodes[i].next) {
        if (i > array + 1)
            *to++ = ',';
        to = put_value(tape, i, top, to);
    }
    *to++ = ']';
    return to;
}

/* `top` is where the scratch is free. */
static uint8_t *
put_value(struct json_tape *tape, uint32_t node, uint32_t top, uint8_t *to)
{
    switch (tape->nodes[node].kind) {
    case JSON_KIND_STRING:
        return put_string(tape, node, to);
    case JSON_KIND_ARRAY:
        return put_array(tape, node, top, to);
    case JSON_KIND_OBJECT:
        return put_object(tape, node, top, to);
    default:
        return put_token(json_token(tape, node), to);
    }
}

void
json_canonical(struct json_tape *tape, uint32_t node, struct buffer *out)
{
    uint8_t *to = buffer_reserve(out, tape->nodes[node].size);
    if (to != NULL)
        out->size += (size_t)(put_value(tape, node, tape->picked, to) - to);
}

void
json_pick(struct json_tape *tape, uint32_t name)
{
    assert(tape->picked < tape->count);
    tape->scratch[tape->picked++] = name;
}

void
json_pick_members(struct json_tape *tape, uint32_t object)
{
    tape->picked +=
        json_order_collect(tape, object, tape->nodes[object].next, tape->scratch + tape->picked);
}

uint32_t
json_picked_twice(struct json_tape *tape)
{
    uint32_t *names = tape->scratch;
    uint32_t count = tape->picked;
    tape->picked = 0;
    json_order_sort(tape, names, count, names + count);
    return json_order_repeated(tape, names, count);
}

void
json_canonical_picked(struct json_tape *tape, struct buffer *out, uint32_t *twice_out)
{
    uint32_t *names = tape->scratch;
    uint32_t count = tape->picked;
    *twice_out = json_picked_twice(tape);
    if (*twice_out != 0)
        return;

    size_t size = 2;
    for (uint32_t i = 0; i < count; i++)
        size += tape->nodes[names[i]].size + tape->nodes[names[i] + 1].size + 2;
    uint8_t *to = buffer_reserve(out, size);
    if (to != NULL)
        out->size += (size_t)(put_members(tape, 0, count, to) - to);
}
