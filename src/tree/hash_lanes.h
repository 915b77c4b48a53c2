/*
 * hash_lanes.h - two or sixteen SHA-256 computations side by side, by the processor's instructions.
 * For hash_many.c and its test only.
 */
#ifndef HASH_LANES_H
#define HASH_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BLOCK_SIZE 64

/* A computation under way: the eight words of FIPS 180-4, section 6.2, and the blocks that come
 * next. */
struct hash_lane {
    uint32_t state[8];
    const uint8_t *blocks;
};

/* Whether the processor has the instructions. The functions below may be called only then. */
bool hash_lanes_usable(void);

/* Takes `count` blocks into one lane, or into each of two. */
void hash_one_lane(struct hash_lane *lane, size_t count);
void hash_two_lanes(struct hash_lane *a, struct hash_lane *b, size_t count);

/* FIPS 180-4, section 4.2.2; where there are lanes. */
extern const uint32_t hash_constants[64];

/* Sixteen computations: word after word of the state, and in it lane after lane. */
#define HASH_WIDTH 16
struct hash_wide {
    uint32_t state[8][HASH_WIDTH];
    const uint8_t *blocks[HASH_WIDTH];
};

/* Whether sixteen can be had, too, for half of what two by two take. */
bool hash_wide_usable(void);
/* Takes one block into each of sixteen lanes; where the next ones are the caller knows. */
void hash_sixteen_lanes(struct hash_wide *wide);

#endif
