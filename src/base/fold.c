/*
 * Case folding that keeps lengths.
 *
 * Two steps over a chunk: ASCII eight bytes at a time, then, only where there are bytes beyond
 * ASCII, the two-byte characters. Needles are looked for chunk by chunk with memmem; chunks overlap
 * by one byte less than the needle, so that no place is missed, and a character cut by a chunk's
 * border is no harm: a needle neither begins nor ends inside a character.
 */
#include "fold.h"

#include <assert.h>

#define CHUNK_SIZE ((size_t)16 * 1024)
#define SHORT_SIZE 256

/* Folds ASCII; returns whether there is anything else. */
static bool
fold_ascii(struct bytes text, uint8_t *out)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t seen = 0;
    size_t i = 0;
    for (; i + 8 <= text.size; i += 8) {
        uint64_t x;
        memcpy(&x, text.data + i, 8);
        seen |= x;
        /* A byte's top bit says, after these sums of seven bits: at least A, beyond Z. */
        uint64_t low = x & 0x7f * ones;
        uint64_t at_least_a = low + (0x80 - 'A') * ones;
        uint64_t beyond_z = low + (0x7f - 'Z') * ones;
        uint64_t upper = (at_least_a ^ beyond_z) & ~x & 0x80 * ones;
        x |= upper >> 2; /* 0x80 becomes 0x20, what lower case has and upper case has not */
        memcpy(out + i, &x, 8);
    }
    for (; i < text.size; i++) {
        uint8_t c = text.data[i];
        seen |= c;
        out[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    }
    return (seen & 0x80 * ones) != 0;
}

/* The lower case of a code point from U+0080 to U+07FF; itself where it has none in this table. */
static uint32_t
fold_point(uint32_t c)
{
    if (c >= 0xc0 && c <= 0xde) /* Latin-1, but for the multiplication sign */
        return c == 0xd7 ? c : c + 32;
    if (c >= 0x100 && c <= 0x177) { /* Latin Extended-A: pairs, but for the i's of Turkish */
        if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149)
            return c;
        bool odd_first = c >= 0x139 && c <= 0x148;
        return c % 2 == (odd_first ? 1 : 0) ? c + 1 : c;
    }
    if (c == 0x178)
        return 0xff;
    if (c >= 0x179 && c <= 0x17e)
        return c % 2 == 1 ? c + 1 : c;
    if (c >= 0x391 && c <= 0x3ab) /* Greek */
        return c == 0x3a2 ? c : c + 32;
    if (c == 0x3c2) /* a final sigma is a sigma */
        return 0x3c3;
    if (c == 0x386)
        return 0x3ac;
    if (c >= 0x388 && c <= 0x38a)
        return c + 37;
    if (c == 0x38c)
        return 0x3cc;
    if (c == 0x38e || c == 0x38f)
        return c + 63;
    if (c >= 0x400 && c <= 0x40f) /* Cyrillic */
        return c + 80;
    if (c >= 0x410 && c <= 0x42f)
        return c + 32;
    return c;
}

static void
fold_pairs(uint8_t *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (text[i] < 0xc3 || text[i] > 0xd0 || (text[i + 1] & 0xc0) != 0x80)
            continue;
        uint32_t point = fold_point((uint32_t)(text[i] & 0x1f) << 6 | (text[i + 1] & 0x3f));
        text[i] = (uint8_t)(0xc0 | point >> 6);
        text[i + 1] = (uint8_t)(0x80 | (point & 0x3f));
        i++;
    }
}

void
fold_text(struct bytes text, uint8_t *out)
{
    if (fold_ascii(text, out))
        fold_pairs(out, text.size);
}

bool
fold_equal(struct bytes text, struct bytes folded)
{
    return text.size == folded.size && fold_find(text, folded) == 0;
}

/* memmem prepares a table for each call, which is most of its cost on a short text. */
static const uint8_t *
find(struct bytes text, struct bytes needle)
{
    if (text.size > SHORT_SIZE)
        return memmem(text.data, text.size, needle.data, needle.size);
    const uint8_t *at = text.data, *last = text.data + text.size - needle.size;
    while (at <= last) {
        at = memchr(at, needle.data[0], (size_t)(last - at) + 1);
        if (at == NULL || memcmp(at, needle.data, needle.size) == 0)
            return at;
        at++;
    }
    return NULL;
}

size_t
fold_find(struct bytes text, struct bytes needle)
{
    assert(needle.size < CHUNK_SIZE);

    uint8_t chunk[CHUNK_SIZE];
    if (needle.size == 0)
        return 0;
    for (size_t at = 0; at + needle.size <= text.size; at += CHUNK_SIZE - needle.size + 1) {
        size_t size = text.size - at < CHUNK_SIZE ? text.size - at : CHUNK_SIZE;
        fold_text(bytes_of(text.data + at, size), chunk);
        const uint8_t *found = find(bytes_of(chunk, size), needle);
        if (found != NULL)
            return at + (size_t)(found - chunk);
    }
    return SIZE_MAX;
}
