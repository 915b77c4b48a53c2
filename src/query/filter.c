/*
 * A filter's memory, its nodes, and its text.
 *
 * A filter owns one list of chunks; everything in it is taken from there and freed with it. Trees
 * have one form: an AND has no AND among its children, an OR no OR, a NOT no NOT, and none of them
 * fewer children than it needs. So a tree has one canonical text, and reading that text gives the
 * tree.
 *
 *     kind   written
 *     ALL    nothing
 *     AND    a b          (a b)      inside OR and NOT
 *     OR     a OR b       (a OR b)   inside AND and NOT
 *     NOT    -a
 */
#include "filter.h"

#include "fault.h"
#include "filter_parser.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SIZE ((size_t)2048)

struct filter_memory {
    struct filter_memory *older;
    size_t used, size;
    max_align_t data[];
};

void *
filter_take(struct filter *filter, size_t size)
{
    const size_t align = sizeof(max_align_t);
    size = (size + align - 1) / align * align;
    struct filter_memory *chunk = filter->memory;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = calloc(1, sizeof *chunk + room);
        if (chunk == NULL)
            return NULL;
        chunk->older = filter->memory;
        chunk->size = room;
        filter->memory = chunk;
    }
    void *taken = (uint8_t *)chunk->data + chunk->used;
    chunk->used += size;
    return taken;
}

struct bytes
filter_copy(struct filter *filter, struct bytes bytes)
{
    uint8_t *copy = filter_take(filter, bytes.size + 1);
    if (copy != NULL && bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}

tally_status
filter_create(const struct filter_options *options, struct filter **filter_out,
              struct tally_error *error)
{
    struct filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL)
        return memory_fault(error);
    filter->control = options->control == CONTROL_INCLUDED;
    *filter_out = filter;
    return TALLY_OK;
}

void
filter_destroy(struct filter *filter)
{
    if (filter == NULL)
        return;
    while (filter->memory != NULL) {
        struct filter_memory *chunk = filter->memory;
        filter->memory = chunk->older;
        free(chunk);
    }
    free(filter);
}

size_t
quoted_size(struct bytes text)
{
    size_t size = text.size < QUOTED_MAX ? text.size : QUOTED_MAX;
    while (size > 0 && size < text.size && (text.data[size] & 0xc0) == 0x80)
        size--; /* not in the middle of a character */
    return size;
}

tally_status
filter_refuse(const struct filter_parser *parser, size_t offset, const char *format, ...)
{
    char text[sizeof parser->error->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    if (parser->parameter.size > 0)
        (void)fault(parser->error, TALLY_INVALID, "%.*s: %s", BYTES_ARG(parser->parameter), text);
    else
        (void)fault(parser->error, TALLY_INVALID, "%s", text);
    if (parser->error != NULL)
        parser->error->column = (uint32_t)offset + 1;
    return TALLY_INVALID;
}

struct filter_term
term_of_field(enum field_id field)
{
    return (
        struct filter_term){ .target = TARGET_FIELD, .field = field, .since = fields[field].since };
}

/*
 * Nodes.
 */

tally_status
node_join(struct filter_parser *parser, enum filter_kind kind, struct filter_node *first,
          struct filter_node **node_out)
{
    assert(kind == FILTER_AND || kind == FILTER_OR);
    if (first->next == NULL) {
        *node_out = first;
        return TALLY_OK;
    }

    struct filter_node *node = filter_take(parser->filter, sizeof *node);
    if (node == NULL)
        return memory_fault(parser->error);
    node->kind = kind;
    const struct filter_node **end = &node->first;
    for (struct filter_node *child = first, *next; child != NULL; child = next) {
        next = (struct filter_node *)child->next;
        *end = child->kind == kind ? child->first : child;
        /* To the end of what was linked in, where the next child goes. */
        struct filter_node *last = (struct filter_node *)*end;
        if (child->kind == kind) {
            while (last->next != NULL)
                last = (struct filter_node *)last->next;
        }
        end = &last->next;
        *end = NULL;
    }
    *node_out = node;
    return TALLY_OK;
}

tally_status
node_negate(struct filter_parser *parser, struct filter_node *child, struct filter_node **node_out)
{
    if (child->kind == FILTER_NOT) {
        *node_out = (struct filter_node *)child->first;
        return TALLY_OK;
    }
    struct filter_node *node = filter_take(parser->filter, sizeof *node);
    if (node == NULL)
        return memory_fault(parser->error);
    node->kind = FILTER_NOT;
    node->first = child;
    *node_out = node;
    return TALLY_OK;
}

tally_status
node_term(struct filter_parser *parser, const struct filter_term *term,
          const struct value_list *list, size_t offset, struct filter_node **node_out)
{
    if (parser->term_count == FILTER_TERMS_MAX)
        return filter_refuse(parser, offset, "a filter has at most %d terms", FILTER_TERMS_MAX);
    struct filter_node *node = filter_take(parser->filter, sizeof *node);
    if (node == NULL)
        return memory_fault(parser->error);

    parser->term_count++;
    node->kind = FILTER_TERM;
    node->term = *term;
    node->term.values = list->values;
    node->term.value_count = list->count;
    if (term->target <= TARGET_MEMBER && term->field == FIELD_CONTROL)
        parser->filter->control = true;
    *node_out = node;
    return TALLY_OK;
}
