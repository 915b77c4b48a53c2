/*
 * network.h - addresses and the networks they are in: IPv4, and IPv6 as RFC 4291 writes it.
 *
 * An IPv4 address is held as its IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), so that
 * ::ffff:10.0.0.1, which dual-stack servers report, is 10.0.0.1. The two families stay apart:
 * ::/0 holds no IPv4 address.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "bytes.h"

struct network {
    uint8_t address[16]; /* bits beyond the prefix are 0 */
    uint8_t prefix;      /* 0 to 128; for IPv4 96 and more */
};

/* The longest text network_format writes. */
#define NETWORK_TEXT_MAX 64

/* Four decimal numbers without leading zeros, or an IPv6 address without zone. */
bool address_read(struct bytes text, uint8_t address_out[16]);

/* An address (then the prefix is 128), or an address, a slash and a prefix length. Host bits may be
 * set, they do not count: 10.1.2.3/8 is 10.0.0.0/8. */
bool network_read(struct bytes text, struct network *out);

bool network_contains(const struct network *network, const uint8_t address[16]);

/* The inverse of network_read; returns the length, no NUL. A single address has no slash. */
size_t network_format(const struct network *network, char text[NETWORK_TEXT_MAX]);

#endif
