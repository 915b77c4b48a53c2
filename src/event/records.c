/*
 * Records out of a stream.
 *
 * The idea: a record's end can be found without reading it as JSON, by keeping count of brackets
 * and strings. A little more is checked than that, namely that names, colons, values and commas
 * follow each other as they must, because then a record that breaks off is noticed at the first
 * token of the next one and not at the end of the file.
 *
 * Bytes that were fed wait in `pending`. Those before `at` are done with; a record stays there from
 * its first byte on until its end is found, `scanned` bytes of it being known already. So nothing
 * is scanned twice unless it turns out to be damaged; then reading goes back to the line after the
 * one where the record began. How often a byte can be read again is bounded by OUTLINE_DEPTH_MAX:
 * whatever begins a record inside an unfinished record is one level deeper.
 *
 * Invariants: scanned <= pending.size - at; pending holds no more than one record and one chunk;
 * `line` and `column` are those of the byte `at`.
 *
 * What is damaged is reported once. Lines that continue it (indented further than its beginning, or
 * beginning with a closing bracket or a comma) are passed over in silence, others are tried.
 */
#include "records.h"

#include "fault.h"
#include "outline.h"

#include <stdlib.h>

enum place {
    PLACE_START,      /* nothing seen yet: a byte order mark tells the encoding */
    PLACE_TOP,        /* outside arrays and records */
    PLACE_RECORD,     /* in an object outside arrays */
    PLACE_ELEMENT,    /* in an array, behind [ */
    PLACE_COMMA,      /* in an array, behind a comma */
    PLACE_BETWEEN,    /* in an array, behind an element */
    PLACE_IN_ELEMENT, /* in an element */
    PLACE_REST,       /* behind the array of {"Records": […]} */
    PLACE_SKIP,       /* in a line that is passed over */
    PLACE_RESUME,     /* at the beginning of a line, looking for one that may begin a record */
    PLACE_CLOSED,     /* nothing more will be read */
};

struct records {
    struct buffer pending;
    size_t at;
    size_t scanned;
    uint64_t line;
    size_t column; /* 0-based, in bytes */
    size_t indent; /* the column where the record, or the damage, began */
    enum place place;
    struct outline outline;
    const struct record_list *lists;
    size_t list_count;
    uint32_t wrapped; /* objects around the array: 1 where it is that of {"Records": […]} */
    bool in_array;    /* they are an element of another array */
    bool wreckage;    /* an array broke: its commas and brackets may follow */
    bool dropping;    /* the record is too large and was reported; it is only read to its end */
    bool ended;
};

/* What came of looking at what is pending. */
enum step {
    STEP_ON,
    STEP_MORE,
    STEP_RECORD,
    STEP_BAD,
};

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- moving through what is pending ---- */

static struct bytes
rest(const struct records *records)
{
    return bytes_of(records->pending.data + records->at, records->pending.size - records->at);
}

/* Is done with `size` bytes. */
static void
advance(struct records *records, size_t size)
{
    const uint8_t *from = records->pending.data + records->at;
    const uint8_t *end = from + size;
    while (from < end) {
        const uint8_t *newline = memchr(from, '\n', (size_t)(end - from));
        if (newline == NULL) {
            records->column += (size_t)(end - from);
            break;
        }
        records->line++;
        records->column = 0;
        from = newline + 1;
    }
    records->at += size;
    records->scanned = 0;
}

/* Is done with blanks; the first byte behind them is in *byte_out, or false at the end of what is
 * pending. */
static bool
skip_blanks(struct records *records, uint8_t *byte_out)
{
    struct bytes data = rest(records);
    size_t size = 0;
    while (size < data.size && is_blank(data.data[size]))
        size++;
    advance(records, size);
    if (size == data.size)
        return false;
    *byte_out = data.data[size];
    return true;
}

static void
begin_value(struct records *records, enum place place)
{
    records->outline = (struct outline){ 0 };
    records->outline.lists =
        records->list_count > 0 && (place == PLACE_RECORD || records->wrapped == 0);
    records->indent = records->column;
    records->place = place;
}

/* Gives up the rest of the line, and lines that continue it. */
static void
pass_over_line(struct records *records)
{
    struct bytes data = rest(records);
    const uint8_t *newline = data.size == 0 ? NULL : memchr(data.data, '\n', data.size);
    records->place = newline != NULL ? PLACE_RESUME : PLACE_SKIP;
    advance(records, newline != NULL ? (size_t)(newline - data.data) + 1 : data.size);
}

/* Reports what stands at `at`. */
static enum step
bad(struct records *records, struct tally_error *error, const char *text, const char *detail)
{
    (void)fault(error, TALLY_INVALID, "%s%s", text, detail);
    fault_at_line(error, records->line);
    return STEP_BAD;
}

