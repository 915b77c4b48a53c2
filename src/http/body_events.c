/*
 * body_events.c - cut a body into its events.
 *
 * Only what stands between events is judged here: brackets and commas, or line ends. An event that
 * is no JSON is given out like any other; batch_add() refuses it and says where. One that has no
 * end (a quote or bracket is missing, or the body was cut) reaches to the end of the body: it is
 * refused for certain, with the place of the slip rather than of its consequence.
 */
#include "body.h"

#include "bracket.h"
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>

#define CUT_MARK "\xe2\x80\xa6"

void
body_events_begin(struct body_events *events, struct bytes text, enum body_type type)
{
    *events = (struct body_events){
        .text = text.data == NULL ? bytes_text("") : text,
        .type = type,
        .line = 1,
    };
}

/* ---- steps ---- */

static struct bytes
rest(const struct body_events *events)
{
    return bytes_of(events->text.data + events->at, events->text.size - events->at);
}

static uint64_t
count_lines(struct bytes text)
{
    uint64_t count = 0;
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        if (end == NULL)
            break;
        count++;
        text = bytes_of(end + 1, text.size - (size_t)(end - text.data) - 1);
    }
    return count;
}

static void
advance(struct body_events *events, size_t size)
{
    events->line += count_lines(bytes_of(events->text.data + events->at, size));
    events->at += size;
}

/* RFC 8259, section 2. */
static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Goes on to the next byte that is no blank and returns it; 0 at the end. */
static uint8_t
skip_blanks(struct body_events *events)
{
    struct bytes text = rest(events);
    size_t size = 0;
    while (size < text.size && is_blank(text.data[size]))
        size++;
    advance(events, size);
    return size < text.size ? text.data[size] : 0;
}

static bool
at_end(const struct body_events *events)
{
    return events->at == events->text.size;
}

static tally_status
broken(struct body_events *events, struct tally_error *error, const char *text)
{
    events->ended = true;
    tally_status status = fault(error, TALLY_INVALID, "%s", text);
    fault_at_line(error, events->line);
    if (error != NULL && events->array)
        (void)snprintf(error->pointer, sizeof error->pointer, "/%" PRIu64, events->position);
    return status;
}

/* Gives out the next `size` bytes. */
static tally_status
give(struct body_events *events, size_t size, struct body_event *event_out)
{
    *event_out = (struct body_event){
        .text = bytes_trim(bytes_of(rest(events).data, size), is_blank),
        .line = events->line,
        .position = events->position++,
        .in_array = events->array,
    };
    advance(events, size);
    return TALLY_OK;
}

/* ---- arrays and objects ---- */

/* The size of a string to its closing quote, or 0 where there is none. */
static size_t
string_size(struct bytes text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '"')
            return i + 1;
        if (text.data[i] == '\\')
            i++;
    }
    return 0;
}

/* The size of the value that `text` begins with; 0 where it has no end. */
static size_t
value_size(struct bytes text)
{
    if (text.data[0] == '{' || text.data[0] == '[')
        return bracket_size(text);
    if (text.data[0] == '"')
        return string_size(text);
    static const struct bytes ends = BYTES(",[]{}\"");
    size_t size = 1;
    while (size < text.size && !is_blank(text.data[size]) &&
           memchr(ends.data, text.data[size], ends.size) == NULL)
        size++;
    return size;
}

static tally_status
give_value(struct body_events *events, struct body_event *event_out)
{
    struct bytes text = rest(events);
    size_t size = value_size(text);
    events->ended = size == 0;
    return give(events, size == 0 ? text.size : size, event_out);
}

/* At the bracket that closes the array. */
static tally_status
end_array(struct body_events *events, struct tally_error *error)
{
    events->array = false;
    advance(events, 1);
    (void)skip_blanks(events);
    if (!at_end(events))
        return broken(events, error, "behind the array of events stands something else");
    events->ended = true;
    return TALLY_ABSENT;
}

