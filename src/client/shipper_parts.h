/*
 * shipper_parts.h - what the files of the shipper share: shipper.c is what others call, shipper_run.c
 * the thread, shipper_send.c one run of events.
 */
#ifndef SHIPPER_PARTS_H
#define SHIPPER_PARTS_H

#include "backoff.h"
#include "shipper.h"

#include <pthread.h>

/* The most of a request. */
#define RUN_EVENTS_MAX 2000
#define RUN_SIZE_MAX   ((size_t)2 << 20)

struct source {
    _Atomic(struct spool *) spool; /* NULL: none */
    size_t limit;                  /* events of a run; less where longer ones are refused whole */
    size_t unsent; /* events at the front that were sent for nothing: they are surely not stored */
};

struct shipper {
    struct shipper_options options;
    struct transport *transport; /* NULL: to be made, in a child after fork() */
    struct source sources[SHIPPER_SOURCES];

    pthread_mutex_t lock;
    pthread_cond_t changed; /* events left, `stopping`, `hurries` */
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    atomic_uint flushers; /* threads in shipper_flush() */
    _Atomic int64_t used; /* monotonic: the trail was used last */
    atomic_bool rested;   /* … and let go of since then */
    unsigned hurries;     /* calls of it; under the lock */
    char why[512];        /* the last attempt failed; "": it did not; under the lock */

    /* The thread's own. */
    struct backoff backoff;
    int64_t sync_due, adopt_due;          /* monotonic */
    int64_t shipped;                      /* when events left last */
    bool more;                            /* … and others were there that did not go with them */
    atomic_bool away, refusing, unsynced; /* what was said last */
    struct transport_answer answer;
};

/* The thread. */
void *shipper_run(void *shipper);

/* Puts the spool on stable storage where that is due. */
void shipper_keep_synced(struct shipper *shipper);

/* All that is in the spool came after `since`: so much later that is due. */
void shipper_put_off_sync(struct shipper *shipper, int64_t since);

enum shipped {
    SHIPPED_NOTHING, /* there is nothing */
    SHIPPED_SOME,
    SHIPPED_FAILED, /* wait; what the trail asks for is in answer.wait_ms, or it is `denied` */
};

/* Sends a run of events and lets go of what has its answer. */
enum shipped shipper_send(struct shipper *shipper, enum shipper_source source);

#endif
