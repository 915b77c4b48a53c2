/*
 * Many values in one text.
 *
 * Only the first byte that is no blank decides the shape: a [ opens an array whose elements are the
 * values; anything else is the first of values that follow each other. NDJSON is the second shape,
 * with line ends for blanks, so one mistake costs one line and no more.
 */
#include "json_sequence.h"

#include <inttypes.h>
#include <stdio.h>

void
json_sequence_init(struct json_sequence *sequence, struct bytes text)
{
    *sequence = (struct json_sequence){ .text = text, .line = 1 };
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void
skip_blanks(struct json_sequence *sequence)
{
    while (sequence->at < sequence->text.size && is_blank(sequence->text.data[sequence->at]))
        sequence->at++;
}

/* Makes `line` that of the byte at hand. */
static void
count_lines(struct json_sequence *sequence)
{
    const uint8_t *at = sequence->text.data + sequence->counted;
    const uint8_t *end = sequence->text.data + sequence->at;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        sequence->line++;
        at++;
    }
    sequence->counted = sequence->at;
}

static struct bytes
rest(const struct json_sequence *sequence)
{
    return bytes_of(sequence->text.data + sequence->at, sequence->text.size - sequence->at);
}

/* Refuses what stands at hand, which is no value. */
static tally_status
refuse(struct json_sequence *sequence, struct json_tape *tape, struct tally_error *error,
       const char *reason)
{
    sequence->ended = true;
    tape->text = rest(sequence);
    tape->count = 0;
    tally_status status = json_fault_at(error, tape, 0, "%s", reason);
    if (error != NULL)
        error->line = sequence->line;
    return status;
}

/* Steps over the comma or the bracket between an array's elements. TALLY_ABSENT behind the array.
 */
static tally_status
step_in_array(struct json_sequence *sequence, struct json_tape *tape, struct tally_error *error)
{
    bool first = sequence->shape == SHAPE_UNKNOWN;
    sequence->shape = SHAPE_ARRAY;
    if (first) {
        sequence->at++;
        skip_blanks(sequence);
    }
    count_lines(sequence);

    struct bytes left = rest(sequence);
    if (left.size > 0 && left.data[0] == ']') {
        sequence->at++;
        skip_blanks(sequence);
        count_lines(sequence);
        if (sequence->at < sequence->text.size)
            return refuse(sequence, tape, error, "something follows the end of the array");
        sequence->ended = true;
        return TALLY_ABSENT;
    }
    if (first)
        return TALLY_OK;
    sequence->position++;
    if (left.size == 0 || left.data[0] != ',')
        return refuse(sequence, tape, error, "a comma or a closing ] is missing");
    sequence->at++;
    skip_blanks(sequence);
    count_lines(sequence);
    return TALLY_OK;
}

tally_status
json_sequence_next(struct json_sequence *sequence, struct json_tape *tape,
                   struct tally_error *error)
{
    if (sequence->ended)
        return TALLY_ABSENT;
    skip_blanks(sequence);
    count_lines(sequence);
    struct bytes left = rest(sequence);

    if (sequence->shape == SHAPE_ARRAY ||
        (sequence->shape == SHAPE_UNKNOWN && left.size > 0 && left.data[0] == '[')) {
        tally_status status = step_in_array(sequence, tape, error);
        if (status != TALLY_OK)
            return status;
        left = rest(sequence);
        if (left.size == 0 || left.data[0] == ']')
            return refuse(sequence, tape, error, "a value is missing in the array");
    } else if (left.size == 0) {
        sequence->ended = true;
        return TALLY_ABSENT;
    } else {
        sequence->position += sequence->shape == SHAPE_VALUES;
        sequence->shape = SHAPE_VALUES;
    }

    size_t size;
    tally_status status = json_scan_first(tape, left, &size, error);
    if (status != TALLY_OK) {
        sequence->ended = true;
        json_sequence_place(sequence, error);
        return status;
    }
    sequence->at += size;
    return TALLY_OK;
}

void
json_sequence_skip_line(struct json_sequence *sequence)
{
    if (sequence->shape != SHAPE_VALUES)
        return;
    struct bytes left = rest(sequence);
    const uint8_t *end = left.size == 0 ? NULL : memchr(left.data, '\n', left.size);
    sequence->at = end == NULL ? sequence->text.size : (size_t)(end - sequence->text.data) + 1;
    sequence->ended = false;
}

void
json_sequence_place(const struct json_sequence *sequence, struct tally_error *error)
{
    if (error == NULL)
        return;
    error->line = error->line == 0 ? sequence->line : error->line + sequence->line - 1;
    if (sequence->shape != SHAPE_ARRAY)
        return;

    char prefix[JSON_POINTER_PREFIX_MAX];
    int size = snprintf(prefix, sizeof prefix, "/%" PRIu64, sequence->position);
    memmove(error->pointer + size, error->pointer, strlen(error->pointer) + 1);
    memcpy(error->pointer, prefix, (size_t)size);
}
