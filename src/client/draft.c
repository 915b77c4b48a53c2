/*
 * Drafting.
 *
 * Whatever way an event comes, it becomes a text and the tape of that text: JSON is scanned, a struct
 * is composed. Then there is one way. The text is checked with the functions that the trail reads
 * events with, so that both refuse the same; and its line is put together from pieces:
 *
 *     {"id":"…","timestamp":"…",      where the event has none
 *     "request_id":"…",…,             what the context has and the event has not
 *     "service":"…",                  if neither has one
 *     …}                              the event's own members, copied as they are
 *
 * Copied: numbers keep their tokens and strings their escapes, and nothing is sorted; the trail does
 * all that when it writes the entry. Members of null are dropped, because the context may have one
 * of that name. Line ends stand only between tokens (within a string JSON wants them escaped), so a
 * blank in place of each makes the text one line.
 *
 * Masking happens while copying (masking.h) and counts each value once.
 */
#include "draft.h"

#include "clock.h"
#include "context.h"
#include "event.h"
#include "fault.h"
#include "masking.h"
#include "members.h"
#include "utf8.h"
#include "uuid.h"

#include <stdlib.h>

/* `"id":"…",` and `"timestamp":"…",` with all that may be between the quotes. */
#define STAMP_SIZE_MAX 160
#define ID_SIZE_MAX    64

struct draft {
    struct event_reader *reader;
    struct buffer source; /* the text of an event that came as a struct */
    struct buffer line;
    struct masking masking;
    uint8_t id[ID_SIZE_MAX];
    size_t id_size;
};

/* A line being written. */
struct writing {
    struct draft *draft;
    struct json_tape *tape;
    struct event event; /* what is in the tape */
    const struct tally_context *context;
    const char *service;
};

tally_status
draft_create(const struct mask *mask, struct draft **draft_out, struct tally_error *error)
{
    struct draft *draft = calloc(1, sizeof *draft);
    if (draft == NULL)
        return memory_fault(error);
    tally_status status = event_reader_create(catalogue_none(), &draft->reader, error);
    if (status != TALLY_OK) {
        free(draft);
        return status;
    }
    masking_init(&draft->masking, mask, event_reader_tape(draft->reader), &draft->line);
    *draft_out = draft;
    return TALLY_OK;
}

void
draft_destroy(struct draft *draft)
{
    if (draft == NULL)
        return;
    event_reader_destroy(draft->reader);
    buffer_free(&draft->source);
    buffer_free(&draft->line);
    masking_finish(&draft->masking);
    free(draft);
}

/* Whether the event or its context has something in a field. */
static bool
says(const struct writing *writing, enum field_id field)
{
    if (writing->event.values[field].data != NULL)
        return writing->event.values[field].size > 0;
    const struct context_member *member = context_find(writing->context, field);
    return member != NULL && member->text.size > 0;
}

static tally_status
check_service(const char *service, struct tally_error *error)
{
    if (service == NULL)
        return TALLY_OK;
    struct bytes text = bytes_text(service);
    if (text.size > fields[FIELD_SERVICE].size_max)
        return fault(error, TALLY_INVALID, "service has %zu bytes, at most %u fit", text.size,
                     fields[FIELD_SERVICE].size_max);
    if (utf8_valid_size(text) < text.size)
        return fault(error, TALLY_INVALID, "service is not valid UTF-8");
    return TALLY_OK;
}

/* Of an event that was checked by itself. */
static tally_status
check(struct writing *writing, struct tally_error *error)
{
    tally_status status = check_service(writing->service, error);
    if (status != TALLY_OK)
        return status;
    if (!says(writing, FIELD_ACTION) && !says(writing, FIELD_EVENT_TYPE))
        return json_fault(error, writing->tape, 0, EVENT_SAYS_NOTHING);
    return TALLY_OK;
}

static uint8_t *
put(uint8_t *to, struct bytes bytes)
{
    memcpy(to, bytes.data, bytes.size);
    return to + bytes.size;
}

