/*
 * charter.h - what is fixed for good when a trail is made: its origin and its private fields.
 *
 * Read from the options that `init` and `trail create` share, and checked before anything is made.
 */
#ifndef CHARTER_H
#define CHARTER_H

#include "command.h"
#include "trail.h"

#define CHARTER_OPTIONS                                                                        \
    { "origin", "NAME", "the trail's lasting name, by convention like example.org/audit" },    \
        { "public", "FIELD", "a private field that this trail keeps public; may come again" }, \
    {                                                                                          \
        "private", "FIELD", "a public field that this trail keeps private; may come again"     \
    }

/* DONE, or MISUSED after saying why. The origin is lent from the invocation. */
int charter_read(const struct invocation *invocation, struct trail_config *config_out);

#endif
