/*
 * hash_lanes_x86.c - SHA-256 by the SHA extensions of x86-64.
 *
 * Four rounds are two instructions, and each needs the result of the one before, four cycles later.
 * A second lane fills the time between. The words of the state are kept as the instructions want
 * them: A, B, E, F in one register and C, D, G, H in the other, the first in the highest place.
 *
 * Of the message schedule, registers w[0] to w[3] hold the sixteen words of the next four steps; a
 * step uses the first of them and puts the words for sixteen rounds later in its place. The loops
 * are unrolled, so that the places are registers.
 */
#include "hash_lanes.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define STEPS  16 /* of four rounds */

const uint32_t hash_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct registers {
    __m128i abef, cdgh;
    __m128i w[4];
};

static bool
ask_processor(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0 &&
           __builtin_cpu_supports("sse4.1");
}

/* Asked once: within a virtual machine the question costs more than hashing. */
bool
hash_lanes_usable(void)
{
    enum {
        UNKNOWN,
        NO,
        YES
    };
    static atomic_int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = ask_processor() ? YES : NO;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == YES;
}

TARGET static inline struct registers
load(const struct hash_lane *lane)
{
    __m128i low = _mm_loadu_si128((const __m128i *)lane->state);      /* D C B A */
    __m128i high = _mm_loadu_si128((const __m128i *)lane->state + 1); /* H G F E */
    __m128i badc = _mm_shuffle_epi32(low, 0xb1);                      /* C D A B */
    __m128i hgfe = _mm_shuffle_epi32(high, 0x1b);                     /* E F G H */
    return (struct registers){
        .abef = _mm_alignr_epi8(badc, hgfe, 8),
        .cdgh = _mm_blend_epi16(hgfe, badc, 0xf0),
    };
}

TARGET static inline void
store(const struct registers *r, struct hash_lane *lane)
{
    __m128i feba = _mm_shuffle_epi32(r->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(r->cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)lane->state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)lane->state + 1, _mm_alignr_epi8(dchg, feba, 8));
}

/* The words of a block, which stand in it with the highest byte first. */
TARGET static inline void
load_words(struct registers *r, const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        r->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + i), swap);
}

TARGET static inline void
step(struct registers *r, int i)
{
    __m128i w = r->w[i % 4];
    __m128i sum = _mm_add_epi32(w, _mm_load_si128((const __m128i *)hash_constants + i));
    r->cdgh = _mm_sha256rnds2_epu32(r->cdgh, r->abef, sum);
    __m128i abef = _mm_sha256rnds2_epu32(r->abef, r->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    r->abef = abef;
    if (i >= STEPS - 4)
        return;
    __m128i later = _mm_alignr_epi8(r->w[(i + 3) % 4], r->w[(i + 2) % 4], 4);
    __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w, r->w[(i + 1) % 4]), later);
    r->w[i % 4] = _mm_sha256msg2_epu32(next, r->w[(i + 3) % 4]);
}

TARGET void
hash_one_lane(struct hash_lane *lane, size_t count)
{
    struct registers r = load(lane);
    for (; count > 0; count--, lane->blocks += HASH_BLOCK_SIZE) {
        const __m128i abef = r.abef, cdgh = r.cdgh;
        load_words(&r, lane->blocks);
#pragma GCC unroll 16
        for (int i = 0; i < STEPS; i++)
            step(&r, i);
        r.abef = _mm_add_epi32(r.abef, abef);
        r.cdgh = _mm_add_epi32(r.cdgh, cdgh);
    }
    store(&r, lane);
}

TARGET void
hash_two_lanes(struct hash_lane *a, struct hash_lane *b, size_t count)
{
    struct registers r = load(a), s = load(b);
    for (; count > 0; count--, a->blocks += HASH_BLOCK_SIZE, b->blocks += HASH_BLOCK_SIZE) {
        const __m128i r_abef = r.abef, r_cdgh = r.cdgh;
        const __m128i s_abef = s.abef, s_cdgh = s.cdgh;
        load_words(&r, a->blocks);
        load_words(&s, b->blocks);
#pragma GCC unroll 16
        for (int i = 0; i < STEPS; i++) {
            step(&r, i);
            step(&s, i);
        }
        r.abef = _mm_add_epi32(r.abef, r_abef);
        r.cdgh = _mm_add_epi32(r.cdgh, r_cdgh);
        s.abef = _mm_add_epi32(s.abef, s_abef);
        s.cdgh = _mm_add_epi32(s.cdgh, s_cdgh);
    }
    store(&r, a);
    store(&s, b);
}
