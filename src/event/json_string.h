/*
 * json_string.h - walk, decode and write the characters of JSON strings.
 *
 * Used by the readers and writers of json.h and json_text.h. Runs of plain characters are found
 * eight or sixteen bytes at a time: json_skip_plain(), json_copy_plain() and json_copy_whole() are
 * those of json_plain_words.h or, where there is one, of the processor.
 */
#ifndef JSON_STRING_H
#define JSON_STRING_H

#include "json_plain_words.h"

#ifdef __SSE2__
#include "json_plain_sse2.h"
#else
#define json_skip_plain json_skip_plain_words
#define json_copy_plain json_copy_plain_words
#define json_copy_whole json_copy_whole_words
#endif

/* Walks a string's characters from behind its opening quote. On true *at is its closing quote and
 * *escaped tells of a backslash; on false *at is the offending byte and *reason a static phrase. */
bool json_string_walk(const uint8_t **at, const uint8_t *end, bool *escaped, const char **reason);

/* Goes through a string's decoded characters, given those between its quotes. */
struct json_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct json_cursor
json_cursor(struct bytes inside)
{
    return (struct json_cursor){ inside.data, inside.data + inside.size };
}

/* The next code point: false at the end, and where the characters are not valid. */
bool json_cursor_next(struct json_cursor *cursor, uint32_t *code_point_out);

/* Writes one code point as RFC 8785, section 3.2.2.2, spells it: at most 6 bytes. Returns the size.
 */
size_t json_put_escaped(uint32_t code_point, uint8_t *out);

#endif
