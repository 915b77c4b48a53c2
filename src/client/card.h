/*
 * card.h - card numbers in texts.
 *
 * 13 to 19 digits whose last one is right by Luhn's sum (ISO/IEC 7812-1, annex B), in one run or as
 * they are printed: in groups of four (the last may be shorter), as 4-6-5 or 4-6-4, with blanks,
 * dashes or points. The first digit is not 0 or 1: no card that people pay with begins so, while
 * milliseconds and nanoseconds since 1970 do. Digits that belong to something longer are none: an
 * identifier, a decimal number, a UUID, a telephone number with its plus sign.
 */
#ifndef CARD_H
#define CARD_H

#include "bytes.h"

/* The first card number that begins at or after `from`: its bytes are [*start_out, *end_out). */
bool card_find(struct bytes text, size_t from, size_t *start_out, size_t *end_out);

/* Whether this is a card number and nothing else. */
bool card_is(struct bytes text);

#endif
