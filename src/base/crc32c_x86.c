/*
 * crc32c_x86.c - CRC-32C with the instruction of SSE 4.2.
 *
 * The instruction takes eight bytes and three cycles but can start every cycle, so three stretches
 * ("lanes") that lie one after the other are summed side by side and then joined. Joining needs the
 * register after n more zero bytes, which is register * x^(8n) modulo the polynomial: one
 * carry-less multiplication by a constant, and the instruction itself reduces the product. With
 * both factors bit-reversed the product comes out times x, and the instruction multiplies by x^32,
 * so the constant is x^(8n - 33). crc32c_test.c holds all of it against one bit at a time.
 */
#include "crc32c_paths.h"

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("sse4.2,pclmul")))

/* Lane sizes in bytes, and x^(8 * size - 33) and x^(16 * size - 33), bit-reversed. */
#define LONG_LANE   1024
#define LONG_ONCE   UINT64_C(0x170076fa)
#define LONG_TWICE  UINT64_C(0xa51b6135)
#define SHORT_LANE  128
#define SHORT_ONCE  UINT64_C(0x0d3b6092)
#define SHORT_TWICE UINT64_C(0xb9e02b86)

bool
crc32c_has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

static uint64_t
load(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* The register after the zero bytes that `factor` stands for. */
TARGET static uint64_t
shift(uint64_t crc, uint64_t factor)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc),
                                           _mm_cvtsi64_si128((int64_t)factor), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* Three lanes of `lane` bytes from `at` on. */
TARGET static inline uint64_t
three_lanes(uint64_t crc, const uint8_t *at, size_t lane, uint64_t once, uint64_t twice)
{
    uint64_t second = 0;
    uint64_t third = 0;
    for (const uint8_t *end = at + lane; at < end; at += 8) {
        crc = _mm_crc32_u64(crc, load(at));
        second = _mm_crc32_u64(second, load(at + lane));
        third = _mm_crc32_u64(third, load(at + 2 * lane));
    }
    return shift(crc, twice) ^ shift(second, once) ^ third;
}

TARGET uint32_t
crc32c_by_instruction(uint32_t seed, const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t crc = (uint32_t)~seed;

    for (; size >= 3 * LONG_LANE; size -= 3 * LONG_LANE, at += 3 * LONG_LANE)
        crc = three_lanes(crc, at, LONG_LANE, LONG_ONCE, LONG_TWICE);
    for (; size >= 3 * SHORT_LANE; size -= 3 * SHORT_LANE, at += 3 * SHORT_LANE)
        crc = three_lanes(crc, at, SHORT_LANE, SHORT_ONCE, SHORT_TWICE);
    for (; size >= 8; size -= 8, at += 8)
        crc = _mm_crc32_u64(crc, load(at));
    for (; size > 0; size--, at++)
        crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}
