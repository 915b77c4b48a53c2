/*
 * listener.h - where the server listens: libmicrohttpd, its limits, TLS, and the end of it all.
 *
 * Connections are accepted by a thread of their own, which spreads them over a pool of threads that
 * wait with epoll; what happens on them is exchange.h's.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "request.h"
#include "settings.h"

struct listener;

/* Binds, and begins to serve: at an address, at a unix socket, or at both. TALLY_BUSY where the port or
 * the socket is taken; TALLY_INVALID for settings that
 * cannot be (docs/operations.md). `server` is whole but for this. Caller owns. */
TALLY_MUST_CHECK tally_status listener_open(struct server *server, struct listener **listener_out,
                                            struct tally_error *error);

/* Whether listener_open() could bind with these settings just now: does so, and lets go again. Answers
 * and faults are the same. */
TALLY_MUST_CHECK tally_status listener_try(const struct settings *settings,
                                           struct tally_error *error);

/* Where it is listened, lent: "http://127.0.0.1:7878", "unix:/run/tally/tally.sock"; counted from 0,
 * NULL behind the last one. */
const char *listener_url(const struct listener *listener, unsigned i);

/* Connections there are now. */
uint64_t listener_connections(struct listener *listener);

/* Ends what takes too long. Called a few times a second. */
void listener_sweep(struct listener *listener);

/* Memory is short: gives up connections that nobody uses just now. */
void listener_relieve(struct listener *listener);

/* The certificate, and what connections may take, anew. TALLY_INVALID where the certificate's files
 * are no such: then it stays as it was. */
TALLY_MUST_CHECK tally_status listener_reload(struct listener *listener,
                                              const struct settings *settings,
                                              struct tally_error *error);

/* Accepts nothing more, answers what is worked on, `ns` at most, tells the rest that it is late, and
 * closes. Searches that are under way are waited for. NULL is allowed. */
void listener_close(struct listener *listener, int64_t ns);

#endif
