/*
 * ed25519.h - RFC 8032 signatures by libsodium; the rule of verification stands in tally/note.h.
 */
#ifndef ED25519_H
#define ED25519_H

#include "bytes.h"

#define ED25519_SEED_SIZE      32
#define ED25519_KEY_SIZE       32
#define ED25519_SECRET_SIZE    64 /* the seed, then the public key */
#define ED25519_SIGNATURE_SIZE 64

void ed25519_keys(const uint8_t seed[ED25519_SEED_SIZE], uint8_t key_out[ED25519_KEY_SIZE],
                  uint8_t secret_out[ED25519_SECRET_SIZE]);

/* Deterministic: one signature per key and message. */
void ed25519_sign(const uint8_t secret[ED25519_SECRET_SIZE], struct bytes message,
                  uint8_t signature_out[ED25519_SIGNATURE_SIZE]);

bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], struct bytes message,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]);

/* Overwrites a secret in a way the compiler keeps. */
void ed25519_wipe(void *secret, size_t size);

#endif
