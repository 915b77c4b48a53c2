/*
 * tree_text.h - what the text formats of this layer share: lines, decimals and base64, read
 * strictly and written into the caller's buffer.
 */
#ifndef TREE_TEXT_H
#define TREE_TEXT_H

#include "bytes.h"
#include "tally/hash.h"

/* Where a text is written. What does not fit is dropped, and `overflow` stays set. */
struct text_out {
    char *data;
    size_t capacity;
    size_t size;
    bool overflow;
};

void text_put(struct text_out *out, struct bytes bytes);
void text_put_decimal(struct text_out *out, uint64_t value);
void text_put_base64(struct text_out *out, struct bytes bytes);

/* Takes the first line off `rest`, without its newline. False where `rest` has no newline. */
bool text_take_line(struct bytes *rest, struct bytes *line_out);

/* Takes `prefix` off the front of `rest`. False, and nothing taken, where it does not begin so. */
bool text_take_prefix(struct bytes *rest, struct bytes prefix);

/* Digits without leading zeros ("0" itself apart), up to 2^63 - 1. */
bool text_decimal(struct bytes text, uint64_t *value_out);

/* Strict base64 of exactly 32 bytes. */
bool text_hash(struct bytes text, struct tally_hash *hash_out);

/* Whether the text is strict base64 of one byte or more, however long. */
bool text_is_base64(struct bytes text);

/* Valid UTF-8 without control characters (below U+0020) other than newline. */
bool text_is_clean(struct bytes text);

/* One clean line: not empty, no newline. */
bool text_is_line(struct bytes text);

#endif
