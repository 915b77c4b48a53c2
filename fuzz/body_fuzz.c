/*
 * body_fuzz.c - bodies of any bytes.
 *
 * The first byte says the coding and the type, the rest is the body. What is decoded keeps to its
 * limit, comes back when it is coded again, and is not there when its last byte is missing. Its
 * events are cut as a slow reader cuts them, a byte at a time; joined again they come apart as
 * before.
 */
#include "body.h"

#include <stdlib.h>
#include <zstd.h>

#define DECODED_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- decoding ---- */

static void
check_coding_again(struct bytes plain)
{
    size_t room = ZSTD_compressBound(plain.size);
    uint8_t *coded = malloc(room);
    size_t size = ZSTD_compress(coded, room, plain.data, plain.size, 1);
    struct buffer again = { 0 };
    must(body_decode(CODING_ZSTD, bytes_of(coded, size), plain.size, &again, NULL) == TALLY_OK);
    must(bytes_equal(buffer_view(&again), plain));
    buffer_free(&again);
    free(coded);
}

/* What a body without its last byte gives is never a whole: it is coded in parts that say their
 * end. */
static void
check_cut(enum body_coding coding, struct bytes coded)
{
    struct buffer out = { 0 };
    uint8_t *cut = malloc(coded.size);
    memcpy(cut, coded.data, coded.size - 1);
    must(body_decode(coding, bytes_of(cut, coded.size - 1), DECODED_MAX, &out, NULL) ==
         TALLY_INVALID);
    must(out.size == 0);
    free(cut);
    buffer_free(&out);
}

static bool
decode(enum body_coding coding, struct bytes coded, struct buffer *out)
{
    struct tally_error error = { 0 };
    tally_status status = body_decode(coding, coded, DECODED_MAX, out, &error);
    must(out->size <= DECODED_MAX && out->capacity <= DECODED_MAX);
    if (status != TALLY_OK) {
        must(status == TALLY_INVALID || status == TALLY_FULL);
        must(out->size == 0 && error.text[0] != '\0');
        return false;
    }
    if (coding != CODING_NONE)
        check_cut(coding, coded);
    if (coding != CODING_NONE && coded.size % 16 == 0)
        check_coding_again(buffer_view(out));
    return true;
}

/* ---- cutting ---- */

/* What came of a body: for each event its place, size and line, and how it ended. */
static void
note(struct buffer *log, size_t at, size_t size, uint64_t line)
{
    buffer_u64(log, at);
    buffer_u64(log, size);
    buffer_u64(log, line);
}

struct reading {
    struct bytes text;
    size_t at;
    uint64_t line;
    struct buffer *log;
    bool unended; /* the last event has no end */
};

static int
peek(const struct reading *reading)
{
    return reading->at < reading->text.size ? reading->text.data[reading->at] : -1;
}

static void
next(struct reading *reading)
{
    reading->line += reading->text.data[reading->at++] == '\n';
}

