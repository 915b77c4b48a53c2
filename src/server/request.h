/*
 * request.h - one request on its way: what was asked, by whom, and the answer.
 *
 * The listener makes a request, checks and authenticates it, collects its body and calls the
 * function of its route (routes.h); that function gives one answer with one of answer_*(). A route
 * says where it runs:
 *
 *     RUN_HERE    on the connection's thread: must not wait. It may leave the request unanswered,
 *                 call request_suspend() and have another thread call request_resume() later: then
 *                 `resumed` is called on the connection's thread and gives the answer.
 *     RUN_WORKER  on one of the threads for reading (workers.h): may read the disk and take its
 *                 time. It is answered when the function returns.
 *
 * Everything a request lends out lives as long as the request.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "access.h"
#include "body.h"
#include "connections.h"
#include "framing.h"
#include "stream.h"
#include "target.h"
#include "trail.h"
#include "workers.h"

#include <stdatomic.h>

struct MHD_Connection;
struct flow;
struct open_trail;
struct route;
struct server;

enum method {
    METHOD_GET,
    METHOD_HEAD, /* served as GET, without the body */
    METHOD_POST,
    METHOD_DELETE,
    METHOD_OTHER,
};

#define REQUEST_ID_MAX      64
#define REQUEST_HEADERS_MAX 8 /* of an answer, beside those that every answer has */

/* Makes what an answer's body streams: appends to `stream` and commits it, on a thread of its own,
 * until done. TALLY_OK ends the body; anything else cuts the connection, so that nobody takes a
 * part for the whole. stream->write gives TALLY_IO when the client is gone or too slow. */
typedef tally_status (*stream_producer)(void *context, struct stream *stream,
                                        struct tally_error *error);

/* A scan_check for a producer, of its stream: TALLY_IO where the client is gone. What finds little
 * writes little, and would not learn it otherwise. */
tally_status stream_check(void *stream, struct tally_error *error);

/* A producer's last words (at most FLOW_FAREWELL_MAX bytes), which do not wait for a client that takes
 * nothing. What was not flushed before comes behind them: nothing should. */
void stream_farewell(struct stream *stream, struct bytes bytes);

enum stream_kind {
    STREAM_WHOLE,  /* has an end: an export, a verification */
    STREAM_FOLLOWS /* goes on until somebody has enough */
};

struct answer {
    unsigned status; /* 0: none yet */
    const char *type;
    struct buffer body;
    size_t header_count;
    struct answer_header {
        const char *name; /* static */
        char value[256];
    } headers[REQUEST_HEADERS_MAX];
    stream_producer produce; /* NULL: the body is all there */
    void *produce_context;
    void (*produce_release)(void *context);
    enum stream_kind produce_kind;
    const char *policy; /* a Content-Security-Policy of its own (static), or NULL */
    bool close;         /* the connection ends with this answer */
    bool secret;        /* the body is wiped when nobody needs it any more */
};

/* Where a request is on its way; the listener's. */
enum request_phase {
    REQUEST_HEADERS, /* its target has come */
    REQUEST_BODY,    /* it was let in, or has its refusal as an answer */
    REQUEST_WORKED,  /* another thread has it, or had it */
};

struct request {
    struct server *server;
    const struct route *route; /* NULL until it is found */
    struct connection *connection;
    struct MHD_Connection *wire;
    enum request_phase phase;
    char id[REQUEST_ID_MAX + 1]; /* X-Request-Id, brought or made */
    int64_t began;               /* monotonic */
    enum method method;
    struct bytes raw_target;
    struct bytes last_event;     /* Last-Event-ID, as it came; data NULL: none */
    const uint8_t *target_place; /* where the wire has it; undone there by now */
    const uint8_t *head_end;     /* in the same memory */
    unsigned trailers;
    struct target target;
    struct principal principal; /* who asks; of role ROLE_NONE on routes that anyone may ask */
    enum body_type body_type;
    enum body_coding body_coding;
    struct buffer body; /* as it came; coded */
    size_t charged;     /* bytes that count as in flight: see request_charge() */
    size_t unsent;      /* bytes of the answer that count as such */
    size_t discarded;   /* bytes of a body that came after it was refused */
    struct answer answer;
    void (*resumed)(struct request *request);
    bool suspended; /* the connection thread's: another one has the request, and its answer */
    void *context;  /* the route's own, between suspend and resume */
    void (*release)(struct request *request); /* of `context`, when the request ends; NULL: none */
    struct open_trail *open_trail;            /* set by request_trail() */
    struct job job;
    atomic_bool late;  /* a search that has had its time (settings.search_timeout) */
    int64_t looked;    /* monotonic: when reading_check() last looked for the client */
    struct flow *flow; /* of a streamed answer, once it is under way; lent */
    uint8_t *memory;   /* of the target: raw and decoded */
};

