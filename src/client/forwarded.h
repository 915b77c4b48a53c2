/*
 * forwarded.h - the addresses in Forwarded and X-Forwarded-For, from the last one back.
 */
#ifndef FORWARDED_H
#define FORWARDED_H

#include "bytes.h"
#include "tally/address.h"

/* Where a request came from, according to someone. */
struct node {
    uint8_t address[16];          /* as network.h holds it */
    char text[TALLY_ADDRESS_MAX]; /* canonical, with its zone */
};

/* Reads an address with or without port, brackets and zone. False where it is none, or the one that
 * means nowhere: 0.0.0.0, ::. */
bool node_read(struct bytes text, struct node *node_out);

enum forwarded_header {
    FORWARDED,       /* RFC 7239 */
    X_FORWARDED_FOR, /* addresses with commas between them */
};

/* Takes the last element off a list, those that are empty with it. False where there is none. */
bool forwarded_last(struct bytes *list, enum forwarded_header header, struct bytes *element_out);

/* The address that an element is about. False where it says none: "unknown", an obfuscated name, no
 * or two `for`, or what is no element at all. */
bool forwarded_read(struct bytes element, enum forwarded_header header, struct node *node_out);

#endif