static tally_status
next_element(struct body_events *events, struct body_event *event_out, struct tally_error *error)
{
    uint8_t byte = skip_blanks(events);
    if (byte == ']')
        return end_array(events, error);
    if (events->position > 0 && !at_end(events)) {
        if (byte != ',')
            return broken(events, error, "between the events of the array a comma is missing");
        advance(events, 1);
        byte = skip_blanks(events);
        if (byte == ']')
            return broken(events, error, "behind the array's last comma is no event");
    }
    if (at_end(events))
        return broken(events, error, "the body ends before its array of events does");
    if (byte == ',' || byte == '}')
        return broken(events, error, "where an event of the array should begin, none does");
    return give_value(events, event_out);
}

/* A body that is no array: one event, which nothing may follow. */
static tally_status
only_event(struct body_events *events, struct body_event *event_out, struct tally_error *error)
{
    struct body_event event;
    tally_status status = give_value(events, &event);
    (void)skip_blanks(events);
    if (!at_end(events))
        return broken(events, error,
                      "behind the event stands something else: send several as an array, or one a "
                      "line as application/x-ndjson");
    events->ended = true;
    *event_out = event;
    return status;
}

static tally_status
next_value(struct body_events *events, struct body_event *event_out, struct tally_error *error)
{
    if (events->array)
        return next_element(events, event_out, error);

    uint8_t byte = skip_blanks(events);
    if (at_end(events)) {
        events->ended = true;
        return TALLY_ABSENT;
    }
    if (byte == '{')
        return only_event(events, event_out, error);
    if (byte != '[')
        return broken(events, error, "the body is neither a JSON object nor an array of objects");
    events->array = true;
    advance(events, 1);
    return next_element(events, event_out, error);
}

/* ---- lines ---- */

static tally_status
next_line(struct body_events *events, struct body_event *event_out)
{
    while (!at_end(events)) {
        struct bytes text = rest(events);
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data) + 1;
        struct bytes line = bytes_trim(bytes_of(text.data, size), is_blank);
        uint64_t number = events->line;
        events->at += size;
        events->line += end != NULL;
        if (line.size > 0) {
            *event_out = (struct body_event){
                .text = line,
                .line = number,
                .position = events->position++,
            };
            return TALLY_OK;
        }
    }
    events->ended = true;
    return TALLY_ABSENT;
}

/* ---- both ---- */

static bool
has_mark(struct bytes text)
{
    return text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
}

tally_status
body_events_next(struct body_events *events, struct body_event *event_out,
                 struct tally_error *error)
{
    if (events->ended)
        return TALLY_ABSENT;
    if (events->at == 0 && has_mark(events->text))
        return broken(events, error,
                      "the body begins with a byte order mark, which JSON is sent without");
    return events->type == BODY_NDJSON ? next_line(events, event_out)
                                       : next_value(events, event_out, error);
}

/* Puts `prefix` before the pointer; what does not fit is cut off, between characters, with a mark.
 */
static void
put_before(char *pointer, size_t capacity, const char *prefix)
{
    char whole[2 * sizeof((struct tally_error *)0)->pointer];
    (void)snprintf(whole, sizeof whole, "%s%s", prefix, pointer);
    size_t size = strlen(whole);
    if (size >= capacity) {
        size = capacity - sizeof CUT_MARK;
        while (size > 0 && ((uint8_t)whole[size] & 0xc0) == 0x80)
            size--;
        memcpy(whole + size, CUT_MARK, sizeof CUT_MARK);
        size += sizeof CUT_MARK - 1;
    }
    memcpy(pointer, whole, size + 1);
}

void
body_event_place(const struct body_event *event, struct tally_error *error)
{
    if (error == NULL)
        return;
    error->line = event->line + (error->line > 0 ? error->line - 1 : 0);
    error->column = 0;
    if (!event->in_array)
        return;
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, "/%" PRIu64, event->position);
    put_before(error->pointer, sizeof error->pointer, prefix);
}
