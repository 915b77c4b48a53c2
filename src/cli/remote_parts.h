/*
 * remote_parts.h - what remote.c sets up and remote_exchange.c uses.
 */
#ifndef REMOTE_PARTS_H
#define REMOTE_PARTS_H

#include "remote.h"
#include "wire.h"

struct remote {
    const char *where; /* borrowed, as is the trail's name */
    const char *trail;
    bool has_key;
    struct wire wire;
};

#endif
