/*
 * json_plain_sse2.h - plain characters of JSON strings, found sixteen at a time by SSE2.
 *
 * Part of json_string.h where the compiler may use SSE2, as it always may on x86-64. As signed
 * bytes, those beyond ASCII are less than a blank, as control characters are.
 */
#ifndef JSON_PLAIN_SSE2_H
#define JSON_PLAIN_SSE2_H

#include "json_plain_words.h"

#include <emmintrin.h>

/* Quotes and backslashes: bytes of all ones. */
static inline __m128i
json_quoting_bytes(__m128i block)
{
    return _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                        _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
}

static inline const uint8_t *
json_skip_plain_sse2(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)at);
        __m128i outside = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
        int special = _mm_movemask_epi8(_mm_or_si128(outside, json_quoting_bytes(block)));
        if (special != 0)
            return at + __builtin_ctz((unsigned)special);
    }
    return json_skip_plain_words(at, end);
}

/* Bytes that need an escape: of all ones. */
static inline __m128i
json_escaping_bytes(__m128i block)
{
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    return _mm_or_si128(control, json_quoting_bytes(block));
}

static inline void
json_copy_plain_sse2(const uint8_t **at, const uint8_t *end, uint8_t **to)
{
    for (; end - *at >= 16; *at += 16, *to += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)*at);
        if (_mm_movemask_epi8(json_escaping_bytes(block)) != 0)
            break;
        _mm_storeu_si128((__m128i *)*to, block);
    }
    json_copy_plain_words(at, end, to);
}

static inline bool
json_copy_whole_sse2(const uint8_t *at, size_t size, uint8_t *to)
{
    if (size < 16)
        return json_copy_whole_words(at, size, to);
    __m128i block = _mm_loadu_si128((const __m128i *)(at + size - 16));
    __m128i special = json_escaping_bytes(block);
    _mm_storeu_si128((__m128i *)(to + size - 16), block);
    for (size_t i = 0; i + 16 < size; i += 16) {
        block = _mm_loadu_si128((const __m128i *)(at + i));
        special = _mm_or_si128(special, json_escaping_bytes(block));
        _mm_storeu_si128((__m128i *)(to + i), block);
    }
    return _mm_movemask_epi8(special) == 0;
}

#define json_skip_plain json_skip_plain_sse2
#define json_copy_plain json_copy_plain_sse2
#define json_copy_whole json_copy_whole_sse2

#endif
