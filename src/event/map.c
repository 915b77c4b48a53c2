/*
 * Applying a map.
 *
 * The record is scanned, and texts in it that hold it are unfolded. Each rule is then followed for
 * its field: alternatives are tried in order until one gives a value that fits the field's type.
 * Values are texts (a number's or literal's token, a string decoded), built in `scratch`, whose end
 * is moved back behind each use. What does not fit is left out rather than refused, because the
 * record stands whole under `details`; only a time that cannot be read is refused, for an event at
 * a wrong time would mislead.
 *
 * The event is written as JSON and read again by event_read like any other, so that no rule for
 * values exists twice.
 */
#include "map.h"

#include "ascii.h"
#include "base64.h"
#include "clock.h"
#include "fault.h"
#include "map_unfold.h"
#include "map_view.h"
#include "tally/hash.h"
#include "uuid.h"

#define CUT_MARK      "\xe2\x80\xa6" /* U+2026, an ellipsis */
#define CUT_MARK_SIZE 3

/* Of a time that is spelled a little differently from RFC 3339. */
#define TIME_SIZE_MAX 63

/* Room for the values of most records. */
#define SCRATCH_SIZE 4096

/* One record on its way. */
struct mapping {
    struct map_view view;
    struct bytes record; /* as it came, before any unfolding */
    enum map_identity identity;
    struct buffer *out;
    bool first;         /* no member written yet */
    uint32_t time_node; /* a value that is no time, or 0 */
};

bool
map_copies(const struct map *map)
{
    return map->copies;
}

const struct record_list *
map_lists(const struct map *map, size_t *count_out)
{
    *count_out = map->list_count;
    return map->lists;
}

/* ---- writing members ---- */

static void
begin_member(struct mapping *mapping)
{
    buffer_byte(mapping->out, mapping->first ? '{' : ',');
    mapping->first = false;
}

static void
write_string(struct mapping *mapping, enum field_id field, struct bytes text)
{
    begin_member(mapping);
    buffer_text(mapping->out, fields[field].key);
    json_write_string(text, mapping->out);
}

static void
write_token(struct mapping *mapping, enum field_id field, struct bytes token)
{
    begin_member(mapping);
    buffer_text(mapping->out, fields[field].key);
    buffer_bytes(mapping->out, token);
}

/* Cuts at a character's border so that the mark still fits. Fields that are cut anyway are left to
 * event_read. */
static bool
write_text(struct mapping *mapping, enum field_id field, struct bytes text)
{
    uint32_t size_max = fields[field].size_max;
    if (text.size <= size_max || (fields[field].flags & FIELD_CUT) != 0) {
        write_string(mapping, field, text);
        return true;
    }
    size_t size = size_max - CUT_MARK_SIZE;
    while (size > 0 && (text.data[size] & 0xc0) == 0x80)
        size--;
    size_t mark = mapping->view.scratch.size;
    size_t offset = (size_t)(text.data - mapping->view.scratch.data);
    uint8_t *cut = buffer_reserve(&mapping->view.scratch, size + CUT_MARK_SIZE);
    if (cut == NULL)
        return false;
    memcpy(cut, mapping->view.scratch.data + offset, size);
    memcpy(cut + size, CUT_MARK, CUT_MARK_SIZE);
    write_string(mapping, field, bytes_of(cut, size + CUT_MARK_SIZE));
    mapping->view.scratch.size = mark;
    return true;
}

static bool
write_enum(struct mapping *mapping, enum field_id field, struct bytes text)
{
    int value = field_enum_find(field, text);
    if (value < 0)
        return false;
    write_string(mapping, field, bytes_text(fields[field].values[value]));
    return true;
}

/* The decimal digits at the beginning of `text`. */
static size_t
digits_size(struct bytes text)
{
    size_t size = 0;
    while (size < text.size && ascii_is_digit(text.data[size]))
        size++;
    return size;
}

/* Strings of digits count as numbers: JSON written by other programs often quotes them. */
static bool
write_integer(struct mapping *mapping, enum field_id field, struct bytes text)
{
    if (text.size > 5 || digits_size(text) != text.size || text.data[0] == '0')
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + (text.data[i] - '0');
    if (value < fields[field].low || value > fields[field].high)
        return false;
    write_token(mapping, field, text);
    return true;
}

static bool
write_decimal(struct mapping *mapping, enum field_id field, struct bytes text)
{
    size_t whole = digits_size(text);
    if (text.size > fields[field].size_max || whole == 0 || (whole > 1 && text.data[0] == '0'))
        return false;
    if (whole < text.size) {
        size_t rest = text.size - whole - 1;
        if (text.data[whole] != '.' || rest == 0 ||
            digits_size(bytes_of(text.data + whole + 1, rest)) != rest)
            return false;
    }
    write_token(mapping, field, text);
    return true;
}

/* Spells a time as RFC 3339 does: "2026-01-31 23:59:59,5 +0100" with a point, no blank and a colon;
 * " UTC" as Z. Returns the size, 0 where it is like no such time. */
