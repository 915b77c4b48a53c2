/*
 * connections.h - the connections that are open, and what each is doing since when.
 *
 * libmicrohttpd ends a connection on which nothing moves. It does not end one on which a little
 * moves for ever, nor does it time what it has suspended: here that is found, once in a while
 * (connections_sweep). Thread-safe; a connection is changed by its own thread only.
 */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "bytes.h"
#include "tally/status.h"

#include <pthread.h>

struct request;

enum connection_phase {
    CONNECTION_IDLE,    /* between requests */
    CONNECTION_READING, /* a request's target has come, its end has not */
    CONNECTION_BUSY,    /* the request is worked on */
    CONNECTION_SENDING,
};

struct connection {
    struct connection *next, **link;
    void *owner; /* the connections' */
    int fd;
    char address[64]; /* of the client, as text: "192.0.2.1"; over a unix socket "unix:UID" */
    bool loopback;    /* the client is on this machine */
    bool local;       /* it came over a unix socket */
    bool ended;       /* it was shut down */
    enum connection_phase phase;
    int64_t since; /* monotonic: of the phase */
    /* Called once: by the sweep where the request is not done at `deadline`, or by
     * connections_cut(). Under the list's lock: it must be quick. Goes with the phase. */
    int64_t deadline;                        /* monotonic; 0: none */
    void (*expire)(struct request *request); /* NULL: nothing */
    struct request *request;
};

struct connections {
    pthread_mutex_t mutex;
    pthread_cond_t fewer;
    struct connection *first;
    uint64_t count;
    uint64_t busy;                 /* neither idle nor reading */
    bool draining;                 /* nothing more is worked on */
    int64_t looked;                /* monotonic: when clients that are gone were looked for */
    int64_t idle_max, reading_max; /* nanoseconds */
    void *owner;                   /* whoever these are the connections of */
};

void connections_init(struct connections *connections);
void connections_finish(struct connections *connections);

/* A new one, idle; NULL when memory is short. */
struct connection *connection_open(struct connections *connections, int fd,
                                   const void *socket_address);
void connection_close(struct connections *connections, struct connection *connection);

void connection_enter(struct connections *connections, struct connection *connection,
                      enum connection_phase phase);
/* CONNECTION_BUSY. False, and nothing has changed, where connections are being drained. */
bool connection_begin_work(struct connections *connections, struct connection *connection);
/* Has `expire` called for its request if it takes longer than `ns`; CONNECTION_PATIENT: only by
 * connections_cut(). */
#define CONNECTION_PATIENT INT64_MAX
void connection_expect(struct connections *connections, struct connection *connection, int64_t ns,
                       void (*expire)(struct request *request));

/* Ends connections that were idle or reading for too long, or whose client is gone within a request,
 * and tells requests that are late. */
void connections_sweep(struct connections *connections);

/* Ends connections that have been idle for a second: their memory is needed. */
void connections_relieve(struct connections *connections);

/* From now on no work begins. Ends connections that are idle or reading; waits until no request is
 * worked on, for `ns` at most. Whether none is. */
bool connections_drain(struct connections *connections, int64_t ns);

/* Has every request told that it is late, and ends connections that are sending. */
void connections_cut(struct connections *connections);

#endif
