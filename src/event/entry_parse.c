/*
 * Reading entries back.
 *
 * The bytes come from disk and should be what entry_write made: no blanks, members in canonical
 * order, each field in the form of its type. Nothing of that is trusted. A part that strays from it
 * is damaged, and what still passes (another spelling of an escape, say) shows when the caller
 * writes the values again and compares.
 */
#include "ascii.h"
#include "clock.h"
#include "entry.h"
#include "fault.h"
#include "json_text.h"

#include <stdio.h>

struct parser {
    struct bytes part;
    size_t at;
    struct arena *arena;
    struct entry *entry;
    struct tally_error *error;
};

#define FIELDS_REQUIRED                                                           \
    (FIELD_BIT(FIELD_ID) | FIELD_BIT(FIELD_PRIVATE) | FIELD_BIT(FIELD_RECEIVED) | \
     FIELD_BIT(FIELD_TIMESTAMP) | FIELD_BIT(FIELD_V) | FIELD_BIT(FIELD_WRITER))

static tally_status
damaged(const struct parser *parser, const char *reason)
{
    return fault(parser->error, TALLY_DAMAGED, "the entry's bytes are damaged at offset %zu: %s",
                 parser->at, reason);
}

static tally_status
damaged_value(const struct parser *parser, enum field_id field, const char *reason)
{
    tally_status status = damaged(parser, reason);
    if (parser->error != NULL)
        (void)snprintf(parser->error->pointer, sizeof parser->error->pointer, "/%s",
                       (const char *)fields[field].name.data);
    return status;
}

static struct bytes
rest(const struct parser *parser)
{
    return bytes_of(parser->part.data + parser->at, parser->part.size - parser->at);
}

/* A member's name and its colon, taken: of a field from `first` on, since members stand in the
 * order of the fields. FIELD_COUNT where it is none, or the part's end is near. */
static enum field_id
parse_name_in_order(struct parser *parser, unsigned first)
{
    struct bytes left = rest(parser);
    if (left.size < FIELD_KEY_CAPACITY)
        return FIELD_COUNT;
    uint32_t begin = get_u32(left.data);
    for (unsigned i = first; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (get_u32((const uint8_t *)field->key) == begin &&
            memcmp(left.data, field->key, field->key_size) == 0) {
            parser->at += field->key_size;
            return i;
        }
    }
    return FIELD_COUNT;
}

/* The same of any field, and near the part's end. */
static enum field_id
parse_name(struct parser *parser)
{
    struct bytes left = rest(parser);
    if (left.size < 4 || left.data[0] != '"')
        return FIELD_COUNT;
    size_t window = left.size - 1;
    if (window > FIELD_NAME_SIZE_MAX + 1)
        window = FIELD_NAME_SIZE_MAX + 1;
    const uint8_t *quote = memchr(left.data + 1, '"', window);
    if (quote == NULL || quote + 1 == left.data + left.size || quote[1] != ':')
        return FIELD_COUNT;
    size_t size = (size_t)(quote - left.data) - 1;
    enum field_id field = field_find(bytes_of(left.data + 1, size));
    if (field != FIELD_COUNT)
        parser->at += size + 3;
    return field;
}

static tally_status
parse_string(struct parser *parser, enum field_id field, struct bytes *value_out)
{
    struct bytes left = rest(parser);
    bool escaped;
    size_t size = json_text_string(left, &escaped);
    if (size == 0)
        return damaged_value(parser, field, "no string");
    parser->at += size;
    struct bytes inside = bytes_of(left.data + 1, size - 2);
    if (escaped) {
        uint8_t *text = arena_take(parser->arena, inside.size);
        if (text == NULL)
            return memory_fault(parser->error);
        size_t decoded = json_text_decode(inside, text);
        arena_untake(parser->arena, inside.size - decoded);
        inside = bytes_of(text, decoded);
    }
    *value_out = inside;
    return TALLY_OK;
}

