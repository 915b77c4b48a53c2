/*
 * server.h - a data folder as a service.
 *
 *     listener.c    connections and requests: libmicrohttpd, limits, TLS
 *     routes.c      the table of what is answered, for whom
 *     access.c      who asks
 *     roster.c      the open trails
 *     diary.c       what the server does, on record in the trail `tally`
 *     resource_*.c  one file each: what a route does
 *
 * server_run() serves until SIGTERM or SIGINT and returns; SIGHUP reads settings and certificates
 * anew. It ends in this order: /readyz says no, new connections are refused, what was accepted is
 * answered, the trails are signed and closed.
 */
#ifndef SERVER_H
#define SERVER_H

#include "access.h"
#include "cursor.h"
#include "diary.h"
#include "metrics.h"
#include "rate.h"
#include "roster.h"
#include "settings.h"
#include "workers.h"

#include <stdatomic.h>

struct documents;
struct listener;
struct verifier;

/* What every request can reach. Fixed while the server runs, but for what says otherwise. */
struct server {
    const char *path; /* of the data folder */
    struct settings settings;
    struct settings configured; /* as read last: the main thread's alone */
    struct folder *folder;
    struct roster *roster;
    struct access *access;
    struct diary *diary;
    struct metrics *metrics;
    struct workers *workers;
    struct rate *failures; /* failed authentications, by address */
    struct rate *requests; /* by key */
    struct catalogue *catalogue;
    struct documents *documents; /* resource_documents.c */
    struct listener *listener;
    struct recordings *recordings; /* resource_events.c */
    struct verifier *verifier;
    uint8_t cursor_key[CURSOR_KEY_SIZE];
    int64_t began;            /* wall clock */
    atomic_size_t in_flight;  /* bytes of bodies: request_charge() */
    atomic_size_t unsent;     /* bytes of large answers that are not sent yet: respond() */
    atomic_uint streaming;    /* streams under way that have an end, */
    atomic_uint following;    /* and that follow a trail */
    unsigned streams_most;    /* of both at once since there were none */
    atomic_bool memory_short; /* resident memory is beyond its limit: no body is taken */
    atomic_bool draining;
    struct job tidy; /* the roster's, one at a time */
    atomic_bool tidying;
    struct buffer recovery; /* of the trail `tally`, to be noted when it can be */
};

struct server_options {
    const char *path;
    struct settings settings;
    /* Called when connections are accepted, for each place where they are: its URL, or unix:PATH. */
    void (*ready)(void *context, const char *url);
    void *context;
};

/* Runs until it is told to end. TALLY_OK then; else what kept it from starting or from closing. */
TALLY_MUST_CHECK tally_status server_run(const struct server_options *options,
                                         struct tally_error *error);

#endif
