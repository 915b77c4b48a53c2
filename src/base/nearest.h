/*
 * nearest.h - which of some names was meant by one that is misspelled.
 *
 * Begin with the name as it was typed, offer every name that there is, and ask for the nearest.
 * Case does not count. Beyond two letters it is another word, and none was meant.
 */
#ifndef NEAREST_H
#define NEAREST_H

#include "bytes.h"

#define NEAREST_NAME_MAX 64 /* longer names resemble none */

struct nearest {
    struct bytes typed;
    struct bytes name; /* the nearest; its data is NULL where none is near. Lent by the offer */
    unsigned bound;    /* what the next has to be nearer than */
};

void nearest_init(struct nearest *nearest, struct bytes typed);

/* A name that there is, and what to tell where it is the nearest: the name itself, or what it is
 * another name of. Of two that are as near the first is kept. */
void nearest_offer(struct nearest *nearest, struct bytes spelling, struct bytes name);

#endif