static size_t
respell_time(struct bytes text, uint8_t out[TIME_SIZE_MAX + 1])
{
    size_t size = text.size;
    if (size < 19 || size > TIME_SIZE_MAX)
        return 0;
    memcpy(out, text.data, size);
    if (size > 19 && out[19] == ',')
        out[19] = '.';
    if (memcmp(out + size - 3, "UTC", 3) == 0 || memcmp(out + size - 3, "GMT", 3) == 0) {
        size -= 2;
        out[size - 1] = 'Z';
    } else if (size >= 24 && (out[size - 5] == '+' || out[size - 5] == '-')) {
        memmove(out + size - 1, out + size - 2, 2);
        out[size++ - 2] = ':';
    }
    size_t blank = 19;
    while (blank < size && out[blank] != ' ')
        blank++;
    if (blank < size) {
        memmove(out + blank, out + blank + 1, size - blank - 1);
        size--;
    }
    return size;
}

static bool
write_time(struct mapping *mapping, enum field_id field, struct bytes text)
{
    struct instant instant;
    const char *reason;
    uint8_t respelled[TIME_SIZE_MAX + 1];
    if (!instant_parse(text, &instant, &reason) &&
        !instant_parse(bytes_of(respelled, respell_time(text, respelled)), &instant, &reason))
        return false;
    write_string(mapping, field, bytes_of(instant.text, instant.size));
    return true;
}

static bool
write_of_type(struct mapping *mapping, enum field_id field, struct bytes text)
{
    switch (fields[field].type) {
    case TYPE_TEXT:
        return write_text(mapping, field, text);
    case TYPE_ENUM:
        return write_enum(mapping, field, text);
    case TYPE_INTEGER:
        return write_integer(mapping, field, text);
    case TYPE_DECIMAL:
        return write_decimal(mapping, field, text);
    case TYPE_TIME:
        return write_time(mapping, field, text);
    case TYPE_NAME:
    case TYPE_OBJECT:
    case TYPE_DIGEST:
        return false;
    }
    return false;
}

/* `changes`: only an object of the record as it is. */
static bool
write_object(struct mapping *mapping, enum field_id field, const struct map_part *part)
{
    uint32_t node = part->kind == MAP_PATH ? map_find(&mapping->view, &part->path) : 0;
    if (node == 0 || mapping->view.tape->nodes[node].kind != JSON_KIND_OBJECT)
        return false;
    write_token(mapping, field, json_token(mapping->view.tape, node));
    return true;
}

/* Keeps where the first value stands that is no time. */
static void
note_no_time(struct mapping *mapping, const struct map_part *part)
{
    const struct map_part *from = part->kind == MAP_CALL ? part->parts : part;
    if (mapping->time_node == 0)
        mapping->time_node =
            from->kind == MAP_PATH ? map_find(&mapping->view, &from->path) : UINT32_MAX;
}

/* Tries one alternative of a rule. */
static bool
write_alternative(struct mapping *mapping, enum field_id field, const struct map_part *part)
{
    if (fields[field].type == TYPE_OBJECT)
        return write_object(mapping, field, part);
    size_t mark = mapping->view.scratch.size;
    mapping->view.no_time = false;
    bool given = map_append(&mapping->view, part);
    bool written = given && write_of_type(mapping, field, map_appended(&mapping->view, mark));
    mapping->view.scratch.size = mark;
    if (!written && field == FIELD_TIMESTAMP && (given || mapping->view.no_time))
        note_no_time(mapping, part);
    return written;
}

/* Alternatives may stand in brackets or behind a name among others: each must fit by itself. */
static bool
write_first(struct mapping *mapping, enum field_id field, const struct map_part *rule)
{
    if (rule->kind != MAP_FIRST)
        return write_alternative(mapping, field, rule);
    for (const struct map_part *part = rule->parts; part != NULL; part = part->next) {
        if (write_first(mapping, field, part))
            return true;
    }
    return false;
}

static bool
write_field(struct mapping *mapping, enum field_id field)
{
    const struct map_part *rule = mapping->view.map->rules[field];
    return rule != NULL && write_first(mapping, field, rule);
}

/* ---- the event ---- */

/* Appends what stands for a record without an id of its own. */
static void
append_digest(struct mapping *mapping)
{
    struct tally_piece piece = { mapping->record.data, mapping->record.size };
    struct tally_hash hash;
    char digits[2 * TALLY_HASH_SIZE];
    tally_hash_pieces(&piece, 1, &hash);
    hex_encode(hash.bytes, sizeof hash.bytes, digits);
    buffer_text(&mapping->view.scratch, "sha256:");
    buffer_append(&mapping->view.scratch, digits, sizeof digits);
}

/* The id, unless a copied record brings one. */
static bool
write_id(struct mapping *mapping)
{
    const struct map *map = mapping->view.map;
    const struct map_part *rule = map->rules[FIELD_ID];
    if (map->copies && rule == NULL) {
        uint32_t own = json_member(mapping->view.tape, 0, fields[FIELD_ID].name);
        if (own != 0 && mapping->view.tape->nodes[own].kind != JSON_KIND_NULL &&
            !map_matches(map->except, fields[FIELD_ID].name))
            return false;
    }

    size_t mark = mapping->view.scratch.size;
    bool from_bytes = mapping->identity == MAP_ID_CONTENT && !map->copies;
    if (rule == NULL || from_bytes || !map_append(&mapping->view, rule))
        append_digest(mapping);
    uint8_t uuid[16];
    char text[UUID_TEXT_SIZE];
    uuid_v5(map->namespace_uuid, map_appended(&mapping->view, mark), uuid);
    uuid_format(uuid, text);
    write_string(mapping, FIELD_ID, bytes_of(text, sizeof text));
    mapping->view.scratch.size = mark;
    return true;
}

