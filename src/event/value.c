/*
 * The rules of single values.
 *
 * Each type of the field table has one function here. A value is refused when what it says cannot
 * be meant; it is rewritten only where spelling carries no meaning (case of enumerations, offsets
 * of times), and cut only where the source is known to overflow (user agents).
 */
#include "value.h"

#include "ascii.h"
#include "clock.h"
#include "fault.h"
#include "json_string.h"
#include "json_text.h"

#include <stdio.h>

#define CUT_MARK      "\xe2\x80\xa6" /* U+2026, an ellipsis */
#define CUT_MARK_SIZE 3

struct source {
    const struct field *field;
    enum field_id id;
    const struct json_tape *tape;
    uint32_t node;
    struct arena *arena;
};

const char *
value_kind_text(enum json_kind kind)
{
    static const char *const texts[] = { "null",     "false",    "true",     "a number",
                                         "a string", "an array", "an object" };
    return texts[kind];
}

static tally_status
wrong_kind(const struct source *source, const char *wanted, struct tally_error *error)
{
    uint8_t kind = source->tape->nodes[source->node].kind;
    return json_fault(error, source->tape, source->node, "%s is %s, not %s",
                      (const char *)source->field->name.data, wanted, value_kind_text(kind));
}

/* Data NULL where memory is short. */
static struct bytes
decode_string(const struct source *source)
{
    struct bytes inside = json_inside(source->tape, source->node);
    uint8_t *text = arena_take(source->arena, inside.size);
    if (text == NULL)
        return bytes_of(NULL, 0);
    size_t size = json_text_decode(inside, text);
    arena_untake(source->arena, inside.size - size);
    return bytes_of(text, size);
}

/* A string node's value, decoded if need be. Inline and without an address taken of the view, which
 * then stays in registers: written to memory by halves and read back whole it would have to wait.
 */
static inline tally_status
read_string(const struct source *source, struct bytes *text_out, struct tally_error *error)
{
    const struct json_node *node = &source->tape->nodes[source->node];
    if (node->kind != JSON_KIND_STRING)
        return wrong_kind(source, "a string", error);
    struct bytes text =
        node->escaped ? decode_string(source) : json_inside(source->tape, source->node);
    if (text.data == NULL)
        return memory_fault(error);
    *text_out = text;
    return TALLY_OK;
}

/* The size of the first `count` characters, or of all. */
static size_t
characters_size(struct bytes text, size_t count)
{
    size_t at = 0;
    for (; at < text.size; at++) {
        bool begins = (text.data[at] & 0xc0) != 0x80;
        if (begins && count-- == 0)
            break;
    }
    return at;
}

static tally_status
cut(const struct source *source, struct bytes text, struct bytes *value_out,
    struct tally_error *error)
{
    size_t size = text.size <= source->field->size_max
                      ? text.size
                      : characters_size(text, source->field->size_max);
    if (size == text.size) {
        *value_out = text;
        return TALLY_OK;
    }
    uint8_t *kept = arena_take(source->arena, size + CUT_MARK_SIZE);
    if (kept == NULL)
        return memory_fault(error);
    memcpy(kept, text.data, size);
    memcpy(kept + size, CUT_MARK, CUT_MARK_SIZE);
    *value_out = bytes_of(kept, size + CUT_MARK_SIZE);
    return TALLY_OK;
}

static tally_status
read_text(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    struct bytes text;
    tally_status status = read_string(source, &text, error);
    if (status != TALLY_OK)
        return status;
    if ((source->field->flags & FIELD_CUT) != 0)
        return cut(source, text, value_out, error);
    if (text.size > source->field->size_max)
        return json_fault(error, source->tape, source->node, "%s has %zu bytes, at most %u fit",
                          (const char *)source->field->name.data, text.size,
                          source->field->size_max);
    *value_out = text;
    return TALLY_OK;
}

/* The high bit of each byte that is from `low` to `high`, if no byte is beyond ASCII. */
static inline uint64_t
bytes_within(uint64_t word, uint8_t low, uint8_t high)
{
    return (word + JSON_EVERY_BYTE(0x80u - low)) & ~(word + JSON_EVERY_BYTE(0x7fu - high));
}

/* Whether eight bytes are all A-Z, a-z, 0-9 or one of . _ : - (the colon follows the 9, the point
 * the hyphen). */
static inline bool
name_word(uint64_t word)
{
    uint64_t good = bytes_within(word | JSON_EVERY_BYTE(0x20), 'a', 'z') |
                    bytes_within(word, '0', ':') | bytes_within(word, '-', '.') |
                    bytes_within(word, '_', '_');
    return (good & ~word & JSON_HIGH_BITS) == JSON_HIGH_BITS;
}

/* Of a text that is not empty. */
static bool
all_name_characters(struct bytes text)
{
    const uint8_t *end = text.data + text.size;
    if (text.size < 8)
        return name_word(get_some(end, text.size) | JSON_EVERY_BYTE('a') << 8 * text.size);
    bool good = name_word(get_u64(end - 8));
    for (const uint8_t *at = text.data; end - at > 8; at += 8)
        good &= name_word(get_u64(at));
    return good;
}

