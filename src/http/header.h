/*
 * header.h - a header field of a request, as it came, and how its value is read (RFC 9110, sections
 * 5.5 and 5.6). Pure.
 */
#ifndef HEADER_H
#define HEADER_H

#include "bytes.h"

struct header {
    struct bytes name; /* in any case */
    struct bytes value;
};

/* The value without the blanks and tabs around it, which are not part of it. */
struct bytes header_trim(struct bytes value);

/* Whether it is this word, in any case. */
bool header_is_word(struct bytes value, const char *word);

/* Takes what stands before the next `separator`, or all of it, from the front of *rest and trims
 * it. False where *rest is at its end: its data is NULL then. Quoted strings are not looked at. */
bool header_cut(struct bytes *rest, uint8_t separator, struct bytes *piece_out);

#endif
