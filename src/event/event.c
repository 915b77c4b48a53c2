/*
 * Reading events.
 *
 * One scan puts the text on the reader's tape; one walk over the object's members looks each name
 * up in the field table and applies its type's rule. Values stay where they are in the text; only
 * what is rewritten (decoded escapes, canonical objects, times in another offset) goes to the
 * arena, whose pieces do not move until the batch is done.
 *
 * Members the table does not know are kept under `details`: their names are picked on the way and
 * written together with the members of `details` itself, in one canonical object, which is where a
 * name that occurs in both places shows.
 */
#include "event.h"

#include "arena.h"
#include "clock.h"
#include "fault.h"
#include "fill.h"
#include "json_text.h"
#include "uuid.h"
#include "value.h"

#include <assert.h>
#include <stdlib.h>

struct event_reader {
    const struct catalogue *catalogue;
    struct json_tape tape;
    struct arena arena;
    struct buffer object; /* where one object becomes canonical before it goes to the arena */
};

/* Where a member's field is known from. */
enum naming {
    NAMES_SPELT, /* its name is to be looked up */
    NAMES_KNOWN, /* `next` of its name node */
};

/* A reading in progress. */
struct reading {
    struct event_reader *reader;
    struct event *event;
    uint32_t node; /* of the event's object */
    struct tally_error *error;
    enum naming naming;
};

tally_status
event_reader_create(const struct catalogue *catalogue, struct event_reader **reader_out,
                    struct tally_error *error)
{
    assert(catalogue != NULL);

    struct event_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return memory_fault(error);
    tally_status status = json_tape_init(&reader->tape, EVENT_NODES_MAX, error);
    if (status != TALLY_OK) {
        free(reader);
        return status;
    }
    reader->catalogue = catalogue;
    *reader_out = reader;
    return TALLY_OK;
}

void
event_reader_destroy(struct event_reader *reader)
{
    if (reader == NULL)
        return;
    json_tape_finish(&reader->tape);
    arena_finish(&reader->arena);
    buffer_free(&reader->object);
    free(reader);
}

void
event_reader_use(struct event_reader *reader, const struct catalogue *catalogue)
{
    assert(catalogue != NULL);

    reader->catalogue = catalogue;
}

void
event_reader_reset(struct event_reader *reader)
{
    arena_reset(&reader->arena);
}

struct json_tape *
event_reader_tape(struct event_reader *reader)
{
    return &reader->tape;
}

/* A member's name, decoded as far as it can be one that is known. */
struct name {
    struct bytes text;
    uint8_t decoded[6 * FIELD_NAME_SIZE_MAX];
};

static void
read_name(const struct json_tape *tape, uint32_t node, struct name *name)
{
    name->text = json_inside(tape, node);
    if (tape->nodes[node].escaped && name->text.size <= sizeof name->decoded)
        name->text = bytes_of(name->decoded, json_text_decode(name->text, name->decoded));
}

enum field_id
event_name_field(const struct json_tape *tape, uint32_t name)
{
    struct name known;
    read_name(tape, name, &known);
    return field_find(known.text);
}

static tally_status
refuse_name(const struct reading *reading, uint32_t name)
{
    const struct json_tape *tape = &reading->reader->tape;
    return json_fault(reading->error, tape, name,
                      "%.*s is set by Tallystick; an event cannot bring it, put it under details",
                      BYTES_ARG(json_inside(tape, name)));
}

/* A member that the table does not know. Under `details` it stands one level deeper, which must not
 * go beyond what the reader itself accepts. */
static tally_status
read_unknown(const struct reading *reading, uint32_t name)
{
    struct json_tape *tape = &reading->reader->tape;
    unsigned outside = tape->nodes[reading->node].depth;
    if (tape->depth - outside >= JSON_DEPTH_MAX) {
        for (uint32_t i = name + 1; i < tape->nodes[name + 1].next; i++) {
            if (tape->nodes[i].depth - outside >= JSON_DEPTH_MAX - 1 &&
                tape->nodes[i].kind >= JSON_KIND_ARRAY)
                return json_fault(reading->error, tape, name,
                                  "the member goes under details and is then nested deeper than %d",
                                  JSON_DEPTH_MAX);
        }
    }
    json_pick(tape, name);
    return TALLY_OK;
}

/* A member that is no field, or one of Tallystick's own. */
static tally_status
read_other(const struct reading *reading, uint32_t name)
{
    struct name known;
    read_name(&reading->reader->tape, name, &known);
    return field_reserved(known.text) ? refuse_name(reading, name) : read_unknown(reading, name);
}

