/*
 * json_text.h - look into canonical JSON text without a tape.
 *
 * For text that json_canonical wrote and that came back from disk: object-typed values (details,
 * changes, control) and whole parts. The walk trusts nothing: it stays inside the text and answers
 * "no" where the text is not what it should be, but it does not check the whole grammar.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include "buffer.h"

/* The token of the value at the end of a path of names (array elements by decimal index): lent, as
 * long as the text. A string comes with its quotes and escapes. False where the path does not lead
 * anywhere. `count` 0 gives the whole text. */
bool json_path_find(struct bytes json, const struct bytes *names, size_t count,
                    struct bytes *value_out);

/* Goes through the members of an object or the elements of an array, in their order. *at begins as
 * 0. False at the end, and where the text is not a container. For elements *name_out is empty. The
 * name is given as it stands between its quotes, escapes and all. */
bool json_text_next(struct bytes container, size_t *at, struct bytes *name_out,
                    struct bytes *value_out);

/* Where a string token ends: the offset behind its closing quote, or 0 where `text` does not begin
 * with a whole string of valid UTF-8. *escaped_out says whether it has a backslash. */
size_t json_text_string(struct bytes text, bool *escaped_out);

/* The offset behind the value at the start of `text`, 0 where there is none. Strings are walked,
 * brackets are counted. */
size_t json_text_value(struct bytes text);

/* Decodes the characters between a string's quotes into `out`, which has inside.size bytes of room
 * (a decoded string is never longer). Returns the size, or SIZE_MAX where an escape is not valid.
 */
size_t json_text_decode(struct bytes inside, uint8_t *out);

/* Reads an array index as RFC 6901, section 4, has it: decimal, no leading zero. */
bool json_text_index(struct bytes text, uint32_t *index_out);

#endif
