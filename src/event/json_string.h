/*
 * json_string.h - walk, decode and write the characters of JSON strings.
 *
 * Used by the readers and writers of json.h and json_text.h. Runs of plain characters are found
 * eight bytes at a time.
 */
#ifndef JSON_STRING_H
#define JSON_STRING_H

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
json_skip_plain(const uint8_t *at, const uint8_t *end)
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
