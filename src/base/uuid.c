#include "uuid.h"

#include "base64.h"
#include "random.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* The last version 7 UUID of this thread: the millisecond asked for, the one written, and the 74
 * bits: 12 of rand_a, 62 of rand_b. */
struct last_v7 {
    uint64_t asked_ms;
    uint64_t ms;
    uint64_t high;
    uint64_t low;
};

#define HIGH_MASK ((UINT64_C(1) << 12) - 1)
#define LOW_MASK  ((UINT64_C(1) << 62) - 1)

/* Ascending ids of one millisecond are 1 to 2^48 apart: too far to guess the next from the last,
 * near enough for tens of millions in a millisecond. */
#define STEP_MASK ((UINT64_C(1) << 48) - 1)

static _Thread_local struct last_v7 last;

static void
draw(struct last_v7 *next)
{
    uint8_t raw[16];
    random_bytes(raw, sizeof raw);
    next->high = get_u64(raw) & HIGH_MASK;
    next->low = get_u64(raw + 8) & LOW_MASK;
}

static void
step(struct last_v7 *next)
{
    uint8_t raw[8];
    random_bytes(raw, sizeof raw);
    uint64_t low = next->low + (get_u64(raw) & STEP_MASK) + 1;
    next->low = low & LOW_MASK;
    if (low <= LOW_MASK)
        return;
    if (next->high < HIGH_MASK) {
        next->high++;
        return;
    }
    /* The 74 bits are used up: go on in the next millisecond (section 6.2, "counter rollover"). */
    next->ms++;
    draw(next);
}

void
uuid_v7(int64_t now_ns, uint8_t uuid[16])
{
    assert(now_ns >= 0);

    uint64_t now_ms = (uint64_t)now_ns / 1000000;
    if (last.ms != 0 && now_ms == last.asked_ms) {
        step(&last);
    } else {
        last.asked_ms = last.ms = now_ms;
        draw(&last);
    }

    for (unsigned i = 0; i < 6; i++)
        uuid[i] = (uint8_t)(last.ms >> (40 - 8 * i));
    uuid[6] = (uint8_t)(0x70 | last.high >> 8);
    uuid[7] = (uint8_t)last.high;
    for (unsigned i = 0; i < 8; i++)
        uuid[8 + i] = (uint8_t)(last.low >> (56 - 8 * i));
    uuid[8] |= 0x80;
}

void
uuid_v5(const uint8_t namespace_uuid[16], struct bytes name, uint8_t uuid[16])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    /* Only memory can be short here, and an id that is not the right one would be worse than none.
     */
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha1(), NULL) != 1 ||
        EVP_DigestUpdate(context, namespace_uuid, 16) != 1 ||
        EVP_DigestUpdate(context, name.data, name.size) != 1 ||
        EVP_DigestFinal_ex(context, digest, NULL) != 1)
        abort();
    EVP_MD_CTX_free(context);

    memcpy(uuid, digest, 16);
    uuid[6] = (uint8_t)(0x50 | (uuid[6] & 0x0f));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
}

/* Where in the text each byte stands: the groups are bytes 0-3, 4-5, 6-7, 8-9 and 10-15. */
static const uint8_t places[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };

/* Four bytes as eight digits, the first one lowest. */
static uint64_t
hex_eight(const uint8_t *bytes)
{
    uint64_t spread = get_u32(bytes);
    spread = (spread | spread << 16) & UINT64_C(0x0000ffff0000ffff);
    spread = (spread | spread << 8) & UINT64_C(0x00ff00ff00ff00ff);
    uint64_t nibbles = (spread >> 4 | spread << 8) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (nibbles + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    return nibbles + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
}

/* 8, 4, 4, 4 and 12 digits: put together eight characters at a time. */
void
uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE])
{
    uint8_t *out = (uint8_t *)text;
    const uint64_t dash = '-';
    uint64_t b = hex_eight(uuid + 4), c = hex_eight(uuid + 8), d = hex_eight(uuid + 12);
    put_u64(out, hex_eight(uuid));
    put_u64(out + 8, dash | (b & UINT32_MAX) << 8 | dash << 40 | b >> 32 << 48);
    put_u64(out + 16, b >> 48 | dash << 16 | (c & UINT32_MAX) << 24 | dash << 56);
    put_u64(out + 24, c >> 32 | d << 32);
    put_u32(out + 32, (uint32_t)(d >> 32));
}

/* The digit's value plus one, 0 for what is none: every id of every entry is read with it. */
static const uint8_t lower_hex[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool
uuid_parse(struct bytes text, uint8_t uuid[16])
{
    const uint8_t *c = text.data;
    if (text.size != UUID_TEXT_SIZE || c[8] != '-' || c[13] != '-' || c[18] != '-' || c[23] != '-')
        return false;
    bool digits = true;
    for (unsigned i = 0; i < 16; i++) {
        unsigned high = lower_hex[c[places[i]]];
        unsigned low = lower_hex[c[places[i] + 1]];
        digits &= high != 0 && low != 0;
        uuid[i] = (uint8_t)((high - 1) << 4 | ((low - 1) & 15));
    }
    return digits;
}
