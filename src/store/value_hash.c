/*
 * value_hash.c - 16 bytes a multiplication.
 *
 * Halves of 16 bytes that the seed has hidden are multiplied and folded, as wyhash does.
 *
 * The sum of a column tells its rows apart, because each hash is taken an odd number of times,
 * twice its row's number and one: any other value, and any two that change places, give another sum
 * but for one chance in 2^46.
 */
#include "value_hash.h"

static const uint64_t odd[] = { UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db),
                                UINT64_C(0x8ebc6af09c88c6e3) };

static inline uint64_t
fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
finish(uint64_t seed, uint64_t hash, uint64_t size, uint64_t low, uint64_t high)
{
    return fold(odd[1] ^ size, fold(low ^ odd[0], high ^ hash) ^ seed);
}

uint64_t
value_hash(uint64_t seed, struct bytes value)
{
    const uint8_t *at = value.data;
    size_t rest = value.size;
    uint64_t hash = seed ^ odd[2];

    for (; rest > 16; rest -= 16, at += 16)
        hash = fold(get_u64(at) ^ odd[0], get_u64(at + 8) ^ hash);

    uint64_t low = 0, high = 0;
    if (rest >= 8) {
        low = get_u64(at);
        high = get_u64(at + rest - 8);
    } else if (rest >= 4) {
        low = get_u32(at);
        high = get_u32(at + rest - 4);
    } else if (rest > 0) {
        low = (uint64_t)at[0] << 16 | (uint64_t)at[rest / 2] << 8 | at[rest - 1];
    }
    return finish(seed, hash, value.size, low, high);
}

uint64_t
value_hash_number(uint64_t seed, int64_t key, uint8_t form)
{
    return finish(seed, seed ^ odd[2], form, (uint64_t)key, 0);
}

uint64_t
value_hash_id(uint64_t seed, const uint8_t id[16], uint8_t form)
{
    return finish(seed, seed ^ odd[2], form, get_u64(id), get_u64(id + 8));
}

uint64_t
value_hash_as(enum page_kind kind, enum field_column column, uint64_t seed, struct bytes value)
{
    int64_t key;
    uint8_t id[16];
    uint8_t form;
    if (kind == PAGE_NUMBERS) {
        form = number_form(column, value, &key);
        if (form != NUMBER_EXCEPTION)
            return value_hash_number(seed, key, form);
    } else if (kind == PAGE_IDS) {
        form = id_form(value, id);
        if (form != ID_EXCEPTION)
            return value_hash_id(seed, id, form);
    }
    return value_hash(seed, value);
}
