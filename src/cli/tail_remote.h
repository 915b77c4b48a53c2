/*
 * tail_remote.h - tally tail, of a server.
 */
#ifndef TAIL_REMOTE_H
#define TAIL_REMOTE_H

#include "command.h"
#include "listing.h"

/* As the command itself: the exit status. `lines` (at least 1 without --follow) is how many entries
 * to begin with. */
int tail_remote(const struct invocation *invocation, enum listing_format format, size_t lines);

#endif
