/*
 * bracket.c - 64 bytes a step, as masks with a bit for each byte.
 *
 * Of a block three masks are made: quotes, backslashes, brackets. What a backslash escapes is no
 * quote; a byte is inside a string where the number of quotes up to it is odd, which is the prefix
 * sum of the mask modulo 2; only brackets outside strings are then looked at one by one. Two bits
 * go from block to block: whether a string is open, and whether the next byte is escaped.
 */
#include "bracket.h"

#include "bracket_block.h"

#include <assert.h>

#define BLOCK_SIZE BRACKET_BLOCK_SIZE

struct state {
    uint64_t string;  /* all ones inside a string, else 0 */
    uint64_t escaped; /* 1: the next byte is escaped */
    size_t depth;
};

/* The bytes that stand behind a backslash which is not escaped itself. */
static uint64_t
escaped_bytes(uint64_t backslashes, uint64_t *carry)
{
    uint64_t escaped = *carry;
    *carry = 0;
    for (uint64_t left = backslashes & ~escaped; left != 0;) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        if (at == BLOCK_SIZE - 1) {
            *carry = 1;
            break;
        }
        escaped |= UINT64_C(2) << at;
        left &= ~(UINT64_C(3) << at);
    }
    return escaped;
}

/* Bit i is the sum of bits 0 to i, modulo 2. */
static inline uint64_t
prefix_parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < BLOCK_SIZE; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* How much of the block belongs to the value, or 0 where it goes on behind it. */
static inline size_t
step(struct state *state, const uint8_t *block)
{
    struct bracket_masks masks = bracket_block(block);
    if ((masks.backslashes | state->escaped) != 0)
        masks.quotes &= ~escaped_bytes(masks.backslashes, &state->escaped);
    uint64_t inside = prefix_parity(masks.quotes) ^ state->string;
    state->string = (uint64_t)0 - (inside >> 63);

    for (uint64_t left = masks.brackets & ~inside; left != 0; left &= left - 1) {
        unsigned at = (unsigned)__builtin_ctzll(left);
        if (block[at] == '{' || block[at] == '[')
            state->depth++;
        else if ((block[at] == '}' || block[at] == ']') && --state->depth == 0)
            return at + 1;
    }
    return 0;
}

size_t
bracket_size(struct bytes text)
{
    assert(text.size > 0 && (text.data[0] == '{' || text.data[0] == '['));

    struct state state = { 0 };
    size_t at = 0;
    for (; text.size - at >= BLOCK_SIZE; at += BLOCK_SIZE) {
        size_t size = step(&state, text.data + at);
        if (size != 0)
            return at + size;
    }
    uint8_t last[BLOCK_SIZE] = { 0 };
    memcpy(last, text.data + at, text.size - at);
    size_t size = step(&state, last);
    return size == 0 ? 0 : at + size;
}
