#include "bracket_block.h"

#include "json_string.h"

#define LOW_BITS JSON_EVERY_BYTE(0x7f)

/* The high bits of those bytes that are 0. */
static inline uint64_t
zero_bytes(uint64_t word)
{
    return ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
}

/* Gathers the high bits of eight bytes into eight bits: the factor moves byte i's to bit 56 + i. */
static inline uint64_t
gather(uint64_t high_bits)
{
    return ((high_bits >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

struct bracket_masks
bracket_block_plain(const uint8_t block[BRACKET_BLOCK_SIZE])
{
    struct bracket_masks masks = { 0 };
    for (unsigned i = 0; i < BRACKET_BLOCK_SIZE; i += 8) {
        uint64_t word = get_u64(block + i);
        /* { and } differ from [ and ] in 0x20, and from each other in 0x06. */
        uint64_t bracket =
            ((word | JSON_EVERY_BYTE(0x20)) ^ JSON_EVERY_BYTE('{')) & ~JSON_EVERY_BYTE(0x06);
        masks.quotes |= gather(zero_bytes(word ^ JSON_EVERY_BYTE('"'))) << i;
        masks.backslashes |= gather(zero_bytes(word ^ JSON_EVERY_BYTE('\\'))) << i;
        masks.brackets |= gather(zero_bytes(bracket)) << i;
    }
    return masks;
}
