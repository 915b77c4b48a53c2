/*
 * export_remote.h - `tally export` of a server, which export.c hands over to where WHERE is a URL.
 */
#ifndef EXPORT_REMOTE_H
#define EXPORT_REMOTE_H

#include "command.h"
#include "export.h"

/* Returns the exit status. */
int export_remote(const struct invocation *invocation, enum export_format format);

#endif
