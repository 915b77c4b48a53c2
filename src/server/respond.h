/*
 * respond.h - a request's answer, handed to libmicrohttpd.
 */
#ifndef RESPOND_H
#define RESPOND_H

#include "request.h"

#include <microhttpd.h>

/* Queues the answer, which is there, on the request's connection; for a stream it starts the thread
 * that makes it. On the connection's thread. What it returns is for libmicrohttpd. */
enum MHD_Result respond(struct request *request);

#endif