/* ---- each place ---- */

/* UTF-16 is what some Windows programs write; every line of it would be reported otherwise. Without
 * a byte order mark, the first bracket has a zero byte behind it. */
static enum step
at_start(struct records *records, struct tally_error *error)
{
    static const struct {
        uint8_t begin[2];
        const char *cure;
    } wide[] = {
        { { 0xff, 0xfe }, "iconv -f UTF-16 -t UTF-8" },
        { { 0xfe, 0xff }, "iconv -f UTF-16 -t UTF-8" },
        { { '{', 0 }, "iconv -f UTF-16LE -t UTF-8" },
        { { '[', 0 }, "iconv -f UTF-16LE -t UTF-8" },
    };
    struct bytes data = rest(records);
    if (data.size < 2 && !records->ended)
        return STEP_MORE;
    records->place = PLACE_TOP;
    for (size_t i = 0; data.size >= 2 && i < sizeof wide / sizeof wide[0]; i++) {
        if (memcmp(data.data, wide[i].begin, 2) != 0)
            continue;
        records->place = PLACE_CLOSED;
        return bad(records, error, "the text is UTF-16; convert it first: ", wide[i].cure);
    }
    return STEP_ON;
}

/* A byte order mark, or the beginning of one: its size, 0 where there is none. */
static size_t
mark_size(struct bytes data)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    size_t size = data.size < sizeof mark ? data.size : sizeof mark;
    return memcmp(data.data, mark, size) == 0 ? size : 0;
}

/* Whether `data`, an object's beginning, is `{"Records":[` with any blanks; its size if so. */
static enum outline_progress
match_wrapper(struct bytes data, size_t *size_out)
{
    static const char *const tokens[] = { "{", "\"Records\"", ":", "[" };
    size_t at = 0;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        while (at < data.size && is_blank(data.data[at]))
            at++;
        for (const char *c = tokens[i]; *c != '\0'; c++, at++) {
            if (at == data.size)
                return OUTLINE_MORE;
            if (data.data[at] != (uint8_t)*c)
                return OUTLINE_BROKEN;
        }
    }
    *size_out = at;
    return OUTLINE_DONE;
}

static enum step
at_brace(struct records *records)
{
    size_t size;
    enum outline_progress wrapper = match_wrapper(rest(records), &size);
    if (wrapper == OUTLINE_DONE) {
        records->indent = records->column;
        records->wrapped = 1;
        records->place = PLACE_ELEMENT;
        advance(records, size);
        return STEP_ON;
    }
    if (wrapper == OUTLINE_MORE && !records->ended && rest(records).size <= RECORD_SIZE_MAX)
        return STEP_MORE;
    begin_value(records, PLACE_RECORD);
    return STEP_ON;
}

static enum step
at_top(struct records *records, struct tally_error *error)
{
    uint8_t byte;
    records->in_array = false;
    if (!skip_blanks(records, &byte))
        return STEP_MORE;

    size_t mark = mark_size(rest(records));
    if (mark == 3) {
        advance(records, mark);
        records->column = 0;
        return STEP_ON;
    }
    if (mark > 0 && !records->ended)
        return STEP_MORE;
    if (byte == '{')
        return at_brace(records);
    if (byte == '[') {
        records->indent = records->column;
        records->wrapped = 0;
        records->place = PLACE_ELEMENT;
        advance(records, 1);
        return STEP_ON;
    }
    if (records->wreckage && (byte == ',' || byte == ']' || byte == '}')) {
        advance(records, 1);
        return STEP_ON;
    }

    records->indent = records->column;
    enum step step = bad(records, error, "a record is a JSON object and begins with {", "");
    pass_over_line(records);
    return step;
}

/* In an array, where an element may begin; behind [ the array may end, behind a comma not. */
static enum step
at_element(struct records *records, struct tally_error *error)
{
    uint8_t byte;
    if (!skip_blanks(records, &byte))
        return STEP_MORE;
    if (byte != ']') {
        begin_value(records, PLACE_IN_ELEMENT);
        return STEP_ON;
    }

    bool dangling = records->place == PLACE_COMMA;
    enum step step = dangling
                         ? bad(records, error, "the array's last comma has nothing behind it", "")
                         : STEP_ON;
    records->place = PLACE_BETWEEN;
    return step;
}

