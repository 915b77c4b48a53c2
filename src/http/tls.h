/*
 * tls.h - a certificate with its key, from PEM files, replaced while connections use it.
 */
#ifndef TLS_H
#define TLS_H

#include "tally/status.h"

#include <gnutls/abstract.h>

struct tls;

/* Reads the chain and the key. TALLY_INVALID where a file is no such or they do not belong together,
 * with its name; never with what is in it. Caller owns. */
TALLY_MUST_CHECK tally_status tls_open(const char *certificate, const char *key,
                                       struct tls **tls_out, struct tally_error *error);
void tls_close(struct tls *tls); /* NULL is allowed; no connection may use it */

/* Reads the files anew: connections from now on get what they hold now; after a fault, what there
 * was. */
TALLY_MUST_CHECK tally_status tls_reload(struct tls *tls, struct tally_error *error);

/* What connections are to use now; lent until tls_close(). */
void tls_current(struct tls *tls, gnutls_pcert_st **chain_out, unsigned *chain_size_out,
                 gnutls_privkey_t *key_out);

#endif
