/*
 * The order of members: sorted when a value is written, and when names are many or escaped and must
 * be shown to differ.
 *
 * Names are compared where they stand. Those without escapes compare as bytes (but for one case,
 * see json_name_order); the others are decoded on the way, without memory. A few names are sorted
 * by insertion, more by merging from the bottom up.
 */
#include "json_order.h"

#include "json_string.h"
#include "utf8.h"

#define INSERTION_MAX 12

/* A code point so that code points compare as their UTF-16 units do: those beyond U+FFFF begin with
 * a surrogate and come before U+E000. */
static uint32_t
utf16_rank(uint32_t code_point)
{
    if (code_point >= 0x10000)
        return code_point - 0x10000 + 0xe000;
    if (code_point >= 0xe000)
        return code_point + 0x100000;
    return code_point;
}

static int
order_decoded(struct bytes a, struct bytes b)
{
    struct json_cursor x = json_cursor(a);
    struct json_cursor y = json_cursor(b);
    for (;;) {
        uint32_t p, q;
        bool more_x = json_cursor_next(&x, &p);
        bool more_y = json_cursor_next(&y, &q);
        if (!more_x || !more_y)
            return more_x - more_y;
        if (p != q)
            return utf16_rank(p) < utf16_rank(q) ? -1 : 1;
    }
}

static int
order(const struct json_tape *tape, uint32_t a, uint32_t b)
{
    const struct json_node *nodes = tape->nodes;
    if (nodes[a].escaped || nodes[b].escaped)
        return order_decoded(json_inside(tape, a), json_inside(tape, b));
    return json_name_order(json_inside(tape, a), json_inside(tape, b));
}

uint32_t
json_order_collect(const struct json_tape *tape, uint32_t object, uint32_t end, uint32_t *names)
{
    uint32_t count = 0;
    for (uint32_t i = object + 1; i < end; i = tape->nodes[i + 1].next)
        names[count++] = i;
    return count;
}

static void
sort_by_insertion(const struct json_tape *tape, uint32_t *names, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t name = names[i];
        uint32_t j = i;
        for (; j > 0 && order(tape, names[j - 1], name) > 0; j--)
            names[j] = names[j - 1];
        names[j] = name;
    }
}

/* Merges from[0..middle) and from[middle..count) into `to`. */
static void
merge(const struct json_tape *tape, const uint32_t *from, uint32_t middle, uint32_t count,
      uint32_t *to)
{
    uint32_t left = 0;
    uint32_t right = middle;
    for (uint32_t i = 0; i < count; i++) {
        bool take_left =
            right == count || (left < middle && order(tape, from[left], from[right]) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

void
json_order_sort(const struct json_tape *tape, uint32_t *names, uint32_t count, uint32_t *spare)
{
    for (uint32_t i = 0; i < count; i += INSERTION_MAX) {
        uint32_t left = count - i;
        sort_by_insertion(tape, names + i, left < INSERTION_MAX ? left : INSERTION_MAX);
    }
    for (uint32_t width = INSERTION_MAX; width < count; width *= 2) {
        for (uint32_t i = 0; i < count; i += 2 * width) {
            uint32_t left = count - i;
            uint32_t size = left < 2 * width ? left : 2 * width;
            merge(tape, names + i, size < width ? size : width, size, spare + i);
        }
        memcpy(names, spare, count * sizeof *names);
    }
}

uint32_t
json_order_repeated(const struct json_tape *tape, const uint32_t *names, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (order(tape, names[i - 1], names[i]) == 0)
            return names[i - 1] < names[i] ? names[i] : names[i - 1];
    }
    return 0;
}

bool
json_order_spells(struct bytes inside, struct bytes value)
{
    struct json_cursor cursor = json_cursor(inside);
    uint32_t code_point;
    size_t at = 0;
    while (json_cursor_next(&cursor, &code_point)) {
        uint32_t other;
        size_t size = utf8_decode(bytes_of(value.data + at, value.size - at), &other);
        if (size == 0 || other != code_point)
            return false;
        at += size;
    }
    return at == value.size;
}
