/*
 * Both states are made canonical, so that their members stand in one order and equal values are
 * equal bytes; then they are merged. The names are compared decoded, because that is what the order
 * is of; in canonical form a name has one spelling, which goes over as it is.
 */
#include "difference.h"

#include "event.h"
#include "fault.h"
#include "json_text.h"
#include "value.h"

#include <stdio.h>

/* The side of a change that has no such member. */
static const struct bytes absent = { NULL, 0 };

/* One of the two states, and where its reader is. */
struct state {
    struct buffer canonical;
    struct buffer decoded; /* the name at hand */
    size_t at;
    bool more; /* there is a member at hand */
    struct bytes name;
    struct bytes value;
};

/* Every value takes a character at least, and a comma, a colon or a bracket. */
static uint32_t
nodes_for(struct bytes text)
{
    return text.size / 2 + 2 < EVENT_NODES_MAX ? (uint32_t)(text.size / 2 + 2) : EVENT_NODES_MAX;
}

static tally_status
read_object(struct bytes text, struct buffer *canonical, struct tally_error *error)
{
    struct json_tape tape;
    tally_status status = json_tape_init(&tape, nodes_for(text), error);
    if (status != TALLY_OK)
        return status;
    status = json_scan(&tape, text, error);
    if (status == TALLY_OK && tape.nodes[0].kind != JSON_KIND_OBJECT)
        status = json_fault(error, &tape, 0, "a state is a JSON object, not %s",
                            value_kind_text(tape.nodes[0].kind));
    if (status == TALLY_OK && canonical != NULL) {
        json_canonical(&tape, 0, canonical);
        if (buffer_failed(canonical))
            status = memory_fault(error);
    }
    json_tape_finish(&tape);
    return status;
}

tally_status
difference_check(struct bytes state, struct tally_error *error)
{
    return read_object(state, NULL, error);
}

static void
next_member(struct state *state)
{
    state->more =
        json_text_next(buffer_view(&state->canonical), &state->at, &state->name, &state->value);
    if (!state->more)
        return;
    buffer_clear(&state->decoded);
    uint8_t *to = buffer_reserve(&state->decoded, state->name.size);
    if (to != NULL)
        state->decoded.size = json_text_decode(state->name, to);
}

/* Says in an error which of the states it is about. */
static void
name_state(struct tally_error *error, const char *name)
{
    struct tally_error copy = *error;
    (void)snprintf(error->text, sizeof error->text, "%s: %.480s", name, copy.text);
}

static tally_status
begin(struct state *state, struct bytes text, const char *name, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (text.data != NULL)
        status = read_object(text, &state->canonical, error);
    if (status == TALLY_OK)
        next_member(state);
    else if (error != NULL)
        name_state(error, name);
    return status;
}

/* Which state's member comes first: negative, 0 (they are of one name), positive. */
static int
order(const struct state *before, const struct state *after)
{
    if (!before->more || !after->more)
        return after->more - before->more;
    return json_name_order(buffer_view(&before->decoded), buffer_view(&after->decoded));
}

static void
put_change(struct bytes name, struct bytes before, struct bytes after, bool first,
           struct buffer *out)
{
    if (bytes_equal(before, after))
        return;
    buffer_text(out, first ? "\"" : ",\"");
    buffer_bytes(out, name);
    buffer_text(out, "\":{");
    if (before.data != NULL) {
        buffer_text(out, "\"before\":");
        buffer_bytes(out, before);
    }
    if (after.data != NULL) {
        buffer_text(out, before.data != NULL ? ",\"after\":" : "\"after\":");
        buffer_bytes(out, after);
    }
    buffer_byte(out, '}');
}

static void
merge(struct state *before, struct state *after, struct buffer *out)
{
    size_t start = out->size + 1;
    buffer_byte(out, '{');
    while (before->more || after->more) {
        int first = order(before, after);
        struct bytes name = first <= 0 ? before->name : after->name;
        put_change(name, first <= 0 ? before->value : absent, first >= 0 ? after->value : absent,
                   out->size == start, out);
        if (first <= 0)
            next_member(before);
        if (first >= 0)
            next_member(after);
    }
    buffer_byte(out, '}');
}

tally_status
difference_write(struct bytes before, struct bytes after, struct buffer *out,
                 struct tally_error *error)
{
    struct state states[2] = { { .at = 0 }, { .at = 0 } };
    size_t start = out->size;
    tally_status status = begin(&states[0], before, "before", error);
    if (status == TALLY_OK)
        status = begin(&states[1], after, "after", error);
    if (status == TALLY_OK) {
        merge(&states[0], &states[1], out);
        if (buffer_failed(out) || buffer_failed(&states[0].decoded) ||
            buffer_failed(&states[1].decoded))
            status = memory_fault(error);
    }
    if (status != TALLY_OK)
        out->size = start;
    for (unsigned i = 0; i < 2; i++) {
        buffer_free(&states[i].canonical);
        buffer_free(&states[i].decoded);
    }
    return status;
}
