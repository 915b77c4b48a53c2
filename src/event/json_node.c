/*
 * The tape and its nodes: made, read, looked up.
 */
#include "fault.h"
#include "json.h"
#include "json_order.h"
#include "json_text.h"

#include <assert.h>
#include <stdlib.h>

tally_status
json_tape_init(struct json_tape *tape, uint32_t nodes, struct tally_error *error)
{
    assert(nodes >= 1 && nodes <= JSON_NODES_MAX);

    struct json_tape made = { .capacity = nodes };
    made.nodes = malloc(nodes * sizeof *made.nodes);
    made.scratch = malloc(nodes * sizeof *made.scratch);
    if (made.nodes == NULL || made.scratch == NULL) {
        json_tape_finish(&made);
        return memory_fault(error);
    }
    *tape = made;
    return TALLY_OK;
}

void
json_tape_finish(struct json_tape *tape)
{
    free(tape->nodes);
    free(tape->scratch);
    *tape = (struct json_tape){ 0 };
}

bool
json_string_is(const struct json_tape *tape, uint32_t node, struct bytes value)
{
    struct bytes inside = json_inside(tape, node);
    if (!tape->nodes[node].escaped)
        return bytes_equal(inside, value);
    return json_order_spells(inside, value);
}

void
json_string_decode(const struct json_tape *tape, uint32_t node, struct buffer *out)
{
    struct bytes inside = json_inside(tape, node);
    uint8_t *to = buffer_reserve(out, inside.size);
    if (to != NULL)
        out->size += json_text_decode(inside, to);
}

uint32_t
json_member(const struct json_tape *tape, uint32_t object, struct bytes name)
{
    const struct json_node *nodes = tape->nodes;
    if (nodes[object].kind != JSON_KIND_OBJECT)
        return 0;
    for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next) {
        if (json_string_is(tape, i, name))
            return i + 1;
    }
    return 0;
}

/* The element of an array at a decimal index without leading zeros, or 0. */
static uint32_t
element(const struct json_tape *tape, uint32_t array, struct bytes index)
{
    const struct json_node *nodes = tape->nodes;
    uint32_t wanted;
    if (!json_text_index(index, &wanted))
        return 0;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        if (wanted-- == 0)
            return i;
    }
    return 0;
}

uint32_t
json_find(const struct json_tape *tape, uint32_t node, const struct bytes *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        node = tape->nodes[node].kind == JSON_KIND_ARRAY ? element(tape, node, names[i])
                                                         : json_member(tape, node, names[i]);
        if (node == 0)
            return 0;
    }
    return node;
}
