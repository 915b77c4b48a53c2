/*
 * stats_remote.h - figures from a server, which stats.c asks for where WHERE is a URL.
 */
#ifndef STATS_REMOTE_H
#define STATS_REMOTE_H

#include "out.h"
#include "summary.h"

/* Has the server count and `print` what came of it. Returns the exit status. */
int stats_remote(const struct invocation *invocation, const struct summary_request *request,
                 int (*print)(const struct invocation *invocation, const struct summary *summary,
                              struct out *out));

#endif
