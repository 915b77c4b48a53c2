/*
 * ascii.h - which bytes are digits and letters of ASCII, whatever the locale.
 */
#ifndef ASCII_H
#define ASCII_H

#include <stdbool.h>
#include <stdint.h>

static inline bool
ascii_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Of either case. */
static inline bool
ascii_is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

#endif
