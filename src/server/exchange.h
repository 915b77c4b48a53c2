/*
 * exchange.h - a request's life on its connection, as libmicrohttpd tells of it.
 *
 *     exchange_begin     the target is known: a request is made
 *     exchange_handle    first for its head, which is admitted or refused (admit.h); then for each
 *                        piece of its body; then for its end, where its route is run; and again
 *                        whenever it is back from another thread
 *     exchange_end       it is answered, or its connection is gone
 *
 * What it calls and is called by stands in request.h: suspending, resuming, delegating.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "connections.h"
#include "request.h"

#include <microhttpd.h>
#include <stdatomic.h>

/* What all requests of a listener share; the connections' owner. */
struct exchange {
    struct server *server;
    struct connections connections;
    atomic_uint resuming; /* threads within request_resume() */
    bool loopback;        /* of addresses, it is listened on loopback only */
};

/* libmicrohttpd's callbacks; the context of each is the exchange. */
void *exchange_begin(void *context, const char *target, struct MHD_Connection *wire);
enum MHD_Result exchange_handle(void *context, struct MHD_Connection *wire, const char *path,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **request_context);
void exchange_end(void *context, struct MHD_Connection *wire, void **request_context,
                  enum MHD_RequestTerminationCode code);
void exchange_connection(void *context, struct MHD_Connection *wire, void **socket_context,
                         enum MHD_ConnectionNotificationCode code);

/* The connection that one of its is to us; NULL where there was no memory for it. */
struct connection *exchange_connection_of(struct MHD_Connection *wire);

#endif
