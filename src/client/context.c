/*
 * Contexts.
 *
 * A context is made once and read with every event, so what an event needs of it lies ready: each
 * member as a piece of JSON with its comma, all in one run of bytes behind the table of members. It
 * takes what it lacks from the outer one when it is made, and then has nothing to do with it any
 * more: entering, leaving and reading follow no chain.
 *
 * The members are checked with the functions that check an event's. There are few and they are
 * flat, so the tape for that is a small one on the stack.
 */
#include "context.h"

#include "event.h"
#include "fault.h"
#include "members.h"
#include "value.h"

#include <assert.h>
#include <stdlib.h>

/* Names and values of all fields, and what shows that there is one too many. */
#define NODES_MAX (2 * FIELD_COUNT + 8)

/* A context being made. */
struct making {
    struct json_tape tape;
    struct arena arena;
    struct event event; /* the values */
    struct json_node nodes[NODES_MAX];
    uint32_t scratch[NODES_MAX];
    struct bytes tokens[FIELD_COUNT];
    const struct tally_context *outer;
};

static void
begin(struct making *making, const struct tally_context *outer)
{
    making->tape = (struct json_tape){ .nodes = making->nodes,
                                       .scratch = making->scratch,
                                       .capacity = NODES_MAX };
    making->arena = (struct arena){ 0 };
    making->event.present = 0;
    making->outer = outer;
}

static tally_status
read_member(struct making *making, uint32_t name, struct tally_error *error)
{
    const uint64_t own = FIELDS_FIXED | FIELD_BIT(FIELD_DETAILS) | FIELD_BIT(FIELD_CHANGES);
    const struct json_tape *tape = &making->tape;
    enum field_id field = event_name_field(tape, name);
    if (field == FIELD_COUNT || (own & FIELD_BIT(field)) != 0)
        return json_fault(error, tape, name, "%.*s is nothing that a context can have",
                          BYTES_ARG(json_inside(tape, name)));
    if (tape->nodes[name + 1].kind == JSON_KIND_NULL)
        return TALLY_OK;
    tally_status status = value_read(field, tape, name + 1, &making->arena, &making->event, error);
    if (status != TALLY_OK)
        return status;
    making->event.present |= FIELD_BIT(field);
    making->tokens[field] = json_token(tape, name + 1);
    return TALLY_OK;
}

