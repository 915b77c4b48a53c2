/*
 * Masking while copying.
 *
 * The text goes over in runs as long as nothing is to be masked, which is nearly always: then one
 * memcpy copies all of it. The walk is over the tape, whose nodes stand in the order of the text, so
 * `copied` only moves forward.
 */
#include "masking.h"

#include "card.h"

#define FIELDS_FREE_TEXT \
    (FIELD_BIT(FIELD_MESSAGE) | FIELD_BIT(FIELD_ERROR_MESSAGE) | FIELD_BIT(FIELD_ENDPOINT))

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

/* A value under a name that is not plain. */
static void
hide(struct masking *masking, enum mask_name name, uint32_t node)
{
    uint8_t kind = masking->tape->nodes[node].kind;
    if (kind == JSON_KIND_NULL)
        return;
    if (name == MASK_NAME_SECRETS && kind != JSON_KIND_STRING && kind != JSON_KIND_ARRAY &&
        kind != JSON_KIND_OBJECT)
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

static enum mask_name
name_kind(struct masking *masking, uint32_t name)
{
    return mask_name_kind(masking->mask, decode(masking, name));
}

void
masking_member(struct masking *masking, uint32_t name)
{
    enum mask_name kind = name_kind(masking, name);
    if (kind == MASK_NAME_PLAIN)
        masking_value(masking, name + 1);
    else
        hide(masking, kind, name + 1);
}

/* Whether a name is one of these, or ends so: old_value, ParameterKey. `letters`: their last ones, in
 * the order of the alphabet a bit each, because most names are none of them. */
static inline bool
ends_as(struct bytes name, const struct bytes *ends, size_t count, uint32_t letters)
{
    if (name.size == 0 || (letters >> (name.data[name.size - 1] & 31) & 1) == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct bytes end = ends[i];
        if (name.size < end.size || (name.data[name.size - 1] | 0x20) != end.data[end.size - 1])
            continue;
        const uint8_t *last = name.data + name.size - end.size;
        if (field_same_letters(bytes_of(last, end.size), (const char *)end.data))
            return true;
    }
    return false;
}

#define LETTER(c)     (UINT32_C(1) << ((c)&31))
#define LABEL_LETTERS (LETTER('e') | LETTER('y') | LETTER('d') | LETTER('r'))
#define VALUE_LETTERS (LETTER('e') | LETTER('s') | LETTER('r') | LETTER('d') | LETTER('w'))

/* Of `{"name": "password", "value": "x"}` what the value is called. */
static enum mask_name
label_kind(struct masking *masking, uint32_t object)
{
    static const struct bytes labels[] = { BYTES("name"), BYTES("key"), BYTES("field"),
                                           BYTES("header") };
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = object + 1; name < nodes[object].next; name = nodes[name + 1].next) {
        if (nodes[name + 1].kind != JSON_KIND_STRING ||
            !ends_as(decode(masking, name), labels, sizeof labels / sizeof *labels, LABEL_LETTERS))
            continue;
        enum mask_name kind = name_kind(masking, name + 1);
        if (kind != MASK_NAME_PLAIN)
            return kind;
    }
    return MASK_NAME_PLAIN;
}

static void
mask_members(struct masking *masking, uint32_t object)
{
    static const struct bytes values[] = { BYTES("value"), BYTES("values"), BYTES("before"),
                                           BYTES("after"), BYTES("old"),    BYTES("new") };
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = object + 1; name < nodes[object].next; name = nodes[name + 1].next) {
        enum mask_name kind = MASK_NAME_PLAIN;
        if (ends_as(decode(masking, name), values, sizeof values / sizeof *values, VALUE_LETTERS))
            kind = label_kind(masking, object);
        if (kind != MASK_NAME_PLAIN)
            hide(masking, kind, name + 1);
        else
            masking_member(masking, name);
    }
}

/* Elements of an array; one that is a pair of a name and its value is taken as such. */
static void
mask_elements(struct masking *masking, uint32_t array)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        bool pair = nodes[i].kind == JSON_KIND_ARRAY && i + 1 < nodes[i].next &&
                    nodes[i + 1].kind == JSON_KIND_STRING && i + 2 < nodes[i].next &&
                    nodes[i + 2].next == nodes[i].next;
        enum mask_name kind = pair ? name_kind(masking, i + 1) : MASK_NAME_PLAIN;
        if (kind != MASK_NAME_PLAIN)
            hide(masking, kind, i + 2);
        else
            masking_value(masking, i);
    }
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
        mask_elements(masking, node);
        break;
    case JSON_KIND_STRING:
        mask_string(masking, node);
        break;
    case JSON_KIND_NUMBER:
        if (card_is(json_token(masking->tape, node)))
            hide(masking, MASK_NAME_SECRET, node);
        break;
    default:
        break;
    }
}

static void
hide_members(struct masking *masking, enum mask_name kind, uint32_t object)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = object + 1; name < nodes[object].next; name = nodes[name + 1].next)
        hide(masking, kind, name + 1);
}

void
masking_changes(struct masking *masking, uint32_t changes)
{
    const struct json_node *nodes = masking->tape->nodes;
    for (uint32_t name = changes + 1; name < nodes[changes].next; name = nodes[name + 1].next) {
        enum mask_name kind = name_kind(masking, name);
        if (nodes[name + 1].kind == JSON_KIND_OBJECT && kind != MASK_NAME_PLAIN)
            hide_members(masking, kind, name + 1);
        else
            masking_member(masking, name);
    }
}
