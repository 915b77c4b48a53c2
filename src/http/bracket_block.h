/*
 * bracket_block.h - which of 64 bytes are the ones that bracket.c looks for.
 *
 * Meson picks bracket_block_x86.c or bracket_block_other.c by the processor family; the second only
 * calls the plain one, which the tests hold the first against.
 */
#ifndef BRACKET_BLOCK_H
#define BRACKET_BLOCK_H

#include <stdint.h>

#define BRACKET_BLOCK_SIZE 64

/* A bit a byte, the first byte's lowest. */
struct bracket_masks {
    uint64_t quotes;
    uint64_t backslashes;
    uint64_t brackets; /* of these four and of y, Y, _ and DEL: look at the byte */
};

struct bracket_masks bracket_block(const uint8_t block[BRACKET_BLOCK_SIZE]);

/* Eight bytes at a step; works everywhere. */
struct bracket_masks bracket_block_plain(const uint8_t block[BRACKET_BLOCK_SIZE]);

#endif
