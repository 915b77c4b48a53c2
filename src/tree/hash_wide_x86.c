/*
 * hash_wide_x86.c - SHA-256 of sixteen texts at once, by AVX-512.
 *
 * A register holds the same word of sixteen computations, and each step of FIPS 180-4, section
 * 6.2.2, is done for all of them: rotations, and any function of three words, are one instruction
 * each. That takes half the time of the SHA extensions on processors that begin one of those in
 * three cycles.
 *
 * Blocks stand one behind the other in memory, a text's words side by side; so the sixteen by
 * sixteen words of a block of each are turned first. The loops are unrolled, so that words are
 * registers.
 */
#include "hash_lanes.h"

#include <immintrin.h>
#include <stdatomic.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))

static bool
ask_processor(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

bool
hash_wide_usable(void)
{
    enum {
        UNKNOWN,
        NO,
        YES
    };
    static atomic_int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = hash_lanes_usable() && ask_processor() ? YES : NO;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == YES;
}

/* The words of a block of each, which stand in it with the highest byte first: words[i] has the
 * i-th of all. */
TARGET static inline void
load_words(const uint8_t *const blocks[HASH_WIDTH], __m512i words[16])
{
    const __m512i swap = _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
    __m512i a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        a[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[i]), swap);
        /* In every quarter of a register: pairs of words, then fours. */
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    /* a[4 * i + k] has word 4 * q + k of texts 4 * i to 4 * i + 3 in its quarter q. */
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        __m512i low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0x44);
        __m512i high = _mm512_shuffle_i32x4(a[k], a[4 + k], 0xee);
        __m512i low2 = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x44);
        __m512i high2 = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0xee);
        words[k] = _mm512_shuffle_i32x4(low, low2, 0x88);
        words[4 + k] = _mm512_shuffle_i32x4(low, low2, 0xdd);
        words[8 + k] = _mm512_shuffle_i32x4(high, high2, 0x88);
        words[12 + k] = _mm512_shuffle_i32x4(high, high2, 0xdd);
    }
}

TARGET static inline __m512i
xor_three(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

/* The word for sixteen steps later takes the place of word `i`. */
TARGET static inline void
schedule(__m512i w[16], int i)
{
    __m512i early = w[(i + 1) % 16], late = w[(i + 14) % 16];
    __m512i sigma0 = xor_three(_mm512_ror_epi32(early, 7), _mm512_ror_epi32(early, 18),
                               _mm512_srli_epi32(early, 3));
    __m512i sigma1 = xor_three(_mm512_ror_epi32(late, 17), _mm512_ror_epi32(late, 19),
                               _mm512_srli_epi32(late, 10));
    w[i] =
        _mm512_add_epi32(_mm512_add_epi32(w[i], sigma0), _mm512_add_epi32(w[(i + 9) % 16], sigma1));
}

/* One step. The words of the state stay where they are, their names go round: h stands at 7 - i. */
TARGET static inline void
step(__m512i s[8], __m512i w, uint32_t constant, int i)
{
    __m512i word = _mm512_add_epi32(w, _mm512_set1_epi32((int)constant));
    __m512i a = s[(8 - i) & 7], b = s[(9 - i) & 7], c = s[(10 - i) & 7];
    __m512i e = s[(12 - i) & 7], f = s[(13 - i) & 7], g = s[(14 - i) & 7];
    __m512i *d = &s[(11 - i) & 7], *h = &s[(15 - i) & 7];
    __m512i sum1 =
        xor_three(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
    __m512i choice = _mm512_ternarylogic_epi32(e, f, g, 0xca);
    __m512i first = _mm512_add_epi32(_mm512_add_epi32(*h, word), _mm512_add_epi32(sum1, choice));
    __m512i sum0 =
        xor_three(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
    __m512i majority = _mm512_ternarylogic_epi32(a, b, c, 0xe8);
    *d = _mm512_add_epi32(*d, first);
    *h = _mm512_add_epi32(first, _mm512_add_epi32(sum0, majority));
}

TARGET void
hash_sixteen_lanes(struct hash_wide *wide)
{
    __m512i w[16], s[8];
    load_words(wide->blocks, w);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        s[i] = _mm512_loadu_si512(wide->state[i]);
    const uint32_t *constants = hash_constants;
    for (; constants < hash_constants + 48; constants += 16) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            step(s, w[i], constants[i], i);
            schedule(w, i);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        step(s, w[i], constants[i], i);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        _mm512_storeu_si512(wide->state[i],
                            _mm512_add_epi32(s[i], _mm512_loadu_si512(wide->state[i])));
}
