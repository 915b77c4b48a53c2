/*
 * The characters of JSON strings.
 *
 * Three things make a byte of a string special when it is read: a quote ends it, a backslash begins
 * an escape, a byte beyond ASCII begins a UTF-8 sequence that must be checked. Everything else is
 * skipped in blocks of eight or sixteen. An escape is never shorter than what it stands for,
 * neither as UTF-8 nor as RFC 8785 would spell it again: \u00e9 (6) is 2 bytes, a surrogate pair
 * (12) is 4, \u0001 stays 6, \/ becomes 1. So decoding and re-writing fit where the original was.
 */
#include "json_string.h"

#include "ascii.h"
#include "json.h"
#include "json_text.h"
#include "utf8.h"

/* Four hexadecimal digits behind `\u`, or -1. */
static int32_t
read_unit(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = ascii_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* A \u escape, with its second half where it is the first of a pair. */
static size_t
read_unicode(const uint8_t *at, const uint8_t *end, uint32_t *code_point_out, const char **reason)
{
    int32_t unit = read_unit(at, end);
    if (unit < 0) {
        *reason = "\\u needs four hexadecimal digits";
        return 0;
    }
    if (unit < 0xd800 || unit > 0xdfff) {
        *code_point_out = (uint32_t)unit;
        return 6;
    }
    int32_t low = unit < 0xdc00 ? read_unit(at + 6, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        *reason = "a surrogate stands alone";
        return 0;
    }
    *code_point_out = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return 12;
}

/* The escape at a backslash: its size and code point; 0 with the reason where it is none. */
static size_t
read_escape(const uint8_t *at, const uint8_t *end, uint32_t *code_point_out, const char **reason)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";

    *reason = "the string does not end";
    if (end - at < 2)
        return 0;
    if (at[1] == 'u')
        return read_unicode(at, end, code_point_out, reason);
    const char *letter = at[1] == '\0' ? NULL : strchr(letters, at[1]);
    if (letter == NULL) {
        *reason = "the escape does not exist";
        return 0;
    }
    *code_point_out = (uint8_t)meanings[letter - letters];
    return 2;
}

bool
json_string_walk(const uint8_t **at, const uint8_t *end, bool *escaped, const char **reason)
{
    *escaped = false;
    for (;;) {
        const uint8_t *c = json_skip_plain(*at, end);
        uint32_t code_point;
        size_t size;

        *at = c;
        if (c == end) {
            *reason = "the string does not end";
            return false;
        }
        if (*c == '"')
            return true;
        if (*c == '\\') {
            *escaped = true;
            size = read_escape(c, end, &code_point, reason);
        } else if (*c < 0x20) {
            *reason = "a control character stands in a string; write it as an escape";
            return false;
        } else {
            *reason = "the text is not valid UTF-8";
            size = utf8_decode(bytes_of(c, (size_t)(end - c)), &code_point);
        }
        if (size == 0)
            return false;
        *at = c + size;
    }
}

bool
json_cursor_next(struct json_cursor *cursor, uint32_t *code_point_out)
{
    const char *reason;
    if (cursor->at >= cursor->end)
        return false;
    size_t left = (size_t)(cursor->end - cursor->at);
    size_t size = *cursor->at == '\\'
                      ? read_escape(cursor->at, cursor->end, code_point_out, &reason)
                      : utf8_decode(bytes_of(cursor->at, left), code_point_out);
    cursor->at += size;
    return size != 0;
}

size_t
json_put_escaped(uint32_t code_point, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };

    if (code_point == '"' || code_point == '\\') {
        out[0] = '\\';
        out[1] = (uint8_t)code_point;
        return 2;
    }
    if (code_point >= 0x20)
        return utf8_encode(code_point, out);
    out[0] = '\\';
    if (letters[code_point] != 0) {
        out[1] = (uint8_t)letters[code_point];
        return 2;
    }
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = (uint8_t)digits[code_point >> 4];
    out[5] = (uint8_t)digits[code_point & 15];
    return 6;
}

size_t
json_text_decode(struct bytes inside, uint8_t *out)
{
    const uint8_t *at = inside.data;
    const uint8_t *end = at + inside.size;
    uint8_t *to = out;
    while (at < end) {
        const uint8_t *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash != NULL ? backslash : end) - at);
        memcpy(to, at, plain);
        to += plain;
        at += plain;
        if (backslash == NULL)
            break;

        uint32_t code_point;
        const char *reason;
        size_t size = read_escape(at, end, &code_point, &reason);
        if (size == 0)
            return SIZE_MAX;
        at += size;
        to += utf8_encode(code_point, to);
    }
    return (size_t)(to - out);
}

/* Bytes that may need an escape, one by one. */
static uint8_t *
put_bytes(const uint8_t *at, const uint8_t *end, uint8_t *to)
{
    for (; at < end; at++) {
        if (*at < 0x20 || *at == '"' || *at == '\\')
            to += json_put_escaped(*at, to);
        else
            *to++ = *at;
    }
    return to;
}

/* A text with something that needs an escape, or none. */
static uint8_t *
put_escaping(const uint8_t *at, const uint8_t *end, uint8_t *to)
{
    for (;;) {
        json_copy_plain(&at, end, &to);
        if (end - at < 8)
            return put_bytes(at, end, to);
        to = put_bytes(at, at + 8, to);
        at += 8;
    }
}

uint8_t *
json_put_string(struct bytes text, uint8_t *out)
{
    *out++ = '"';
    if (json_copy_whole(text.data, text.size, out))
        out += text.size;
    else
        out = put_escaping(text.data, text.data + text.size, out);
    *out++ = '"';
    return out;
}

void
json_write_string(struct bytes text, struct buffer *out)
{
    uint8_t *to = buffer_reserve(out, JSON_STRING_SIZE_MAX(text.size));
    if (to != NULL)
        out->size += (size_t)(json_put_string(text, to) - to);
}

int
json_name_order(struct bytes a, struct bytes b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    size_t i = 0;
    while (i < shared && a.data[i] == b.data[i])
        i++;
    if (i == shared)
        return a.size < b.size ? -1 : a.size > b.size;

    /* Bytes order code points, units of UTF-16 do but for one case: what lies beyond U+FFFF begins
     * with a surrogate, D800 to DFFF, and so comes before U+E000 to U+FFFF (lead bytes ee and ef).
     */
    uint8_t x = a.data[i];
    uint8_t y = b.data[i];
    if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
        return x >= 0xf0 ? -1 : 1;
    return x < y ? -1 : 1;
}
