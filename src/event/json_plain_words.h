/*
 * json_plain_words.h - plain characters of JSON strings, found in words of eight bytes.
 *
 * Part of json_string.h; works everywhere.
 */
#ifndef JSON_PLAIN_WORDS_H
#define JSON_PLAIN_WORDS_H

#include "bytes.h"

#define JSON_EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))
#define JSON_HIGH_BITS        JSON_EVERY_BYTE(0x80)

/* A mask whose lowest set bit is the high bit of the first byte of `word` (read in little-endian
 * order) that ends a plain run: a quote, a backslash, a control character or, as JSON_HIGH_BITS in
 * `high` asks, a byte beyond ASCII. 0 where there is none. Each subtraction sets the high bit of a
 * byte below its bound; a borrow can only disturb bytes above one that is marked already. */
static inline uint64_t
json_special_bytes(uint64_t word, uint64_t high)
{
    uint64_t control = word - JSON_EVERY_BYTE(0x20);
    uint64_t quote = (word ^ JSON_EVERY_BYTE('"')) - JSON_EVERY_BYTE(1);
    uint64_t backslash = (word ^ JSON_EVERY_BYTE('\\')) - JSON_EVERY_BYTE(1);
    return (((control | quote | backslash) & ~word) | (word & high)) & JSON_HIGH_BITS;
}

/* The first byte from `at` on that is not a plain ASCII character of a string, or `end`. Two words
 * a step: most strings then take one, which a processor guesses right. */
static inline const uint8_t *
json_skip_plain_words(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 16; at += 16) {
        uint64_t low = json_special_bytes(get_u64(at), JSON_HIGH_BITS);
        uint64_t high = json_special_bytes(get_u64(at + 8), JSON_HIGH_BITS);
        if ((low | high) != 0) {
            at += low != 0 ? 0 : 8;
            return at + (unsigned)__builtin_ctzll(low != 0 ? low : high) / 8;
        }
    }
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* Copies plain text, beyond ASCII too, in whole blocks from *at to *to, as far as nothing in it
 * needs an escape; both then stand behind what was copied. */
static inline void
json_copy_plain_words(const uint8_t **at, const uint8_t *end, uint8_t **to)
{
    for (; end - *at >= 8 && json_special_bytes(get_u64(*at), 0) == 0; *at += 8, *to += 8)
        memcpy(*to, *at, 8);
}

/* Copies a text whole if nothing in it needs an escape. Else it is false, and what stands at `to`
 * up to `size` bytes says nothing. A text's end is copied with what is before it once more: without
 * a branch for each size there is. */
static inline bool
json_copy_whole_words(const uint8_t *at, size_t size, uint8_t *to)
{
    uint64_t special = 0;
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8) {
            special |= json_special_bytes(get_u64(at + i), 0);
            memcpy(to + i, at + i, 8);
        }
        special |= json_special_bytes(get_u64(at + size - 8), 0);
        memcpy(to + size - 8, at + size - 8, 8);
    } else if (size >= 4) {
        uint64_t both = (uint64_t)get_u32(at) | (uint64_t)get_u32(at + size - 4) << 32;
        special = json_special_bytes(both, 0);
        memcpy(to, at, 4);
        memcpy(to + size - 4, at + size - 4, 4);
    } else if (size > 0) {
        uint64_t three = (uint64_t)at[0] | (uint64_t)at[size / 2] << 8 |
                         (uint64_t)at[size - 1] << 16 | JSON_EVERY_BYTE('a') << 24;
        special = json_special_bytes(three, 0);
        to[0] = at[0];
        to[size / 2] = at[size / 2];
        to[size - 1] = at[size - 1];
    }
    return special == 0;
}

#endif