/* A number or an object, kept as it stands. */
static tally_status
parse_raw(struct parser *parser, enum field_id field, struct bytes *value_out)
{
    struct bytes left = rest(parser);
    bool object = fields[field].type == TYPE_OBJECT;
    bool begins = left.size > 0 && (object ? left.data[0] == '{' : ascii_is_digit(left.data[0]));
    size_t size = begins ? json_text_value(left) : 0;
    if (size == 0)
        return damaged_value(parser, field, object ? "no object" : "no number");
    *value_out = bytes_of(left.data, size);
    parser->at += size;
    return TALLY_OK;
}

static tally_status
parse_member(struct parser *parser, uint64_t *seen)
{
    unsigned first = *seen == 0 ? 0 : 64 - (unsigned)__builtin_clzll(*seen);
    enum field_id field = parse_name_in_order(parser, first);
    if (field == FIELD_COUNT)
        field = parse_name(parser);
    if (field == FIELD_COUNT)
        return damaged(parser, "no member of a known name");
    /* Canonical order, which also means that no name occurs twice. */
    if (*seen >> field != 0)
        return damaged_value(parser, field, "the members are out of order");
    if ((parser->entry->present & FIELD_BIT(field)) != 0)
        return damaged_value(parser, field, "the member stands in both parts");
    *seen |= FIELD_BIT(field);
    return field_type_raw(fields[field].type)
               ? parse_raw(parser, field, &parser->entry->values[field])
               : parse_string(parser, field, &parser->entry->values[field]);
}

static tally_status
parse_part(struct parser *parser, uint64_t *seen)
{
    const uint8_t *text = parser->part.data;
    size_t size = parser->part.size;
    if (size < 2 || text[0] != '{' || text[size - 1] != '}')
        return damaged(parser, "no object");
    parser->at = 1;
    while (parser->at < size - 1) {
        tally_status status = parse_member(parser, seen);
        if (status != TALLY_OK)
            return status;
        if (parser->at < size - 1 && text[parser->at++] != ',')
            return damaged(parser, "no comma");
        if (parser->at == size - 1 && text[parser->at - 1] == ',')
            return damaged(parser, "a comma too many");
    }
    parser->entry->present |= *seen;
    return parser->at == size - 1 ? TALLY_OK : damaged(parser, "no end");
}

static tally_status
parse_time(const struct parser *parser, enum field_id field, int64_t *time_out)
{
    struct instant instant;
    uint8_t digits;
    const char *reason;
    if (instant_read(parser->entry->values[field], time_out, &digits))
        return TALLY_OK;
    if (!instant_parse(parser->entry->values[field], &instant, &reason))
        return damaged_value(parser, field, reason);
    *time_out = instant.ns;
    return TALLY_OK;
}

static tally_status
check_public(struct parser *parser, uint64_t seen)
{
    struct bytes format = parser->entry->values[FIELD_V];
    if (format.data != NULL && !bytes_is(format, "1"))
        return fault(parser->error, TALLY_UNSUPPORTED,
                     "the entry has format %.*s, this program knows 1", BYTES_ARG(format));
    if ((seen & FIELDS_REQUIRED) != FIELDS_REQUIRED)
        return damaged(parser, "a member that every entry has is missing");
    tally_status status = parse_time(parser, FIELD_TIMESTAMP, &parser->entry->timestamp);
    if (status == TALLY_OK)
        status = parse_time(parser, FIELD_RECEIVED, &parser->entry->received);
    return status;
}

tally_status
entry_parse(struct bytes public_part, struct bytes private_part, struct arena *arena,
            struct entry *entry_out, struct tally_error *error)
{
    struct entry entry = { 0 };
    struct parser parser = { .part = public_part, .arena = arena, .entry = &entry, .error = error };
    uint64_t seen = 0;
    tally_status status = parse_part(&parser, &seen);
    if (status == TALLY_OK)
        status = check_public(&parser, seen);
    if (status != TALLY_OK)
        return status;

    if (private_part.size > 0) {
        parser.part = private_part;
        parser.at = 0;
        status = parse_part(&parser, &entry.in_private);
        if (status != TALLY_OK)
            return status;
        if ((entry.in_private & FIELDS_FIXED) != 0)
            return damaged(&parser, "the private part has a member that is always public");
    }
    *entry_out = entry;
    return TALLY_OK;
}
