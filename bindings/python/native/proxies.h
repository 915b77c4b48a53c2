/*
 * proxies.h - the trusted networks inside of a Proxies object.
 */
#ifndef PROXIES_H
#define PROXIES_H

#include "state.h"

#include "tally/address.h"

/* Lent while the object lives. -1 with an exception where it is no Proxies. */
int proxies_of(const struct state *state, PyObject *object,
               const struct tally_proxies **proxies_out);

#endif