static tally_status
read_member(const struct reading *reading, uint32_t name)
{
    struct json_tape *tape = &reading->reader->tape;
    if (reading->naming == NAMES_SPELT)
        tape->nodes[name].next = event_name_field(tape, name);
    enum field_id field = (enum field_id)tape->nodes[name].next;
    if (field == FIELD_COUNT || (fields[field].flags & FIELD_SERVER_SET) != 0)
        return read_other(reading, name);
    if (tape->nodes[name + 1].kind == JSON_KIND_NULL)
        return TALLY_OK;

    tally_status status =
        value_read(field, tape, name + 1, &reading->reader->arena, reading->event, reading->error);
    if (status == TALLY_OK)
        reading->event->present |= FIELD_BIT(field);
    return status;
}

/* Moves what the object buffer holds to the arena, as a value. */
static tally_status
keep_object(const struct reading *reading, enum field_id field)
{
    struct event_reader *reader = reading->reader;
    if (buffer_failed(&reader->object))
        return memory_fault(reading->error);
    struct bytes kept = arena_copy(&reader->arena, buffer_view(&reader->object));
    if (kept.data == NULL)
        return memory_fault(reading->error);
    reading->event->values[field] = kept;
    reading->event->present |= FIELD_BIT(field);
    return TALLY_OK;
}

static tally_status
write_object(const struct reading *reading, enum field_id field, uint32_t node)
{
    buffer_clear(&reading->reader->object);
    json_canonical(&reading->reader->tape, node, &reading->reader->object);
    return keep_object(reading, field);
}

static tally_status
refuse_twice(const struct reading *reading, uint32_t name)
{
    const struct json_tape *tape = &reading->reader->tape;
    return json_fault(reading->error, tape, name,
                      "%.*s stands in the event and under details; the first would go there",
                      BYTES_ARG(json_inside(tape, name)));
}

/* `details` together with the unknown members. `details` is 0 where the event has none. */
static tally_status
write_details(const struct reading *reading, uint32_t details)
{
    struct event_reader *reader = reading->reader;
    struct json_tape *tape = &reader->tape;
    if (tape->picked == 0)
        return details == 0 ? TALLY_OK : write_object(reading, FIELD_DETAILS, details);

    if (details != 0)
        json_pick_members(tape, details);
    uint32_t twice;
    buffer_clear(&reader->object);
    json_canonical_picked(tape, &reader->object, &twice);
    return twice == 0 ? keep_object(reading, FIELD_DETAILS) : refuse_twice(reading, twice);
}

/* The object-typed values of an event; 0 where it has none. */
struct objects {
    uint32_t details;
    uint32_t changes;
};

static tally_status
read_members(const struct reading *reading, struct objects *objects)
{
    struct json_tape *tape = &reading->reader->tape;
    const struct json_node *nodes = tape->nodes;
    uint32_t end = nodes[reading->node].next;

    tape->picked = 0;
    for (uint32_t name = reading->node + 1; name < end; name = nodes[name + 1].next) {
        uint64_t before = reading->event->present;
        tally_status status = read_member(reading, name);
        if (status != TALLY_OK)
            return status;
        uint64_t added = reading->event->present & ~before;
        if (added == FIELD_BIT(FIELD_DETAILS))
            objects->details = name + 1;
        else if (added == FIELD_BIT(FIELD_CHANGES))
            objects->changes = name + 1;
    }
    return TALLY_OK;
}

static tally_status
give_id(const struct reading *reading, int64_t now)
{
    uint8_t uuid[16];
    uint8_t *text = arena_take(&reading->reader->arena, UUID_TEXT_SIZE);
    if (text == NULL)
        return memory_fault(reading->error);
    uuid_v7(now, uuid);
    uuid_format(uuid, (char *)text);
    reading->event->values[FIELD_ID] = bytes_of(text, UUID_TEXT_SIZE);
    reading->event->present |= FIELD_BIT(FIELD_ID);
    return TALLY_OK;
}

static tally_status
give_timestamp(const struct reading *reading, int64_t now)
{
    struct arena *arena = &reading->reader->arena;
    uint8_t *text = arena_take(arena, INSTANT_TEXT_MAX);
    if (text == NULL)
        return memory_fault(reading->error);
    size_t size = instant_format(now, EVENT_CLOCK_DIGITS, (char *)text);
    arena_untake(arena, INSTANT_TEXT_MAX - size);
    reading->event->values[FIELD_TIMESTAMP] = bytes_of(text, size);
    reading->event->present |= FIELD_BIT(FIELD_TIMESTAMP);
    reading->event->timestamp = event_clock_cut(now);
    return TALLY_OK;
}

/* What every entry has. */
static tally_status
give_missing(const struct reading *reading, int64_t now)
{
    tally_status status = TALLY_OK;
    if (reading->event->values[FIELD_ID].data == NULL)
        status = give_id(reading, now);
    if (status == TALLY_OK && reading->event->values[FIELD_TIMESTAMP].data == NULL)
        status = give_timestamp(reading, now);
    return status;
}

