/*
 * utf8.h - RFC 3629 UTF-8: strict reading and writing of code points.
 */
#ifndef UTF8_H
#define UTF8_H

#include "bytes.h"

/* The length of the valid sequence at the start of `text` (1 to 4) with its code point, or 0 where
 * there is none: overlong forms, surrogates, beyond U+10FFFF, cut short. */
size_t utf8_decode(struct bytes text, uint32_t *code_point_out);

/* Writes 1 to 4 bytes and returns how many. The code point must be a scalar value. */
size_t utf8_encode(uint32_t code_point, uint8_t out[4]);

/* The offset of the first byte that is not part of valid UTF-8, or `text.size`. */
size_t utf8_valid_size(struct bytes text);

#endif
