/*
 * hash_many.h - SHA-256 of many texts, side by side where the processor can.
 *
 * The instructions for SHA-256 wait for each other: a processor that has them does two texts at
 * once in little more time than one. One with AVX-512 does sixteen texts faster yet. Thread-safe.
 */
#ifndef HASH_MANY_H
#define HASH_MANY_H

#include "tally/hash.h"

#define HASH_PREFIX_MAX 63

/* A text in two pieces: what stands in front is short, and the same or made for the occasion. */
struct hash_text {
    const uint8_t *prefix;
    size_t prefix_size; /* at most HASH_PREFIX_MAX */
    const uint8_t *data;
    size_t size;
};

/* SHA-256(prefix || data) of each. */
void hash_many(const struct hash_text *texts, size_t count, struct tally_hash *hashes_out);

/* The tree's nodes (RFC 6962, section 2.1) over `count` pairs of neighbours among 2 * count hashes;
 * `nodes_out` stands elsewhere. */
void hash_pairs(const struct tally_hash *hashes, size_t count, struct tally_hash *nodes_out);

#endif
