/*
 * hash.h - SHA-256 as RFC 6962, section 2.1, uses it for Merkle trees.
 *
 * A leaf is hashed behind the byte 0x00 and a node behind the byte 0x01, so that neither can stand
 * for the other. Callable from any thread at once; each thread keeps a hashing context of its own,
 * freed when it ends. None of these can fail: where the crypto library gives no SHA-256, the
 * process aborts, because nothing here is safe without.
 */
#ifndef TALLY_HASH_H
#define TALLY_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_HASH_SIZE 32

struct tally_hash {
    uint8_t bytes[TALLY_HASH_SIZE];
};

/* A run of bytes to be hashed; `data` may be NULL where `size` is 0. */
struct tally_piece {
    const void *data;
    size_t size;
};

/* Computes the hash of a leaf, SHA-256(0x00 || data). */
void tally_hash_leaf(const void *data, size_t size, struct tally_hash *out);

/* Computes the hash of an inner node, SHA-256(0x01 || left || right). `out` may be one of the
 * inputs. */
void tally_hash_node(const struct tally_hash *left, const struct tally_hash *right,
                     struct tally_hash *out);

/* Computes the root of the empty tree, SHA-256 of nothing. */
void tally_hash_empty(struct tally_hash *out);

/* Computes SHA-256 of pieces joined, without any prefix: for commitments and key ids. */
void tally_hash_pieces(const struct tally_piece *pieces, size_t count, struct tally_hash *out);

/* Compares two hashes. Not in constant time: tree hashes are no secrets. */
bool tally_hash_equal(const struct tally_hash *a, const struct tally_hash *b);

#endif