/* Counts `size` more bytes as in flight for this request. False, and nothing is counted, where that
 * would be beyond the server's limit and others are under way: what is alone goes on, or it would
 * for ever be refused. What is charged is given back when the request ends, or by
 * server_discharge() if its owner takes it over. */
bool request_charge(struct request *request, size_t size);
void server_discharge(struct server *server, size_t size);

/* A query parameter's value, or { NULL, 0 }. Of one given twice, the listener has refused the
 * request already, unless the route takes it as a filter's. */
struct bytes request_parameter(const struct request *request, const char *name);
/* A path segment that the route's pattern leaves open ("*"), counted from 0. */
struct bytes request_segment(const struct request *request, size_t i);

/* The readers of parameters below give false after answering 400 with the name of the parameter and
 * what it takes. */
bool request_count(struct request *request, const char *name, uint64_t standard, uint64_t least,
                   uint64_t most, uint64_t *count_out);
bool request_flag(struct request *request, const char *name, bool *flag_out); /* true|false */

/* The trail that `trail=` names (`main` if it does not), open, kept open until the request ends.
 * NULL after answering: 404 alike where there is no such trail and where the principal may not use
 * it, 503 where it cannot be opened. RUN_WORKER only. */
struct trail *request_trail(struct request *request);
/* The same for a name that stands in the path. */
struct trail *request_trail_named(struct request *request, struct bytes name);

/* The name of a trail that this principal may use: `given`, or main where it is absent. False after
 * answering 404. */
bool request_trail_name(struct request *request, struct bytes given,
                        char name_out[TRAIL_NAME_MAX + 1]);

/* Lets go of the connection's thread until request_resume(), which any thread may call, once. */
void request_suspend(struct request *request, void (*resumed)(struct request *request));
void request_resume(struct request *request);

/* What a request's connection is doing now; and to have `expire` called, once, by the listener's
 * sweep if the request is worked on for longer than `ns` from now. */
void request_enter(struct request *request, enum connection_phase phase);
void request_expect(struct request *request, int64_t ns, void (*expire)(struct request *request));

/* Suspended: has `run` called on a thread for reading, which resumes the request at its end. False
 * after answering 503, where too many wait already; the request is resumed then, too. */
bool request_delegate(struct request *request, void (*run)(struct job *job));
#define JOB_REQUEST(job_) ((struct request *)((char *)(job_)-offsetof(struct request, job)))

/* ---- answers: one a request ---- */

/* Take over the buffer, which is empty afterwards; a failed one is answered with 503. */
void answer_json(struct request *request, unsigned status, struct buffer *body);
void answer_bytes(struct request *request, unsigned status, const char *type, struct buffer *body);
void answer_empty(struct request *request, unsigned status);

/* An RFC 9457 problem with `detail`; problem.h has those with more members. */
__attribute__((format(printf, 3, 4))) void answer_problem(struct request *request, unsigned status,
                                                          const char *format, ...);
/* The problem that a fault of the store or a refusal of its input is to a client: TALLY_INVALID 400
 * with errors, TALLY_BUSY 429 (of a search that is late 503), TALLY_FULL 507, TALLY_POISONED, TALLY_NO_MEMORY 503, the others 500,
 * whose text goes to the log and not to the client. */
void answer_fault(struct request *request, const struct tally_error *error);

/* `produce` runs on a thread of its own, at most settings.streams of them at once (of those that follow
 * a trail, settings.tails), else 429; not at all for HEAD. `release` is called once whatever happens,
 * after it. */
void answer_stream(struct request *request, enum stream_kind kind, const char *type,
                   stream_producer produce, void *context, void (*release)(void *context));
/* Lets go of a stream that was not begun, if there is one: its client is gone already. */
void answer_abandon_stream(struct request *request);
/* A stream that was counted by answer_stream() has ended. */
void stream_count_end(struct server *server, enum stream_kind kind);

struct problem;
/* A problem with more members; its request_id is set here. */
void answer_with_problem(struct request *request, struct problem *problem);

/* 429 and 503 say 1 unless told otherwise before. */
void answer_retry_after(struct request *request, uint64_t seconds);

/* One more header; `name` is static, the value at most 255 bytes and without control characters. */
void answer_header(struct request *request, const char *name, const char *value);

#endif