/* The record's own members, but for those the map leaves out and the fields in `written`. */
static void
copy_members(struct mapping *mapping, uint64_t written)
{
    const struct json_node *nodes = mapping->view.tape->nodes;
    for (uint32_t name = 1; name < nodes[0].next; name = nodes[name + 1].next) {
        size_t mark = mapping->view.scratch.size;
        json_string_decode(mapping->view.tape, name, &mapping->view.scratch);
        struct bytes text = map_appended(&mapping->view, mark);
        enum field_id field = field_find(text);
        bool left_out = map_matches(mapping->view.map->except, text) ||
                        (field < FIELD_COUNT && (written & FIELD_BIT(field)) != 0);
        mapping->view.scratch.size = mark;
        if (left_out)
            continue;
        begin_member(mapping);
        buffer_bytes(mapping->out, json_token(mapping->view.tape, name));
        buffer_byte(mapping->out, ':');
        buffer_bytes(mapping->out, json_token(mapping->view.tape, name + 1));
    }
}

static tally_status
refuse_time(const struct mapping *mapping, struct tally_error *error)
{
    uint32_t node = mapping->time_node == UINT32_MAX ? 0 : mapping->time_node;
    return json_fault(error, mapping->view.tape, node,
                      "the record's time cannot be read; a time is RFC 3339 or made with unix, "
                      "unix_ms, unix_us or unix_ns in the map, of the years 1678 to 2261");
}

static tally_status
write_event(struct mapping *mapping, struct tally_error *error)
{
    uint64_t written = write_id(mapping) ? FIELD_BIT(FIELD_ID) : 0;
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if (field != FIELD_ID && write_field(mapping, (enum field_id)field))
            written |= FIELD_BIT(field);
    }
    if (mapping->time_node != 0 && (written & FIELD_BIT(FIELD_TIMESTAMP)) == 0)
        return refuse_time(mapping, error);

    if (mapping->view.map->copies)
        copy_members(mapping, written);
    else
        write_token(mapping, FIELD_DETAILS, mapping->record);
    buffer_text(mapping->out, mapping->first ? "{}" : "}");
    return TALLY_OK;
}

/* A text that was unfolded may have had lines of its own, which the record has not. */
static void
forget_line(struct tally_error *error)
{
    if (error != NULL)
        error->line = error->column = 0;
}

static tally_status
meet_demands(struct mapping *mapping, struct tally_error *error)
{
    const struct map *map = mapping->view.map;
    for (const struct map_demand *demand = map->skipped; demand != NULL; demand = demand->next) {
        if (map_one_holds(&mapping->view, demand->tests))
            return TALLY_ABSENT;
    }
    for (const struct map_demand *demand = map->required; demand != NULL; demand = demand->next) {
        if (!map_one_holds(&mapping->view, demand->tests))
            return json_fault(error, mapping->view.tape, 0,
                              "the record is none that map %s reads, which requires: %.*s",
                              map->name, BYTES_ARG(demand->text));
    }
    return TALLY_OK;
}

tally_status
map_apply(const struct map *map, struct json_tape *tape, struct bytes record,
          enum map_identity identity, struct buffer *event_out, struct tally_error *error)
{
    tally_status status = json_scan(tape, record, error);
    if (status != TALLY_OK)
        return status;
    if (tape->nodes[0].kind != JSON_KIND_OBJECT)
        return json_fault(error, tape, 0, "a record is a JSON object");

    struct mapping mapping = {
        .view = { .map = map, .tape = tape },
        .record = json_token(tape, 0),
        .identity = identity,
        .out = event_out,
        .first = true,
    };
    struct buffer unfolded = { 0 };
    tally_status unfolding = map->copies ? TALLY_ABSENT : map_unfold(map, tape, &unfolded, error);
    if (unfolding < 0)
        return unfolding;
    if (buffer_reserve(&mapping.view.scratch, SCRATCH_SIZE) == NULL) {
        buffer_free(&unfolded);
        return memory_fault(error);
    }

    map_view_find_places(&mapping.view);
    size_t before = event_out->size;
    status = meet_demands(&mapping, error);
    if (status == TALLY_OK)
        status = write_event(&mapping, error);
    if (status == TALLY_INVALID && unfolding == TALLY_OK)
        forget_line(error);
    if (status == TALLY_OK && (buffer_failed(&mapping.view.scratch) || buffer_failed(event_out)))
        status = memory_fault(error);
    buffer_free(&mapping.view.scratch);
    buffer_free(&unfolded);
    if (status != TALLY_OK) {
        event_out->size = before;
        event_out->failed = false;
    }
    return status;
}
