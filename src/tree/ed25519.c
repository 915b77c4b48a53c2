/*
 * ed25519.c - the one door to libsodium of this layer.
 *
 * libsodium wants to be set up once before any other call; doing so from several threads is safe,
 * and after the first time it costs one check. If it cannot be set up, or signing fails (it cannot,
 * for memory that is there), the process aborts: nothing here is safe without.
 */
#include "ed25519.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void
prepare(void)
{
    if (sodium_init() < 0)
        abort();
}

static void
prepare_once(void)
{
    if (pthread_once(&prepared, prepare) != 0)
        abort();
}

void
ed25519_keys(const uint8_t seed[ED25519_SEED_SIZE], uint8_t key_out[ED25519_KEY_SIZE],
             uint8_t secret_out[ED25519_SECRET_SIZE])
{
    prepare_once();
    if (crypto_sign_seed_keypair(key_out, secret_out, seed) != 0)
        abort();
}

void
ed25519_sign(const uint8_t secret[ED25519_SECRET_SIZE], struct bytes message,
             uint8_t signature_out[ED25519_SIGNATURE_SIZE])
{
    prepare_once();
    if (crypto_sign_detached(signature_out, NULL, message.data, message.size, secret) != 0)
        abort();
}

bool
ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], struct bytes message,
               const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    prepare_once();
    return crypto_sign_verify_detached(signature, message.data, message.size, key) == 0;
}

void
ed25519_wipe(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}
