/*
 * A connection that is being set up points into the certificate it got, and GnuTLS does not say when
 * it is done. So what was replaced stays until the end; a certificate is a few kilobytes and is
 * renewed a few times a year.
 */
#include "tls.h"

#include "fault.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 16

/* One certificate with its chain and key. */
struct identity {
    struct identity *older;
    unsigned size;
    gnutls_pcert_st chain[CHAIN_MAX];
    gnutls_privkey_t key;
};

struct tls {
    char *certificate;
    char *key;
    pthread_mutex_t mutex;
    struct identity *newest;
};

static tally_status
read_chain(const char *path, struct identity *identity, struct tally_error *error)
{
    gnutls_datum_t text;
    if (gnutls_load_file(path, &text) < 0)
        return io_fault(error, "cannot read the certificate %s", path);
    unsigned size = CHAIN_MAX;
    int result = gnutls_pcert_list_import_x509_raw(
        identity->chain, &size, &text, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    gnutls_free(text.data);
    if (result < 0 || size == 0)
        return fault(error, TALLY_INVALID,
                     "%s is no certificate in PEM with its chain in order: %s", path,
                     gnutls_strerror(result));
    identity->size = size;
    return TALLY_OK;
}

static tally_status
read_key(const char *path, struct identity *identity, struct tally_error *error)
{
    gnutls_datum_t text;
    if (gnutls_load_file(path, &text) < 0)
        return io_fault(error, "cannot read the key %s", path);
    int result = gnutls_privkey_init(&identity->key);
    if (result >= 0)
        result = gnutls_privkey_import_x509_raw(identity->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(text.data, 0, text.size);
    gnutls_free(text.data);
    if (result < 0)
        return fault(error, TALLY_INVALID, "%s is no unencrypted private key in PEM: %s", path,
                     gnutls_strerror(result));
    return TALLY_OK;
}

/* Whether the first certificate is the key's: what one signs the other must verify, which is so
 * exactly where their public halves are the same. */
static tally_status
check_pair(const struct tls *tls, struct identity *identity, struct tally_error *error)
{
    gnutls_pubkey_t public_half;
    unsigned char mine[64], theirs[64];
    size_t mine_size = sizeof mine, theirs_size = sizeof theirs;
    if (gnutls_pubkey_init(&public_half) < 0)
        return memory_fault(error);
    bool same =
        gnutls_pubkey_import_privkey(public_half, identity->key, 0, 0) >= 0 &&
        gnutls_pubkey_get_key_id(public_half, GNUTLS_KEYID_USE_SHA256, mine, &mine_size) >= 0 &&
        gnutls_pubkey_get_key_id(identity->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs,
                                 &theirs_size) >= 0 &&
        mine_size == theirs_size && memcmp(mine, theirs, mine_size) == 0;
    gnutls_pubkey_deinit(public_half);
    if (!same)
        return fault(error, TALLY_INVALID, "the key %s does not belong to the certificate %s",
                     tls->key, tls->certificate);
    return TALLY_OK;
}

static void
identity_free(struct identity *identity)
{
    for (unsigned i = 0; i < identity->size; i++)
        gnutls_pcert_deinit(&identity->chain[i]);
    gnutls_privkey_deinit(identity->key);
    free(identity);
}

tally_status
tls_reload(struct tls *tls, struct tally_error *error)
{
    struct identity *identity = calloc(1, sizeof *identity);
    if (identity == NULL)
        return memory_fault(error);
    tally_status status = read_chain(tls->certificate, identity, error);
    if (status == TALLY_OK)
        status = read_key(tls->key, identity, error);
    if (status == TALLY_OK)
        status = check_pair(tls, identity, error);
    if (status != TALLY_OK) {
        identity_free(identity);
        return status;
    }
    (void)pthread_mutex_lock(&tls->mutex);
    identity->older = tls->newest;
    tls->newest = identity;
    (void)pthread_mutex_unlock(&tls->mutex);
    return TALLY_OK;
}

tally_status
tls_open(const char *certificate, const char *key, struct tls **tls_out, struct tally_error *error)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return memory_fault(error);
    (void)pthread_mutex_init(&tls->mutex, NULL);
    tls->certificate = strdup(certificate);
    tls->key = strdup(key);
    tally_status status =
        tls->certificate == NULL || tls->key == NULL ? memory_fault(error) : tls_reload(tls, error);
    if (status != TALLY_OK) {
        tls_close(tls);
        return status;
    }
    *tls_out = tls;
    return TALLY_OK;
}

void
tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    for (struct identity *older; tls->newest != NULL; tls->newest = older) {
        older = tls->newest->older;
        identity_free(tls->newest);
    }
    (void)pthread_mutex_destroy(&tls->mutex);
    free(tls->certificate);
    free(tls->key);
    free(tls);
}

void
tls_current(struct tls *tls, gnutls_pcert_st **chain_out, unsigned *chain_size_out,
            gnutls_privkey_t *key_out)
{
    (void)pthread_mutex_lock(&tls->mutex);
    *chain_out = tls->newest->chain;
    *chain_size_out = tls->newest->size;
    *key_out = tls->newest->key;
    (void)pthread_mutex_unlock(&tls->mutex);
}
