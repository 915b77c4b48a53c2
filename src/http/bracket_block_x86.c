/*
 * bracket_block_x86.c - with SSE2, which every processor of this family has.
 */
#include "bracket_block.h"

#include <emmintrin.h>

static inline uint64_t
equal_bytes(__m128i bytes, char byte)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

struct bracket_masks
bracket_block(const uint8_t block[BRACKET_BLOCK_SIZE])
{
    struct bracket_masks masks = { 0 };
    for (unsigned i = 0; i < BRACKET_BLOCK_SIZE; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
        /* { and } differ from [ and ] in 0x20, and from each other in 0x06. */
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20 | 0x06));
        masks.quotes |= equal_bytes(bytes, '"') << i;
        masks.backslashes |= equal_bytes(bytes, '\\') << i;
        masks.brackets |= equal_bytes(folded, '{' | 0x06) << i;
    }
    return masks;
}
