/*
 * base64.h - RFC 4648 base64 (section 4, with padding) and hexadecimal.
 *
 * Decoding is strict: no white space, padding where the RFC puts it and only there, unused bits
 * zero; so every byte string has exactly one spelling.
 */
#ifndef BASE64_H
#define BASE64_H

#include "bytes.h"

/* The length of `size` bytes in base64. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/* Writes BASE64_SIZE(size) characters, no NUL. */
void base64_encode(const uint8_t *data, size_t size, char *out);

/* Decodes into `out` of `capacity` bytes. False, with nothing promised about `out`, where the text
 * is not strict base64 or does not fit. */
bool base64_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *size_out);

/* Lower case, 2 * size characters, no NUL. */
void hex_encode(const uint8_t *data, size_t size, char *out);

/* Either case; text must be exactly 2 * size characters. */
bool hex_decode(struct bytes text, uint8_t *out, size_t size);

#endif
