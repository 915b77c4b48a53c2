/*
 * query_remote.h - `tally query` of a server, which query.c hands over to where WHERE is a URL.
 */
#ifndef QUERY_REMOTE_H
#define QUERY_REMOTE_H

#include "command.h"
#include "excerpt.h"

/* Asks the server for what the options say. Returns the exit status. */
int query_remote(const struct invocation *invocation, const struct excerpt_request *request);

#endif