static enum step
between_elements(struct records *records, struct tally_error *error)
{
    uint8_t byte;
    if (!skip_blanks(records, &byte))
        return STEP_MORE;
    if (byte == ',') {
        records->place = PLACE_COMMA;
    } else if (byte == ']' && records->wrapped > 0) {
        records->outline =
            (struct outline){ .expect = EXPECT_COMMA_OR_END, .depth = records->wrapped };
        records->outline.is_object[0] = (UINT64_C(1) << records->wrapped) - 1;
        records->place = PLACE_REST;
    } else if (byte == ']') {
        records->place = PLACE_TOP;
    } else {
        enum step step = bad(records, error, "between an array's elements a comma is missing", "");
        records->wreckage = true;
        pass_over_line(records);
        return step;
    }
    advance(records, 1);
    return STEP_ON;
}

/* The members behind the array in {"Records": […], …}: read over. An array that they are an element
 * of goes on. */
static enum step
behind_array(struct records *records, struct tally_error *error)
{
    size_t size = 0;
    enum outline_progress progress = outline_read(&records->outline, rest(records), &size);
    advance(records, size);
    if (progress == OUTLINE_MORE)
        return STEP_MORE;
    if (progress == OUTLINE_DONE) {
        records->place = records->in_array ? PLACE_BETWEEN : PLACE_TOP;
        records->in_array = false;
        records->wrapped = 0;
        return STEP_ON;
    }
    enum step step =
        bad(records, error, "the object around the records is damaged: ", records->outline.trouble);
    records->wreckage |= records->in_array;
    pass_over_line(records);
    return step;
}

/* The value at `at` is no record that can be used, as its structure shows. */
static enum step
damaged(struct records *records, struct tally_error *error, const char *trouble)
{
    enum step step = STEP_ON;
    if (!records->dropping)
        step = bad(records, error, "the record is damaged: ", trouble);
    records->dropping = false;
    records->wreckage |= records->place == PLACE_IN_ELEMENT;
    pass_over_line(records);
    return step;
}

static enum step
complete(struct records *records, struct record *record_out, struct tally_error *error)
{
    struct bytes text = bytes_of(rest(records).data, records->scanned);
    enum step step = STEP_RECORD;
    if (records->dropping)
        step = STEP_ON;
    else if (text.data[0] != '{')
        step = bad(records, error, "the array's element is no JSON object", "");
    else
        *record_out = (struct record){ .text = text, .line = records->line };

    records->dropping = false;
    records->place = records->place == PLACE_RECORD ? PLACE_TOP : PLACE_BETWEEN;
    advance(records, text.size);
    return step;
}

/* Whether the bracket at text.data[bracket] opens the value of a member of this name. The names are
 * plain, so their quotes are no escaped ones if a blank, a comma or a bracket stands before them. */
static bool
is_named(struct bytes text, size_t bracket, struct bytes name)
{
    size_t end = bracket;
    while (is_blank(text.data[end - 1]))
        end--;
    end--; /* the colon */
    while (is_blank(text.data[end - 1]))
        end--;
    if (end < name.size + 3)
        return false;
    const uint8_t *quote = text.data + end - name.size - 2;
    bool whole = is_blank(quote[-1]) || quote[-1] == ',' || quote[-1] == '{';
    return whole && quote[0] == '"' && memcmp(quote + 1, name.data, name.size) == 0;
}

/* Whether the array whose bracket `text` ends with is one of the lists. */
static bool
is_list(const struct records *records, struct bytes text)
{
    bool inside = records->outline.depth == 3;
    for (size_t i = 0; i < records->list_count; i++) {
        const struct record_list *list = &records->lists[i];
        if ((list->outer.size > 0) == inside && is_named(text, text.size - 1, list->name) &&
            (!inside || is_named(text, records->outline.inner - 1, list->outer)))
            return true;
    }
    return false;
}

/* Takes bytes of the value. True where an array of records has begun: what stands before it is done
 * with. */
static bool
read_value(struct records *records, enum outline_progress *progress_out)
{
    do {
        *progress_out = outline_read(&records->outline, rest(records), &records->scanned);
        bool list = *progress_out == OUTLINE_LIST && records->scanned <= RECORD_SIZE_MAX &&
                    !records->dropping &&
                    is_list(records, bytes_of(rest(records).data, records->scanned));
        if (list) {
            advance(records, records->scanned);
            records->in_array = records->place == PLACE_IN_ELEMENT;
            records->wrapped = records->outline.depth - 1;
            records->place = PLACE_ELEMENT;
            return true;
        }
    } while (*progress_out == OUTLINE_LIST);
    return false;
}

