/*
 * address.h - which address a request came from, behind proxies that are trusted.
 *
 * `Forwarded` (RFC 7239) and `X-Forwarded-For` are lists that each proxy adds to at the end. What
 * the outermost says is the client's own word, so the list is read from the right: starting with
 * the peer of the connection, as long as an address is in a trusted network the one left of it is
 * taken. The first that is not trusted is the client. Without trusted networks that is the peer.
 *
 * Proxies that write one of the headers hand the other one on as the client sent it. So where both
 * are there and lead to different addresses, neither is believed and the peer is the answer.
 */
#ifndef TALLY_ADDRESS_H
#define TALLY_ADDRESS_H

#include "tally/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tally_proxies;

/* Makes the set of trusted networks from `count` texts: each an address or a network in CIDR
 * notation, or one of the words "loopback", "private" (RFC 1918, RFC 4193, link-local) and "unix"
 * (a peer without an address). TALLY_INVALID names the one that is none. The caller destroys it; it
 * may be used by several threads. */
TALLY_MUST_CHECK tally_status tally_proxies_create(const char *const *networks, size_t count,
                                                   struct tally_proxies **proxies_out,
                                                   struct tally_error *error);

/* Frees a set of trusted networks. NULL is allowed. */
void tally_proxies_destroy(struct tally_proxies *proxies);

#define TALLY_ADDRESS_MAX 256

/*
 * Finds the address that a request came from, as text with a NUL: canonical, without port and
 * brackets, IPv4-mapped IPv6 as IPv4; a zone stays. `proxies` NULL: none are trusted. `peer` is the
 * connection's other end, with or without port, or NULL for a unix socket (also "", "@…" and
 * "unix:…", as servers write it). `forwarded` and `x_forwarded_for` are the headers' values, NULL
 * or "" where absent; several headers of a name are joined by ", " in their order.
 *
 * Where an element that would have to be read is no address (or "unknown", obfuscated, 0.0.0.0),
 * the last trusted one before it is the answer, as it is where all are trusted. TALLY_ABSENT where
 * there is no address at all.
 */
TALLY_MUST_CHECK tally_status tally_client_address(const struct tally_proxies *proxies,
                                                   const char *peer, const char *forwarded,
                                                   const char *x_forwarded_for,
                                                   char address_out[TALLY_ADDRESS_MAX]);

#ifdef __cplusplus
}
#endif

#endif
