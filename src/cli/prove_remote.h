/*
 * prove_remote.h - a proof from a server, which prove.c hands over to where WHERE is a URL.
 */
#ifndef PROVE_REMOTE_H
#define PROVE_REMOTE_H

#include "command.h"

#include <stdint.h>

/* Gets the proof of an entry, checks it and writes it. Returns the exit status. */
int prove_remote(const struct invocation *invocation, uint64_t index);

#endif
