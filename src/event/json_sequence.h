/*
 * json_sequence.h - one value after another from a text that holds many.
 *
 * Three shapes are recognised by themselves: one array (its elements come), NDJSON, and
 * concatenated values with or without blanks between them. A value is scanned only when it is asked
 * for, so that a tape sized for one value is enough for any number. Errors carry the line within
 * the whole text and, in an array, a pointer that begins with the element's position.
 */
#ifndef JSON_SEQUENCE_H
#define JSON_SEQUENCE_H

#include "json.h"

enum json_shape {
    SHAPE_UNKNOWN, /* nothing read yet */
    SHAPE_ARRAY,
    SHAPE_VALUES,
};

struct json_sequence {
    struct bytes text;
    size_t at;         /* behind the last value */
    uint64_t line;     /* of the current value's first byte, 1-based */
    uint64_t position; /* of the current value, 0-based */
    size_t counted;    /* lines are counted up to here */
    enum json_shape shape;
    bool ended;
};

/* `text` is borrowed until the last value was used. */
void json_sequence_init(struct json_sequence *sequence, struct bytes text);

/* Scans the next value onto the tape (as node 0). TALLY_ABSENT at the end, TALLY_INVALID where
 * refused; after that nothing more can be read of an array or of concatenated values, but
 * json_sequence_skip_line goes on with the next line of NDJSON. */
TALLY_MUST_CHECK tally_status json_sequence_next(struct json_sequence *sequence,
                                                 struct json_tape *tape, struct tally_error *error);

void json_sequence_skip_line(struct json_sequence *sequence);

/* Adds to an error found in the current value (its line counts from the value's own start) the
 * place of the value: line within the text and, in an array, the leading pointer segment. */
void json_sequence_place(const struct json_sequence *sequence, struct tally_error *error);

#endif
