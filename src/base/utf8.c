#include "utf8.h"

#include <assert.h>

/* The eight high bits of eight bytes: set where a byte is not ASCII. */
#define HIGH_BITS UINT64_C(0x8080808080808080)

static bool
is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* RFC 3629 section 4. The second byte's range is narrower after e0, ed, f0 and f4: that is what
 * keeps out overlong forms, surrogates and what lies beyond U+10FFFF. */
size_t
utf8_decode(struct bytes text, uint32_t *code_point_out)
{
    const uint8_t *c = text.data;
    if (text.size == 0)
        return 0;
    if (c[0] < 0x80) {
        *code_point_out = c[0];
        return 1;
    }
    if (c[0] < 0xc2 || c[0] > 0xf4 || text.size < 2 || !is_continuation(c[1]))
        return 0;
    if (c[0] < 0xe0) {
        *code_point_out = (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
        return 2;
    }
    if (text.size < 3 || !is_continuation(c[2]))
        return 0;
    if (c[0] < 0xf0) {
        if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f))
            return 0;
        *code_point_out = (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
        return 3;
    }
    if (text.size < 4 || !is_continuation(c[3]))
        return 0;
    if ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    *code_point_out =
        (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
    return 4;
}

size_t
utf8_encode(uint32_t code_point, uint8_t out[4])
{
    assert(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff));

    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (uint8_t)(0xc0 | code_point >> 6);
        out[1] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code_point >> 12);
        out[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code_point >> 18);
    out[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code_point & 0x3f));
    return 4;
}

/* The offset of the first byte at or after `at` that is not ASCII, a few bytes early perhaps: steps
 * are of 32 bytes, then of 8. */
static size_t
skip_ascii(struct bytes text, size_t at)
{
    uint64_t word[4];
    for (; text.size - at >= sizeof word; at += sizeof word) {
        memcpy(word, text.data + at, sizeof word);
        if (((word[0] | word[1] | word[2] | word[3]) & HIGH_BITS) != 0)
            break;
    }
    for (; text.size - at >= sizeof word[0]; at += sizeof word[0]) {
        memcpy(word, text.data + at, sizeof word[0]);
        if ((word[0] & HIGH_BITS) != 0)
            break;
    }
    return at;
}

size_t
utf8_valid_size(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        if (text.data[at] < 0x80) {
            size_t next = skip_ascii(text, at);
            /* Not a whole word of ASCII left: the bytes before the next other one, singly. */
            while (next < text.size && text.data[next] < 0x80)
                next++;
            at = next;
            continue;
        }
        uint32_t code_point;
        size_t size = utf8_decode(bytes_of(text.data + at, text.size - at), &code_point);
        if (size == 0)
            return at;
        at += size;
    }
    return at;
}
