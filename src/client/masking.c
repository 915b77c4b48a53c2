/*
 * Masking while copying.
 *
 * The text goes over in runs as long as nothing is to be masked, which is nearly always: then one
 * memcpy copies all of it. The walk is over the tape, whose nodes stand in the order of the text, so
 * `copied` only moves forward.
 */
#include "masking.h"

#include "card.h"

#define FIELDS_FREE_TEXT (FIELD_BIT(FIELD_MESSAGE) | FIELD_BIT(FIELD_ERROR_MESSAGE))

void
masking_init(struct masking *masking, const struct mask *mask, const struct json_tape *tape,
             struct buffer *out)
{
    *masking = (struct masking){
        .mask = mask,
        .tape = tape,
        .out = out,
        .fields = mask_has_patterns(mask) ? FIELDS_ALL : FIELDS_FREE_TEXT,
    };
}

void
masking_finish(struct masking *masking)
{
    buffer_free(&masking->decoded);
    buffer_free(&masking->masked);
}

void
masking_begin(struct masking *masking, size_t start)
{
    masking->copied = start;
}

void
masking_end(struct masking *masking, size_t end)
{
    const uint8_t *text = masking->tape->text.data;
    buffer_append(masking->out, text + masking->copied, end - masking->copied);
    masking->copied = end;
}

/* Goes on behind node, whose place is to be filled by the caller. */
static void
cut_out(struct masking *masking, uint32_t node)
{
    const struct json_node *at = &masking->tape->nodes[node];
    masking_end(masking, at->start);
    masking->copied = at->start + at->size;
    masking->count++;
}

static void
hide(struct masking *masking, uint32_t node)
{
    if (masking->tape->nodes[node].kind == JSON_KIND_NULL)
        return;
    cut_out(masking, node);
    buffer_text(masking->out, "\"" MASK_TEXT "\"");
}

/* A string's characters, decoded: lent until the next call. */
static struct bytes
decode(struct masking *masking, uint32_t node)
{
    if (!masking->tape->nodes[node].escaped)
        return json_inside(masking->tape, node);
    buffer_clear(&masking->decoded);
    json_string_decode(masking->tape, node, &masking->decoded);
    return buffer_view(&masking->decoded);
}

/* What is left of a text after masking, in `masked`; `size_max` 0 is no limit. */
static bool
mask_into(struct masking *masking, struct bytes text, enum mask_text_kind kind, size_t size_max)
{
    struct buffer *masked = &masking->masked;
    buffer_clear(masked);
    if (mask_text(masking->mask, text, kind, masked) == 0)
        return false;
    if (size_max > 0 && masked->size > size_max) {
        buffer_clear(masked);
        buffer_text(masked, MASK_TEXT);
    }
    if (buffer_failed(masked))
        masking->out->failed = true;
    return true;
}

static enum mask_text_kind
kind_of(enum field_id field)
{
    return (FIELDS_FREE_TEXT & FIELD_BIT(field)) != 0 ? MASK_FREE_TEXT : MASK_IDENTIFIER;
}

void
masking_field(struct masking *masking, enum field_id field, uint32_t node)
{
    if (fields[field].type != TYPE_TEXT ||
        !mask_into(masking, decode(masking, node), kind_of(field), fields[field].size_max))
        return;
    cut_out(masking, node);
    json_write_string(buffer_view(&masking->masked), masking->out);
}

bool
masking_text(struct masking *masking, enum field_id field, struct bytes text)
{
    if (fields[field].type != TYPE_TEXT ||
        !mask_into(masking, text, kind_of(field), fields[field].size_max))
        return false;
    masking->count++;
    json_write_string(buffer_view(&masking->masked), masking->out);
    return true;
}

static void
mask_string(struct masking *masking, uint32_t node)
{
    if (!mask_into(masking, decode(masking, node), MASK_FREE_TEXT, 0))
        return;
    cut_out(masking, node);
    json_write_string(buffer_view(&masking->masked), masking->out);
}

static bool
is_secret(struct masking *masking, uint32_t name)
{
    return mask_is_secret(masking->mask, decode(masking, name));
}

void
masking_member(struct masking *masking, uint32_t name)
{
    if (is_secret(masking, name))
        hide(masking, name + 1);
    else
        masking_value(masking, name + 1);
}

static void
mask_members(struct masking *masking, uint32_t object)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = object + 1; name < nodes[object].next; name = nodes[name + 1].next)
        masking_member(masking, name);
}

/* Recursion as deep as the scanner lets JSON be. */
void
masking_value(struct masking *masking, uint32_t node)
{
    const struct json_node *nodes = masking->tape->nodes;
    switch (nodes[node].kind) {
    case JSON_KIND_OBJECT:
        mask_members(masking, node);
        break;
    case JSON_KIND_ARRAY:
        for (uint32_t i = node + 1; i < nodes[node].next; i = nodes[i].next)
            masking_value(masking, i);
        break;
    case JSON_KIND_STRING:
        mask_string(masking, node);
        break;
    case JSON_KIND_NUMBER:
        if (card_is(json_token(masking->tape, node)))
            hide(masking, node);
        break;
    default:
        break;
    }
}

static void
hide_members(struct masking *masking, uint32_t object)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = object + 1; name < nodes[object].next; name = nodes[name + 1].next)
        hide(masking, name + 1);
}

void
masking_changes(struct masking *masking, uint32_t changes)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = changes + 1; name < nodes[changes].next; name = nodes[name + 1].next) {
        if (nodes[name + 1].kind == JSON_KIND_OBJECT && is_secret(masking, name))
            hide_members(masking, name + 1);
        else
            masking_member(masking, name);
    }
}