static tally_status
read_name(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    struct bytes text;
    tally_status status = read_string(source, &text, error);
    if (status != TALLY_OK)
        return status;
    if (text.size < 1 || text.size > source->field->size_max || !all_name_characters(text))
        return json_fault(error, source->tape, source->node,
                          "%s is 1 to %u characters of A-Z, a-z, 0-9 and . _ : -",
                          (const char *)source->field->name.data, source->field->size_max);
    *value_out = text;
    return TALLY_OK;
}

static tally_status
wrong_enum(const struct source *source, struct tally_error *error)
{
    char list[128];
    size_t size = 0;
    for (const char *const *value = source->field->values; *value != NULL; value++)
        size +=
            (size_t)snprintf(list + size, sizeof list - size, "%s%s", size > 0 ? ", " : "", *value);
    return json_fault(error, source->tape, source->node, "%s is one of %s",
                      (const char *)source->field->name.data, list);
}

static tally_status
read_enum(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    struct bytes text;
    tally_status status = read_string(source, &text, error);
    if (status != TALLY_OK)
        return status;
    int value = field_enum_find(source->id, text);
    if (value < 0)
        return wrong_enum(source, error);
    *value_out = bytes_text(source->field->values[value]);
    return TALLY_OK;
}

/* A number of digits only, between the field's bounds: those have so few digits that nothing
 * overflows. */
static tally_status
read_integer(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    if (source->tape->nodes[source->node].kind != JSON_KIND_NUMBER)
        return wrong_kind(source, "a number", error);
    struct bytes token = json_token(source->tape, source->node);
    uint32_t value = 0;
    bool good = token.size <= 5;
    for (size_t i = 0; good && i < token.size; i++) {
        good = ascii_is_digit(token.data[i]);
        value = value * 10 + (uint32_t)(token.data[i] - '0');
    }
    if (!good || value < source->field->low || value > source->field->high)
        return json_fault(error, source->tape, source->node, "%s is a whole number from %u to %u",
                          (const char *)source->field->name.data, source->field->low,
                          source->field->high);
    *value_out = token;
    return TALLY_OK;
}

static tally_status
read_decimal(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    if (source->tape->nodes[source->node].kind != JSON_KIND_NUMBER)
        return wrong_kind(source, "a number", error);
    struct bytes token = json_token(source->tape, source->node);
    bool good = token.size <= source->field->size_max;
    for (size_t i = 0; good && i < token.size; i++)
        good = ascii_is_digit(token.data[i]) || token.data[i] == '.';
    if (!good)
        return json_fault(error, source->tape, source->node,
                          "%s is a plain number such as 12.5: no sign, no exponent, at most %u "
                          "characters",
                          (const char *)source->field->name.data, source->field->size_max);
    *value_out = token;
    return TALLY_OK;
}

static tally_status
read_time(const struct source *source, struct bytes *value_out, int64_t *time_out,
          struct tally_error *error)
{
    struct bytes text;
    tally_status status = read_string(source, &text, error);
    if (status != TALLY_OK)
        return status;
    struct instant instant;
    uint8_t digits;
    const char *reason;
    if (instant_read(text, time_out, &digits)) { /* it is canonical */
        *value_out = text;
        return TALLY_OK;
    }
    if (!instant_parse(text, &instant, &reason))
        return json_fault(error, source->tape, source->node,
                          "%s is a time such as 2026-01-31T12:00:00Z (RFC 3339): %s",
                          (const char *)source->field->name.data, reason);

    struct bytes canonical = bytes_of(instant.text, instant.size);
    if (!bytes_equal(canonical, text))
        text = arena_copy(source->arena, canonical);
    if (text.data == NULL)
        return memory_fault(error);
    *value_out = text;
    *time_out = instant.ns;
    return TALLY_OK;
}

static tally_status
read_object(const struct source *source, struct bytes *value_out, struct tally_error *error)
{
    if (source->tape->nodes[source->node].kind != JSON_KIND_OBJECT)
        return wrong_kind(source, "an object", error);
    *value_out = json_token(source->tape, source->node);
    return TALLY_OK;
}

tally_status
value_read(enum field_id field, const struct json_tape *tape, uint32_t node, struct arena *arena,
           struct event *event, struct tally_error *error)
{
    const struct source source = { &fields[field], field, tape, node, arena };
    struct bytes *value = &event->values[field];
    /* Nearly all are. */
    if (fields[field].type == TYPE_TEXT)
        return read_text(&source, value, error);
    switch (fields[field].type) {
    case TYPE_NAME:
        return read_name(&source, value, error);
    case TYPE_ENUM:
        return read_enum(&source, value, error);
    case TYPE_INTEGER:
        return read_integer(&source, value, error);
    case TYPE_DECIMAL:
        return read_decimal(&source, value, error);
    case TYPE_TIME:
        return read_time(&source, value, &event->timestamp, error);
    case TYPE_OBJECT:
        return read_object(&source, value, error);
    case TYPE_TEXT:
    case TYPE_DIGEST:
        break;
    }
    return read_text(&source, value, error);
}
