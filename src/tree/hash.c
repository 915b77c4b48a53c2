/*
 * hash.c - SHA-256 by OpenSSL, set up once.
 *
 * Looking an algorithm up costs more than hashing a short leaf, so it is fetched once per process,
 * and each thread keeps one context that every hash starts anew. A key's destructor frees the
 * context when its thread ends; it also forgets it, so that a destructor which hashes later gets a
 * fresh one.
 *
 * The one-shot form of every hash is init, update, final. None of them fails for SHA-256 on memory
 * that is there; if one does, the process aborts rather than hand out a wrong hash.
 */
#include "tally/hash.h"

#include "hash_many.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha256;
static _Thread_local EVP_MD_CTX *thread_context;

static void
forget_context(void *context)
{
    EVP_MD_CTX_free(context);
    thread_context = NULL;
}

static void
prepare(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL || pthread_key_create(&context_key, forget_context) != 0)
        abort();
}

static EVP_MD_CTX *
make_context(void)
{
    if (pthread_once(&prepared, prepare) != 0)
        abort();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || pthread_setspecific(context_key, context) != 0)
        abort();
    thread_context = context;
    return context;
}

static EVP_MD_CTX *
begin(void)
{
    EVP_MD_CTX *context = thread_context;
    if (context == NULL)
        context = make_context();
    if (EVP_DigestInit_ex2(context, sha256, NULL) != 1)
        abort();
    return context;
}

static void
add(EVP_MD_CTX *context, const void *data, size_t size)
{
    if (size > 0 && EVP_DigestUpdate(context, data, size) != 1)
        abort();
}

static void
finish(EVP_MD_CTX *context, struct tally_hash *out)
{
    unsigned size = 0;
    if (EVP_DigestFinal_ex(context, out->bytes, &size) != 1 || size != sizeof out->bytes)
        abort();
}

void
tally_hash_leaf(const void *data, size_t size, struct tally_hash *out)
{
    EVP_MD_CTX *context = begin();
    add(context, "\x00", 1);
    add(context, data, size);
    finish(context, out);
}

void
tally_hash_node(const struct tally_hash *left, const struct tally_hash *right,
                struct tally_hash *out)
{
    static const uint8_t inner = 0x01;
    uint8_t both[2 * TALLY_HASH_SIZE];
    memcpy(both, left->bytes, TALLY_HASH_SIZE);
    memcpy(both + TALLY_HASH_SIZE, right->bytes, TALLY_HASH_SIZE);

    /* Two blocks: what OpenSSL does around them takes longer than they. */
    const struct hash_text node = { &inner, 1, both, sizeof both };
    hash_many(&node, 1, out);
}

void
tally_hash_empty(struct tally_hash *out)
{
    finish(begin(), out);
}

void
tally_hash_pieces(const struct tally_piece *pieces, size_t count, struct tally_hash *out)
{
    EVP_MD_CTX *context = begin();
    for (size_t i = 0; i < count; i++)
        add(context, pieces[i].data, pieces[i].size);
    finish(context, out);
}

bool
tally_hash_equal(const struct tally_hash *a, const struct tally_hash *b)
{
    return memcmp(a->bytes, b->bytes, TALLY_HASH_SIZE) == 0;
}