static enum step
in_value(struct records *records, struct record *record_out, struct tally_error *error)
{
    enum outline_progress progress;
    if (read_value(records, &progress))
        return STEP_ON;
    if (progress == OUTLINE_BROKEN)
        return damaged(records, error, records->outline.trouble);

    bool large = records->scanned > RECORD_SIZE_MAX && !records->dropping;
    if (large) {
        bool envelope = records->outline.lists;
        (void)bad(records, error, "the record is larger than 2 MiB",
                  envelope ? "; what stands before the array of records in an envelope may not "
                             "be larger either"
                           : "");
        records->dropping = true;
    }
    if (progress == OUTLINE_DONE) {
        enum step step = complete(records, record_out, error);
        return large ? STEP_BAD : step;
    }
    if (records->dropping)
        advance(records, records->scanned);
    return large ? STEP_BAD : STEP_MORE;
}

static enum step
skip_line(struct records *records)
{
    pass_over_line(records);
    return records->place == PLACE_SKIP ? STEP_MORE : STEP_ON;
}

/* At a line behind damage: passes it over if it continues what is damaged. */
static enum step
resume(struct records *records)
{
    struct bytes data = rest(records);
    size_t blanks = 0;
    while (blanks < data.size && (data.data[blanks] == ' ' || data.data[blanks] == '\t'))
        blanks++;
    if (blanks == data.size && !records->ended && blanks <= records->indent)
        return STEP_MORE;

    uint8_t first = blanks < data.size ? data.data[blanks] : 0;
    if (blanks > records->indent || is_blank(first) || first == '}' || first == ']' || first == ',')
        pass_over_line(records);
    else
        records->place = PLACE_TOP;
    return STEP_ON;
}

static enum step
step_on(struct records *records, struct record *record_out, struct tally_error *error)
{
    switch (records->place) {
    case PLACE_START:
        return at_start(records, error);
    case PLACE_TOP:
        return at_top(records, error);
    case PLACE_RECORD:
    case PLACE_IN_ELEMENT:
        return in_value(records, record_out, error);
    case PLACE_ELEMENT:
    case PLACE_COMMA:
        return at_element(records, error);
    case PLACE_BETWEEN:
        return between_elements(records, error);
    case PLACE_REST:
        return behind_array(records, error);
    case PLACE_SKIP:
        return skip_line(records);
    case PLACE_RESUME:
        return resume(records);
    case PLACE_CLOSED:
        advance(records, rest(records).size);
        return STEP_MORE;
    }
    return STEP_MORE;
}

/* The stream ended at a place that waits for more. */
static enum step
at_end(struct records *records, struct tally_error *error)
{
    switch (records->place) {
    case PLACE_RECORD:
    case PLACE_IN_ELEMENT:
        return damaged(records, error, "the input ends before it does");
    case PLACE_ELEMENT:
    case PLACE_COMMA:
    case PLACE_BETWEEN:
    case PLACE_REST:
        records->place = PLACE_CLOSED;
        return bad(records, error, "the input ends before its array of records does", "");
    default:
        records->place = PLACE_CLOSED;
        return STEP_MORE;
    }
}

tally_status
records_next(struct records *records, struct record *record_out, struct tally_error *error)
{
    for (;;) {
        enum step step = step_on(records, record_out, error);
        if (step == STEP_MORE && records->ended && records->place != PLACE_CLOSED)
            step = at_end(records, error);
        if (step == STEP_RECORD)
            return TALLY_OK;
        if (step == STEP_BAD)
            return TALLY_INVALID;
        if (step == STEP_MORE)
            return TALLY_ABSENT;
    }
}

tally_status
records_feed(struct records *records, struct bytes chunk, struct tally_error *error)
{
    if (records->at > 0) {
        struct bytes kept = rest(records);
        memmove(records->pending.data, kept.data, kept.size);
        records->pending.size = kept.size;
        records->at = 0;
    }
    buffer_bytes(&records->pending, chunk);
    return buffer_failed(&records->pending) ? memory_fault(error) : TALLY_OK;
}

void
records_unwrap(struct records *records, const struct record_list *lists, size_t count)
{
    records->lists = lists;
    records->list_count = count;
}

void
records_end(struct records *records)
{
    records->ended = true;
}

tally_status
records_create(struct records **records_out, struct tally_error *error)
{
    struct records *records = calloc(1, sizeof *records);
    if (records == NULL)
        return memory_fault(error);
    if (buffer_reserve(&records->pending, RECORD_SIZE_MAX / 8) == NULL) {
        free(records);
        return memory_fault(error);
    }
    records->line = 1;
    *records_out = records;
    return TALLY_OK;
}

void
records_destroy(struct records *records)
{
    if (records == NULL)
        return;
    buffer_free(&records->pending);
    free(records);
}

void
record_place(const struct record *record, struct tally_error *error)
{
    if (error != NULL)
        error->line = record->line + (error->line > 0 ? error->line - 1 : 0);
}