static bool
is_blank(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void
blanks(struct reading *reading)
{
    while (is_blank(peek(reading)))
        next(reading);
}

/* Passes over a string; false where it has no end. */
static bool
string(struct reading *reading)
{
    bool escaped = false;
    for (next(reading); peek(reading) >= 0; next(reading)) {
        if (peek(reading) == '"' && !escaped) {
            next(reading);
            return true;
        }
        escaped = peek(reading) == '\\' && !escaped;
    }
    return false;
}

static bool
brackets(struct reading *reading)
{
    size_t depth = 0;
    bool escaped = false; /* outside strings a backslash is junk, but still escapes a quote */
    do {
        int byte = peek(reading);
        if (byte == '"' && !escaped) {
            if (!string(reading))
                return false;
            escaped = false;
            continue;
        }
        depth += byte == '{' || byte == '[';
        depth -= byte == '}' || byte == ']';
        escaped = byte == '\\' && !escaped;
        next(reading);
    } while (depth > 0 && peek(reading) >= 0);
    return depth == 0;
}

static void
value(struct reading *reading)
{
    size_t at = reading->at;
    uint64_t line = reading->line;
    int byte = peek(reading);
    if (byte == '{' || byte == '[') {
        reading->unended = !brackets(reading);
    } else if (byte == '"') {
        reading->unended = !string(reading);
    } else {
        do
            next(reading);
        while (peek(reading) >= 0 && !is_blank(peek(reading)) &&
               (peek(reading) == 0 || strchr(",[]{}\"", peek(reading)) == NULL));
    }
    size_t end = reading->unended ? reading->text.size : reading->at;
    while (reading->unended && is_blank(reading->text.data[end - 1]))
        end--;
    note(reading->log, at, end - at, line);
}

/* True where the structure holds. */
static bool
array(struct reading *reading)
{
    next(reading);
    blanks(reading);
    for (bool first = true; peek(reading) != ']' || !first; first = false) {
        if (peek(reading) < 0 || strchr(",]}", peek(reading) == 0 ? 'x' : peek(reading)) != NULL)
            return false;
        value(reading);
        if (reading->unended)
            return true;
        blanks(reading);
        if (peek(reading) == ']')
            break;
        if (peek(reading) != ',')
            return false;
        next(reading);
        blanks(reading);
    }
    next(reading);
    blanks(reading);
    return peek(reading) < 0;
}

static bool
json_slowly(struct reading *reading)
{
    blanks(reading);
    if (peek(reading) < 0)
        return true;
    if (peek(reading) == '[')
        return array(reading);
    if (peek(reading) != '{')
        return false;
    struct buffer *log = reading->log;
    size_t before = log->size;
    value(reading);
    blanks(reading);
    if (reading->unended || peek(reading) < 0)
        return true;
    log->size = before; /* what is refused at once is not given out */
    return false;
}

static bool
lines_slowly(struct reading *reading)
{
    while (peek(reading) >= 0) {
        size_t at = reading->at;
        uint64_t line = reading->line;
        while (peek(reading) >= 0 && peek(reading) != '\n')
            next(reading);
        size_t end = reading->at;
        if (peek(reading) >= 0)
            next(reading);
        while (at < end && is_blank(reading->text.data[at]))
            at++;
        while (at < end && is_blank(reading->text.data[end - 1]))
            end--;
        if (at < end)
            note(reading->log, at, end - at, line);
    }
    return true;
}

static bool
cut_slowly(struct bytes text, enum body_type type, struct buffer *log, bool *unended_out)
{
    struct reading reading = { .text = text, .line = 1, .log = log };
    bool marked = text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
    bool holds = !marked && (type == BODY_NDJSON ? lines_slowly(&reading) : json_slowly(&reading));
    *unended_out = reading.unended;
    return holds;
}

/* The same as the server does it; the events go to `joined`, too, as a body of the same type. */
static bool
cut(struct bytes text, enum body_type type, struct buffer *log, struct buffer *joined)
{
    struct body_events events;
    struct body_event event;
    struct tally_error error = { 0 };
    uint64_t count = 0;
    tally_status status;
    body_events_begin(&events, text, type);
    buffer_text(joined, type == BODY_JSON ? "[" : "");
    for (;; count++) {
        status = body_events_next(&events, &event, &error);
        if (status != TALLY_OK)
            break;
        must(event.position == count && event.text.size > 0);
        must(event.text.data >= text.data &&
             event.text.data + event.text.size <= text.data + text.size);
        note(log, (size_t)(event.text.data - text.data), event.text.size, event.line);
        buffer_text(joined, count > 0 && type == BODY_JSON ? ",\n" : "");
        buffer_bytes(joined, event.text);
        buffer_text(joined, type == BODY_NDJSON ? "\r\n" : "");
    }
    buffer_text(joined, type == BODY_JSON ? "]" : "");
    must(status == TALLY_ABSENT || (status == TALLY_INVALID && error.line > 0));
    must(body_events_next(&events, &event, &error) == TALLY_ABSENT);
    return status == TALLY_ABSENT;
}

/* The texts of two bodies' events must be the same. */
static void
check_joined(struct bytes text, struct bytes joined, enum body_type type)
{
    struct body_events before, after;
    struct body_event one, other;
    body_events_begin(&before, text, type);
    body_events_begin(&after, joined, type);
    while (body_events_next(&before, &one, NULL) == TALLY_OK) {
        must(body_events_next(&after, &other, NULL) == TALLY_OK);
        must(bytes_equal(one.text, other.text));
    }
    must(body_events_next(&after, &other, NULL) == TALLY_ABSENT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum body_coding coding = (enum body_coding)(data[0] / 2 % 3);
    enum body_type type = (enum body_type)(data[0] % 2);
    struct buffer text = { 0 }, fast = { 0 }, slow = { 0 }, joined = { 0 };
    if (decode(coding, bytes_of(data + 1, size - 1), &text)) {
        bool unended;
        bool holds = cut_slowly(buffer_view(&text), type, &slow, &unended);
        must(cut(buffer_view(&text), type, &fast, &joined) == holds);
        must(bytes_equal(buffer_view(&fast), buffer_view(&slow)));
        bool marked = joined.size >= 3 && memcmp(joined.data, "\xef\xbb\xbf", 3) == 0;
        if (!unended && !marked)
            check_joined(buffer_view(&text), buffer_view(&joined), type);
    }
    buffer_free(&text);
    buffer_free(&fast);
    buffer_free(&slow);
    buffer_free(&joined);
    return 0;
}