static tally_status
read_members(struct making *making, struct tally_error *error)
{
    const struct json_node *nodes = making->tape.nodes;
    if (nodes[0].kind != JSON_KIND_OBJECT)
        return json_fault(error, &making->tape, 0, "a context is a JSON object, not %s",
                          value_kind_text(nodes[0].kind));
    for (uint32_t name = 1; name < nodes[0].next; name = nodes[name + 1].next) {
        tally_status status = read_member(making, name, error);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

const struct context_member *
context_find(const struct tally_context *context, enum field_id field)
{
    if (context == NULL || (context->present & FIELD_BIT(field)) == 0)
        return NULL;
    uint64_t before = context->present & (FIELD_BIT(field) - 1);
    return &context->members[__builtin_popcountll(before)];
}

/* What is to be copied for a field: as context_member, with `json` in two parts. */
struct piece {
    struct bytes key;
    struct bytes value; /* with the comma, where it has one already */
    struct bytes text;
    bool comma; /* it needs one */
};

static struct piece
piece_of(const struct making *making, enum field_id field)
{
    const struct context_member *outer = context_find(making->outer, field);
    if ((making->event.present & FIELD_BIT(field)) == 0)
        return (struct piece){ { 0 }, outer->json, outer->text, false };

    struct piece piece = {
        bytes_of(fields[field].key, fields[field].key_size), making->tokens[field], { 0 }, true
    };
    if (!field_type_raw(fields[field].type))
        piece.text = making->event.values[field];
    return piece;
}

static size_t
piece_json_size(const struct piece *piece)
{
    return piece->key.size + piece->value.size + piece->comma;
}

static uint8_t *
put(uint8_t *to, struct bytes bytes)
{
    if (bytes.size > 0)
        memcpy(to, bytes.data, bytes.size);
    return to + bytes.size;
}

/* Writes member by member: the JSON pieces from `json` on, the texts from `text` on. */
static void
fill(struct tally_context *context, const struct making *making, uint8_t *json, uint8_t *text)
{
    context->json.data = json;
    for (uint64_t left = context->present; left != 0; left &= left - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(left);
        struct piece piece = piece_of(making, field);
        struct context_member *member = &context->members[context->count++];
        *member = (struct context_member){ field, bytes_of(json, piece_json_size(&piece)),
                                           bytes_of(text, piece.text.size) };
        json = put(put(json, piece.key), piece.value);
        if (piece.comma)
            *json++ = ',';
        text = put(text, piece.text);
    }
    context->json.size = (size_t)(json - context->json.data);
}

static tally_status
make(const struct making *making, struct tally_context **context_out, struct tally_error *error)
{
    uint64_t present = making->event.present;
    if (making->outer != NULL)
        present |= making->outer->present;
    size_t json_size = 0, text_size = 0, count = 0;
    for (uint64_t left = present; left != 0; left &= left - 1, count++) {
        struct piece piece = piece_of(making, (enum field_id)__builtin_ctzll(left));
        json_size += piece_json_size(&piece);
        text_size += piece.text.size;
    }

    struct tally_context *context;
    size_t table_size = sizeof *context + count * sizeof context->members[0];
    context = malloc(table_size + json_size + text_size);
    if (context == NULL)
        return memory_fault(error);
    *context = (struct tally_context){ .holders = 1, .present = present };
    uint8_t *json = (uint8_t *)context + table_size;
    fill(context, making, json, json + json_size);
    *context_out = context;
    return TALLY_OK;
}

static tally_status
finish(struct making *making, tally_status status, struct tally_context **context_out,
       struct tally_error *error)
{
    if (status == TALLY_OK)
        status = read_members(making, error);
    if (status == TALLY_OK)
        status = make(making, context_out, error);
    arena_finish(&making->arena);
    return status;
}

tally_status
tally_context_create(const struct tally_event *members, const struct tally_context *outer,
                     struct tally_context **context_out, struct tally_error *error)
{
    struct making making;
    struct buffer text = { 0 };
    struct composing composing = { &making.tape, &text };
    begin(&making, outer);
    tally_status status = members_compose(members, &composing, error);
    status = finish(&making, status, context_out, error);
    if (status == TALLY_INVALID && error != NULL)
        error->line = error->column = 0;
    buffer_free(&text);
    return status;
}

tally_status
tally_context_create_json(const char *json, size_t size, const struct tally_context *outer,
                          struct tally_context **context_out, struct tally_error *error)
{
    struct making making;
    begin(&making, outer);
    tally_status status = json_scan(&making.tape, bytes_of(json, size), error);
    return finish(&making, status, context_out, error);
}

struct tally_context *
tally_context_retain(struct tally_context *context)
{
    if (context != NULL)
        atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    return context;
}

void
tally_context_release(struct tally_context *context)
{
    if (context != NULL &&
        atomic_fetch_sub_explicit(&context->holders, 1, memory_order_acq_rel) == 1)
        free(context);
}

/* What a thread has entered, the top last. */
struct stack {
    struct tally_context *contexts[TALLY_CONTEXT_DEPTH_MAX];
    unsigned depth;
};

static _Thread_local struct stack stack;

static tally_status
check_room(struct tally_error *error)
{
    if (stack.depth < TALLY_CONTEXT_DEPTH_MAX)
        return TALLY_OK;
    return fault(error, TALLY_FULL, "this thread is inside %d contexts; is one not left?",
                 TALLY_CONTEXT_DEPTH_MAX);
}

tally_status
tally_context_enter(struct tally_context *context, struct tally_error *error)
{
    tally_status status = check_room(error);
    if (status == TALLY_OK)
        stack.contexts[stack.depth++] = tally_context_retain(context);
    return status;
}

void
tally_context_leave(void)
{
    assert(stack.depth > 0);

    tally_context_release(stack.contexts[--stack.depth]);
}

struct tally_context *
tally_context_current(void)
{
    return stack.depth == 0 ? NULL : stack.contexts[stack.depth - 1];
}

tally_status
tally_context_push(const struct tally_event *members, struct tally_error *error)
{
    tally_status status = check_room(error);
    if (status != TALLY_OK)
        return status;
    struct tally_context *context;
    status = tally_context_create(members, tally_context_current(), &context, error);
    if (status == TALLY_OK)
        stack.contexts[stack.depth++] = context;
    return status;
}

void
tally_context_pop(void)
{
    tally_context_leave();
}