/* `"name":"value",` of a value that needs no escapes. */
static uint8_t *
put_plain(uint8_t *to, enum field_id field, struct bytes value)
{
    to = put(to, bytes_of(fields[field].key, fields[field].key_size));
    *to++ = '"';
    to = put(to, value);
    *to++ = '"';
    *to++ = ',';
    return to;
}

/* The id and the time, where the event has none; one reading of the clock for both. */
static void
put_stamp(struct writing *writing)
{
    struct draft *draft = writing->draft;
    const struct event *event = &writing->event;
    uint64_t stamped = FIELD_BIT(FIELD_ID) | FIELD_BIT(FIELD_TIMESTAMP);
    int64_t now = (event->present & stamped) == stamped ? 0 : clock_now();
    struct bytes id = event->values[FIELD_ID];
    uint8_t *to = buffer_reserve(&draft->line, STAMP_SIZE_MAX);
    if (to == NULL)
        return;

    const uint8_t *start = to;
    if (id.data != NULL) {
        memcpy(draft->id, id.data, id.size);
        draft->id_size = id.size;
    } else {
        uint8_t uuid[16];
        uuid_v7(now, uuid);
        uuid_format(uuid, (char *)draft->id);
        draft->id_size = UUID_TEXT_SIZE;
        to = put_plain(to, FIELD_ID, draft_id(draft));
    }
    if (event->values[FIELD_TIMESTAMP].data == NULL) {
        char text[INSTANT_TEXT_MAX];
        size_t size = instant_format(now, EVENT_CLOCK_DIGITS, text);
        to = put_plain(to, FIELD_TIMESTAMP, bytes_of(text, size));
    }
    draft->line.size += (size_t)(to - start);
}

/* `"name":"…",` of a text from outside the event, with what is secret in it masked; false, and
 * nothing, where there is nothing to mask. */
static bool
put_masked(struct draft *draft, enum field_id field, struct bytes text)
{
    if ((draft->masking.fields & FIELD_BIT(field)) == 0)
        return false;
    size_t before = draft->line.size;
    buffer_append(&draft->line, fields[field].key, fields[field].key_size);
    if (!masking_text(&draft->masking, field, text)) {
        draft->line.size = before;
        return false;
    }
    buffer_byte(&draft->line, ',');
    return true;
}

static void
put_inherited(const struct writing *writing)
{
    const struct tally_context *context = writing->context;
    if (context == NULL)
        return;
    uint64_t one_by_one = writing->event.present | writing->draft->masking.fields;
    if ((context->present & one_by_one) == 0) {
        buffer_bytes(&writing->draft->line, context->json);
        return;
    }
    for (size_t i = 0; i < context->count; i++) {
        const struct context_member *member = &context->members[i];
        if ((writing->event.present & FIELD_BIT(member->field)) == 0 &&
            !put_masked(writing->draft, member->field, member->text))
            buffer_bytes(&writing->draft->line, member->json);
    }
}

static void
put_service(const struct writing *writing)
{
    struct buffer *line = &writing->draft->line;
    uint64_t there = writing->event.present;
    if (writing->context != NULL)
        there |= writing->context->present;
    if (writing->service == NULL || (there & FIELD_BIT(FIELD_SERVICE)) != 0)
        return;
    struct bytes text = bytes_text(writing->service);
    if (put_masked(writing->draft, FIELD_SERVICE, text))
        return;
    buffer_append(line, fields[FIELD_SERVICE].key, fields[FIELD_SERVICE].key_size);
    json_write_string(text, line);
    buffer_byte(line, ',');
}

static void
mask_member(struct masking *masking, enum field_id field, uint32_t name)
{
    switch (field) {
    case FIELD_COUNT:
        masking_member(masking, name);
        break;
    case FIELD_DETAILS:
        masking_value(masking, name + 1);
        break;
    case FIELD_CHANGES:
        masking_changes(masking, name + 1);
        break;
    default:
        if ((masking->fields & FIELD_BIT(field)) != 0)
            masking_field(masking, field, name + 1);
        break;
    }
}

