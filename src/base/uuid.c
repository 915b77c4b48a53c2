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

/* Where the hyphens stand: bytes 0-3, 4-5, 6-7, 8-9 and 10-15 are the groups. */
static bool
hyphen_before(unsigned byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void
uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE])
{
    for (unsigned i = 0; i < 16; i++) {
        if (hyphen_before(i))
            *text++ = '-';
        hex_encode(uuid + i, 1, text);
        text += 2;
    }
}

static int
lower_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool
uuid_parse(struct bytes text, uint8_t uuid[16])
{
    if (text.size != UUID_TEXT_SIZE)
        return false;
    const uint8_t *c = text.data;
    for (unsigned i = 0; i < 16; i++) {
        if (hyphen_before(i) && *c++ != '-')
            return false;
        int high = lower_hex_digit(*c++);
        int low = lower_hex_digit(*c++);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
