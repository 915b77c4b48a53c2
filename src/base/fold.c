/*
 * Case folding that keeps lengths.
 *
 * Texts are folded in two steps: ASCII eight bytes at a time, then, only where there are bytes
 * beyond ASCII, the other letters (fold_letters.c).
 *
 * A needle is looked for without folding the text. Two of its ASCII bytes are compared with every
 * place, 16 places at a time and folded on the way, as processors do at once; the few places where
 * both fit are folded and compared whole. A needle without any ASCII is looked for in the folded
 * text, chunk by chunk: chunks overlap by one byte less than the needle, so that no place is
 * missed, and a character cut by a chunk's border is no harm, since a needle neither begins nor
 * ends inside a character. So is a needle that nearly stands at too many places, so that no text is
 * slow.
 */
#include "fold.h"

#include "fold_letters.h"

#include <assert.h>

#define CHUNK_SIZE ((size_t)16 * 1024)

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

void
fold_text(struct bytes text, uint8_t *out)
{
    if (fold_ascii(text, out))
        fold_letters(out, text.size);
}

bool
fold_equal(struct bytes text, struct bytes folded)
{
    return text.size == folded.size && fold_find(text, folded) == 0;
}

/*
 * Two bytes of the needle.
 */

/* Sixteen bytes in a register. */
typedef uint8_t lanes __attribute__((vector_size(16)));
#define LANES 16

/* Bytes compared for each byte of text before it is gone through in another way. */
#define PATIENCE 8u

/* Where the needle has its first and its last ASCII byte; SIZE_MAX where it has none. */
struct probes {
    size_t first, last;
};

static struct probes
probes_of(struct bytes needle)
{
    struct probes probes = { 0, needle.size };
    while (probes.first < needle.size && needle.data[probes.first] >= 0x80)
        probes.first++;
    if (probes.first == needle.size)
        return (struct probes){ SIZE_MAX, SIZE_MAX };
    while (needle.data[probes.last - 1] >= 0x80)
        probes.last--;
    probes.last--;
    return probes;
}

static inline uint8_t
lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

static inline lanes
lanes_lower(const uint8_t *at)
{
    lanes c;
    memcpy(&c, at, LANES);
    lanes upper = (lanes)(c >= 'A') & (lanes)(c <= 'Z');
    return c | (upper & 0x20);
}

/* Whether the needle stands at `at`, where there is room for it. */
static bool
stands_at(const uint8_t *at, struct bytes needle)
{
    size_t i = 0;
    while (i < needle.size && lower(at[i]) == needle.data[i])
        i++;
    if (i == needle.size)
        return true;
    if (at[i] < 0x80)
        return false;
    /* A letter beyond ASCII: folded it may be the needle's. */
    uint8_t folded[CHUNK_SIZE];
    fold_text(bytes_of(at, needle.size), folded);
    return memcmp(folded, needle.data, needle.size) == 0;
}

/* A search under way. */
struct search {
    struct bytes text;
    struct bytes needle;
    struct probes probes;
    size_t patience; /* bytes that places may still be compared at */
};

/* Compares a place that both probes fit. */
static bool
place_fits(struct search *search, size_t at)
{
    search->patience -=
        search->patience < search->needle.size ? search->patience : search->needle.size;
    return stands_at(search->text.data + at, search->needle);
}

/* The first of 16 places from `at` on where the needle stands. */
static inline size_t
find_in_lanes(struct search *search, size_t at)
{
    lanes first = lanes_lower(search->text.data + at + search->probes.first);
    lanes last = lanes_lower(search->text.data + at + search->probes.last);
    lanes fits = (lanes)(first == search->needle.data[search->probes.first]) &
                 (lanes)(last == search->needle.data[search->probes.last]);
    uint8_t bytes[LANES];
    memcpy(bytes, &fits, LANES);
    for (size_t half = 0; half < LANES; half += 8) {
        for (uint64_t rest = get_u64(bytes + half); rest != 0;) {
            unsigned byte = (unsigned)__builtin_ctzll(rest) / 8;
            if (place_fits(search, at + half + byte))
                return at + half + byte;
            rest &= ~(UINT64_C(0xff) << 8 * byte);
        }
    }
    return SIZE_MAX;
}

/*
 * Chunks.
 */

static size_t
find_by_chunks(struct bytes text, struct bytes needle, size_t at)
{
    uint8_t chunk[CHUNK_SIZE];
    for (; at + needle.size <= text.size; at += CHUNK_SIZE - needle.size + 1) {
        size_t size = text.size - at < CHUNK_SIZE ? text.size - at : CHUNK_SIZE;
        fold_text(bytes_of(text.data + at, size), chunk);
        const uint8_t *found = memmem(chunk, size, needle.data, needle.size);
        if (found != NULL)
            return at + (size_t)(found - chunk);
    }
    return SIZE_MAX;
}

static size_t
find_by_probes(struct search *search)
{
    size_t places = search->text.size - search->needle.size + 1;
    if (places < LANES) {
        uint8_t first = search->needle.data[search->probes.first];
        for (size_t at = 0; at < places; at++) {
            if (lower(search->text.data[at + search->probes.first]) == first &&
                place_fits(search, at))
                return at;
        }
        return SIZE_MAX;
    }
    /* Of the last sixteen some may have been looked at before. */
    for (size_t at = 0; at < places; at += LANES) {
        if (search->patience == 0)
            return find_by_chunks(search->text, search->needle, at);
        size_t found = find_in_lanes(search, at + LANES <= places ? at : places - LANES);
        if (found != SIZE_MAX)
            return found;
    }
    return SIZE_MAX;
}

size_t
fold_find(struct bytes text, struct bytes needle)
{
    assert(needle.size < CHUNK_SIZE);

    if (needle.size == 0)
        return 0;
    if (text.size < needle.size)
        return SIZE_MAX;
    struct search search = {
        .text = text,
        .needle = needle,
        .probes = probes_of(needle),
        .patience = PATIENCE * text.size,
    };
    if (search.probes.first == SIZE_MAX)
        return find_by_chunks(text, needle, 0);
    return find_by_probes(&search);
}