/* The event's own members, in runs between those that are dropped. */
static void
put_members(const struct writing *writing)
{
    struct draft *draft = writing->draft;
    const struct json_node *nodes = writing->tape->nodes;
    size_t end = 0; /* of the run; 0: none is open */
    for (uint32_t name = 1; name < nodes[0].next; name = nodes[name + 1].next) {
        enum field_id field = (enum field_id)nodes[name].next; /* says who checked it */
        const struct json_node *value = &nodes[name + 1];
        if (field != FIELD_COUNT && value->kind == JSON_KIND_NULL) {
            if (end != 0) {
                masking_end(&draft->masking, end);
                buffer_byte(&draft->line, ',');
            }
            end = 0;
            continue;
        }
        if (end == 0)
            masking_begin(&draft->masking, nodes[name].start);
        mask_member(&draft->masking, field, name);
        end = value->start + value->size;
    }
    if (end != 0)
        masking_end(&draft->masking, end);
}

/* The last piece may have left a comma. */
static void
put_end(struct buffer *line)
{
    if (line->size > 0 && line->data[line->size - 1] == ',')
        line->data[line->size - 1] = '}';
    else
        buffer_byte(line, '}');
}

static void
replace_with_blanks(struct buffer *line, char c)
{
    uint8_t *at = line->data;
    const uint8_t *end = at + line->size;
    while (at < end && (at = memchr(at, c, (size_t)(end - at))) != NULL)
        *at++ = ' ';
}

static tally_status
write_line(struct writing *writing, struct tally_error *error)
{
    struct draft *draft = writing->draft;
    struct buffer *line = &draft->line;
    tally_status status = check(writing, error);
    if (status != TALLY_OK)
        return status;

    buffer_clear(line);
    draft->masking.count = 0;
    buffer_byte(line, '{');
    put_stamp(writing);
    put_inherited(writing);
    put_service(writing);
    put_members(writing);
    put_end(line);
    if (buffer_failed(line))
        return memory_fault(error);
    replace_with_blanks(line, '\n');
    replace_with_blanks(line, '\r');
    replace_with_blanks(line, '\t');
    return TALLY_OK;
}

static void
begin(struct writing *writing, struct draft *draft, const struct tally_context *context,
      const char *service)
{
    writing->draft = draft;
    writing->tape = event_reader_tape(draft->reader);
    writing->context = context;
    writing->service = service;
    event_reader_reset(draft->reader);
}

tally_status
draft_write_json(struct draft *draft, struct bytes json, const struct tally_context *context,
                 const char *service, struct tally_error *error)
{
    struct writing writing;
    begin(&writing, draft, context, service);
    tally_status status = json_scan(writing.tape, json, error);
    if (status == TALLY_OK)
        status = event_check_node(draft->reader, 0, &writing.event, error);
    return status == TALLY_OK ? write_line(&writing, error) : status;
}

tally_status
draft_write(struct draft *draft, const struct tally_event *event,
            const struct tally_context *context, const char *service, struct tally_error *error)
{
    struct writing writing;
    begin(&writing, draft, context, service);
    struct composing composing = { writing.tape, &draft->source };
    tally_status status = members_compose(event, &composing, error);
    if (status != TALLY_OK)
        return status;
    status = event_check_composed(draft->reader, &writing.event, error);
    if (status == TALLY_OK)
        status = write_line(&writing, error);
    if (status == TALLY_INVALID && error != NULL)
        error->line = error->column = 0;
    return status;
}

struct bytes
draft_line(const struct draft *draft)
{
    return buffer_view(&draft->line);
}

struct bytes
draft_id(const struct draft *draft)
{
    return bytes_of(draft->id, draft->id_size);
}

uint64_t
draft_masked(const struct draft *draft)
{
    return draft->masking.count;
}
