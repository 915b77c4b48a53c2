/*
 * charter_options.h - a new trail's charter, from the options that `init` and `trail create` share.
 */
#ifndef CHARTER_OPTIONS_H
#define CHARTER_OPTIONS_H

#include "charter.h"
#include "command.h"

#define CHARTER_OPTIONS                                                                        \
    { "origin", "NAME", "the trail's lasting name, by convention like example.org/audit" },    \
        { "public", "FIELD", "a private field that this trail keeps public; may come again" }, \
    {                                                                                          \
        "private", "FIELD", "a public field that this trail keeps private; may come again"     \
    }

/* DONE, or MISUSED after saying why. The origin is lent from the invocation. */
int charter_read(const struct invocation *invocation, struct trail_config *config_out);

#endif
