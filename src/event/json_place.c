/*
 * Where in a JSON text something is wrong: line, column and RFC 6901 pointer.
 *
 * Found only when it is needed, from the offset and the tape. While a text is being scanned the
 * containers that are still open have no `next`, and their last child is where scanning stopped;
 * that child's name may have no value yet.
 */
#include "fault.h"
#include "json.h"
#include "json_string.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

#define CUT_MARK      "\xe2\x80\xa6"
#define CUT_MARK_SIZE 3

/* A pointer that grows until it does not fit; then it ends in an ellipsis. */
struct pointer {
    char *text;
    size_t size;
    size_t capacity;
    bool full;
};

static void
append(struct pointer *pointer, const void *data, size_t size)
{
    if (pointer->full || size >= pointer->capacity - pointer->size - CUT_MARK_SIZE) {
        pointer->full = true;
        return;
    }
    memcpy(pointer->text + pointer->size, data, size);
    pointer->size += size;
}

static void
append_name(struct pointer *pointer, const struct json_tape *tape, uint32_t name)
{
    struct json_cursor cursor = json_cursor(json_inside(tape, name));
    uint32_t code_point;
    append(pointer, "/", 1);
    while (json_cursor_next(&cursor, &code_point) && !pointer->full) {
        uint8_t raw[6];
        if (code_point == '~')
            append(pointer, "~0", 2);
        else if (code_point == '/')
            append(pointer, "~1", 2);
        else if (code_point < 0x20) /* as an escape: the text ends at a NUL and goes to terminals */
            append(pointer, raw, json_put_escaped(code_point, raw));
        else
            append(pointer, raw, utf8_encode(code_point, raw));
    }
}

static void
append_index(struct pointer *pointer, uint32_t index)
{
    char text[16];
    int size = snprintf(text, sizeof text, "/%u", index);
    append(pointer, text, (size_t)size);
}

/* Whether the subtree of value `node` is `target` or holds it; one that is not complete reaches to
 * the end of the tape. */
static bool
holds(const struct json_tape *tape, uint32_t node, uint32_t target)
{
    uint32_t next = tape->nodes[node].next;
    return target >= node && (next == 0 || target < next);
}

/* The child of an object that leads to `target`, or 0; its name is appended. */
static uint32_t
step_object(const struct json_tape *tape, uint32_t object, uint32_t target, struct pointer *pointer)
{
    const struct json_node *nodes = tape->nodes;
    for (uint32_t i = object + 1; i < tape->count && i <= target; i = nodes[i + 1].next) {
        /* A name whose closing quote was not reached has no size. */
        if (nodes[i].size < 2)
            return 0;
        if (i + 1 >= tape->count || i == target) {
            append_name(pointer, tape, i);
            return 0;
        }
        if (holds(tape, i + 1, target)) {
            append_name(pointer, tape, i);
            return i + 1;
        }
    }
    return 0;
}

static uint32_t
step_array(const struct json_tape *tape, uint32_t array, uint32_t target, struct pointer *pointer)
{
    uint32_t index = 0;
    for (uint32_t i = array + 1; i < tape->count && i <= target; i = tape->nodes[i].next, index++) {
        if (holds(tape, i, target)) {
            append_index(pointer, index);
            return i;
        }
    }
    append_index(pointer, index);
    return 0;
}

static void
write_pointer(const struct json_tape *tape, uint32_t target, char *text, size_t capacity)
{
    struct pointer pointer = { .text = text, .capacity = capacity };
    uint32_t node = 0;
    do {
        if (node == target || tape->count == 0)
            break;
        if (tape->nodes[node].kind == JSON_KIND_OBJECT)
            node = step_object(tape, node, target, &pointer);
        else if (tape->nodes[node].kind == JSON_KIND_ARRAY)
            node = step_array(tape, node, target, &pointer);
        else
            node = 0;
    } while (node != 0);

    if (pointer.full) {
        memcpy(text + pointer.size, CUT_MARK, CUT_MARK_SIZE);
        pointer.size += CUT_MARK_SIZE;
    }
    text[pointer.size] = '\0';
}

static void
write_place(struct tally_error *error, const struct json_tape *tape, size_t offset, uint32_t node)
{
    const uint8_t *text = tape->text.data;
    uint64_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    size_t column = offset - line_start + 1;
    error->line = line;
    error->column = column > UINT32_MAX ? UINT32_MAX : (uint32_t)column;
    write_pointer(tape, node, error->pointer, sizeof error->pointer);
}

__attribute__((format(printf, 5, 0))) static tally_status
fill(struct tally_error *error, const struct json_tape *tape, size_t offset, uint32_t node,
     const char *format, va_list arguments)
{
    char text[sizeof error->text];
    if (error == NULL)
        return TALLY_INVALID;
    (void)vsnprintf(text, sizeof text, format, arguments);
    tally_status status = fault(error, TALLY_INVALID, "%s", text);
    write_place(error, tape, offset, node);
    return status;
}

tally_status
json_fault(struct tally_error *error, const struct json_tape *tape, uint32_t node,
           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tally_status status = fill(error, tape, tape->nodes[node].start, node, format, arguments);
    va_end(arguments);
    return status;
}

tally_status
json_fault_at(struct tally_error *error, const struct json_tape *tape, size_t offset,
              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tally_status status = fill(error, tape, offset, UINT32_MAX, format, arguments);
    va_end(arguments);
    return status;
}