static tally_status
read_object(const struct reading *reading, struct objects *objects)
{
    const struct json_tape *tape = &reading->reader->tape;
    enum json_kind kind = tape->nodes[reading->node].kind;
    if (kind != JSON_KIND_OBJECT)
        return json_fault(reading->error, tape, reading->node, "an event is a JSON object, not %s",
                          value_kind_text(kind));
    return read_members(reading, objects);
}

static tally_status
check(struct event_reader *reader, uint32_t node, enum naming naming, struct event *event_out,
      struct tally_error *error)
{
    struct event event = { 0 };
    struct objects objects = { 0 };
    const struct reading reading = { reader, &event, node, error, naming };
    struct json_tape *tape = &reader->tape;
    tally_status status = read_object(&reading, &objects);
    if (status != TALLY_OK)
        return status;
    if (tape->picked != 0 && objects.details != 0) {
        json_pick_members(tape, objects.details);
        uint32_t twice = json_picked_twice(tape);
        if (twice != 0)
            return refuse_twice(&reading, twice);
    }
    tape->picked = 0;
    event.sent = event.present;
    *event_out = event;
    return TALLY_OK;
}

tally_status
event_check_node(struct event_reader *reader, uint32_t node, struct event *event_out,
                 struct tally_error *error)
{
    return check(reader, node, NAMES_SPELT, event_out, error);
}

tally_status
event_check_composed(struct event_reader *reader, struct event *event_out,
                     struct tally_error *error)
{
    return check(reader, 0, NAMES_KNOWN, event_out, error);
}

tally_status
event_read_node(struct event_reader *reader, uint32_t node, int64_t now, struct event *event_out,
                struct tally_error *error)
{
    struct event event = { 0 };
    struct objects objects = { 0 };
    const struct reading reading = { reader, &event, node, error, NAMES_SPELT };
    tally_status status = read_object(&reading, &objects);
    if (status == TALLY_OK)
        status = write_details(&reading, objects.details);
    if (status == TALLY_OK && objects.changes != 0)
        status = write_object(&reading, FIELD_CHANGES, objects.changes);
    if (status != TALLY_OK)
        return status;
    if (event.values[FIELD_ACTION].size == 0 && event.values[FIELD_EVENT_TYPE].size == 0)
        return json_fault(error, &reader->tape, node, EVENT_SAYS_NOTHING);
    event.sent = event.present;
    if (reader->catalogue != catalogue_none())
        event_fill(reader->catalogue, &event);
    status = give_missing(&reading, now);
    if (status == TALLY_OK)
        *event_out = event;
    return status;
}

tally_status
event_read(struct event_reader *reader, struct bytes json, int64_t now, struct event *event_out,
           struct tally_error *error)
{
    tally_status status = json_scan(&reader->tape, json, error);
    if (status != TALLY_OK)
        return status;
    return event_read_node(reader, 0, now, event_out, error);
}

tally_status
event_read_control(struct event_reader *reader, struct bytes control, int64_t now,
                   struct event *event_out, struct tally_error *error)
{
    static const struct bytes type_name = BYTES("type");
    struct event event = { 0 };
    const struct reading reading = { reader, &event, 0, error, NAMES_SPELT };
    struct json_tape *tape = &reader->tape;
    tally_status status = json_scan(tape, control, error);
    if (status != TALLY_OK)
        return status;
    uint32_t type = json_member(tape, 0, type_name);
    if (type == 0 || tape->nodes[type].kind != JSON_KIND_STRING)
        return json_fault(error, tape, type,
                          "a control entry is an object whose member type is a string");

    status = write_object(&reading, FIELD_CONTROL, 0);
    if (status == TALLY_OK)
        status = give_missing(&reading, now);
    if (status == TALLY_OK)
        *event_out = event;
    return status;
}

bool
event_equal(const struct event *event, const struct bytes stored[FIELD_COUNT], uint64_t unknown)
{
    /* `control` is server-set too, but it is compared: no event has it, so a control entry differs.
     */
    uint64_t ignored = unknown | (FIELDS_SERVER_SET & ~FIELD_BIT(FIELD_CONTROL));
    if ((event->sent & FIELD_BIT(FIELD_TIMESTAMP)) == 0)
        ignored |= FIELD_BIT(FIELD_TIMESTAMP);

    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        if ((ignored & FIELD_BIT(field)) != 0)
            continue;
        struct bytes ours = event->values[field];
        struct bytes theirs = stored[field];
        if ((ours.data == NULL) != (theirs.data == NULL) || !bytes_equal(ours, theirs))
            return false;
    }
    return true;
}
