#include "base64.h"

#include "ascii.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NOT_A_DIGIT 0xff

/* 48 bits, six to a byte, the highest into the lowest: halves, quarters, eighths. */
static uint64_t
spread(uint64_t bits)
{
    const uint64_t quarter = UINT64_C(0x00000fff00000fff);
    const uint64_t eighth = UINT64_C(0x003f003f003f003f);
    bits = bits >> 24 | (bits & 0xffffff) << 32;
    bits = (bits >> 12 & quarter) | (bits & quarter) << 16;
    return (bits >> 6 & eighth) | (bits & eighth) << 8;
}

/* Six bits in each of eight bytes become characters. From A to Z a sum does; of what is behind,
 * each kind is told by whether a sum of seven bits reaches the eighth. */
static uint64_t
spell_eight(uint64_t digits)
{
    const uint64_t every = UINT64_C(0x0101010101010101);
    uint64_t lower = (digits + every * (128 - 26)) >> 7 & every;
    uint64_t figure = (digits + every * (128 - 52)) >> 7 & every;
    uint64_t plus = (digits + every * (128 - 62)) >> 7 & every;
    uint64_t slash = (digits + every * (128 - 63)) >> 7 & every;
    return digits + every * 'A' + lower * ('a' - 'A' - 26) - figure * ('a' - '0' + 26) -
           plus * ('0' + 10 - '+') + slash * ('/' - '+' - 1);
}

void
base64_encode(const uint8_t *data, size_t size, char *out)
{
    for (; size >= 8; size -= 6, data += 6, out += 8)
        put_u64((uint8_t *)out, spell_eight(spread(__builtin_bswap64(get_u64(data)) >> 16)));
    for (; size >= 3; size -= 3, data += 3, out += 4) {
        uint32_t group = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = alphabet[group >> 6 & 63];
        out[3] = alphabet[group & 63];
    }
    if (size == 0)
        return;

    uint32_t group = (uint32_t)data[0] << 16 | (size == 2 ? (uint32_t)data[1] << 8 : 0);
    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = size == 2 ? alphabet[group >> 6 & 63] : '=';
    out[3] = '=';
}

static uint32_t
base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return NOT_A_DIGIT;
}

/* The first `count` characters of a group of four as 24 bits, the rest of them zero. */
static bool
base64_group(const uint8_t *text, unsigned count, uint32_t *group_out)
{
    uint32_t group = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t digit = i < count ? base64_digit(text[i]) : 0;
        if (digit == NOT_A_DIGIT)
            return false;
        group = group << 6 | digit;
    }
    *group_out = group;
    return true;
}

bool
base64_decode(struct bytes text, uint8_t *out, size_t capacity, size_t *size_out)
{
    if (text.size % 4 != 0)
        return false;
    size_t padding = 0;
    if (text.size > 0 && text.data[text.size - 1] == '=')
        padding = text.data[text.size - 2] == '=' ? 2 : 1;
    size_t size = text.size / 4 * 3 - padding;
    if (size > capacity)
        return false;

    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at < 3 ? size - at : 3;
        uint32_t group;
        if (!base64_group(text.data + at / 3 * 4, (unsigned)left + 1, &group))
            return false;
        /* Bits that no byte takes must be zero, or one byte string had many spellings. */
        if ((group & (UINT32_C(0xffffff) >> (8 * left))) != 0)
            return false;
        for (size_t i = 0; i < left; i++)
            out[at + i] = (uint8_t)(group >> (16 - 8 * i));
    }
    *size_out = size;
    return true;
}

void
hex_encode(const uint8_t *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
}

bool
hex_decode(struct bytes text, uint8_t *out, size_t size)
{
    if (text.size % 2 != 0 || text.size / 2 != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = ascii_hex_digit(text.data[2 * i]);
        int low = ascii_hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
