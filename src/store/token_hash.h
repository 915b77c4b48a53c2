/*
 * token_hash.h - the arithmetic of tokens, for those who compute many of a field. token.c says what
 * is hashed.
 */
#ifndef TOKEN_HASH_H
#define TOKEN_HASH_H

#include "field.h"

/* How a value was read. The numbers are stored, in what they make of a token. */
enum token_kind {
    TOKEN_PLAIN = 0,
    TOKEN_UUID = 1,
    TOKEN_HEX = 2,
    TOKEN_ADDRESS = 3,
    TOKEN_NUMBER = 4,
};

static inline uint64_t
token_mix(uint64_t hash)
{
    hash *= UINT64_C(0x9fb21c651e98df25);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 29;
}

/* What a field's tokens of a kind have in common. */
uint64_t token_key(enum field_id field, enum token_kind kind);

/* The token of what has the hash. */
static inline uint64_t
token_finish(uint64_t key, uint64_t hash)
{
    return token_mix(hash ^ key);
}

/* The hash of a number from that of its digits, if they are at most TOKEN_DIGITS_CHUNK, and that of
 * its sign and exponent. */
#define TOKEN_DIGITS_CHUNK 64u
uint64_t token_number_ends(bool negative, int64_t exponent);

static inline uint64_t
token_number(uint64_t digits, uint64_t ends)
{
    return token_mix(token_mix(digits) ^ ends);
}

#endif
