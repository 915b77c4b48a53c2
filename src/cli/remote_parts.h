/*
 * remote_parts.h - what remote.c sets up and remote_exchange.c uses.
 */
#ifndef REMOTE_PARTS_H
#define REMOTE_PARTS_H

#include "remote.h"

#include <curl/curl.h>

struct remote {
    const char *where; /* borrowed, as is the trail's name */
    const char *trail;
    char *base; /* of URLs: where, without slashes at its end */
    CURL *curl;
    struct curl_slist *headers; /* of every request; the last one is the key, if there is one */
    bool loopback_only;         /* a key in the clear: to this machine and no other */
    char reason[CURL_ERROR_SIZE];
};

#endif
