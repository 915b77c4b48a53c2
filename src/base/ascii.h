/*
 * ascii.h - which bytes are digits and letters of ASCII, and what they stand for, whatever the
 * locale.
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

/* The value of a hexadecimal digit, of either case; -1 where it is none. */
static inline int
ascii_hex_digit(uint8_t c)
{
    if (ascii_is_digit(c))
        return c - '0';
    uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

#endif
