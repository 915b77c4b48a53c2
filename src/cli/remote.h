/*
 * remote.h - a server in place of a data folder: requests over HTTP, and what came of them.
 *
 * Each command makes one of these where WHERE is a URL. No redirect is followed and no proxy sees
 * plain HTTP. The key (--key, TALLY_KEY) is sent over TLS, or in the clear to this machine itself;
 * to another one only with --insecure-http. A server that is not there, hangs, breaks off or
 * answers what no Tallystick answers is a fault: the command ends with UNABLE, never with a verdict.
 *
 * Where a server says that it is busy (429, 503 with Retry-After) the request is sent again, up to
 * REMOTE_RETRIES_MAX times, at the time it names and a little later, so that not all clients come
 * back at once.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include "buffer.h"
#include "command.h"
#include "refusal.h"

#define REMOTE_OPTIONS                                                                 \
    { "key", "KEY", "the API key, where WHERE is a URL (else TALLY_KEY)" },            \
        { "cacert", "FILE",                                                            \
          "certificates to trust in place of the system's (else TALLY_CACERT)" },      \
    {                                                                                  \
        "insecure-http", NULL, "send the key over plain HTTP, also to another machine" \
    }

/* Whether REMOTE_OPTIONS has an option of this name. */
bool remote_option(const char *name);

#define REMOTE_RETRIES_MAX 5

/* The longest answer that is taken in at once. */
#define REMOTE_BODY_MAX ((size_t)1 << 30)

struct remote;

/* The server that the first operand names, and the trail that --trail names. Nothing is sent yet.
 * DONE, or the exit status after saying why. Caller owns. */
int remote_open(const struct invocation *invocation, struct remote **remote_out);
void remote_close(struct remote *remote); /* NULL is allowed */

/* For messages: WHERE as given, and the trail's name. Lent as long as `remote`. */
const char *remote_where(const struct remote *remote);
const char *remote_trail(const struct remote *remote);

enum remote_method {
    REMOTE_GET,
    REMOTE_POST,
    REMOTE_DELETE,
};

/* When a request may be sent a second time. */
enum remote_again {
    REMOTE_ONCE,    /* never */
    REMOTE_IF_BUSY, /* where the server says that it did nothing */
    REMOTE_ALWAYS,  /* also where the connection broke, because doing it twice does nothing more */
};

struct remote_request {
    enum remote_method method;
    struct bytes target;   /* path and query, as remote_parameter() writes them */
    const char *body_type; /* a media type; NULL: no body */
    struct bytes body;
    enum remote_again again;
    /* Takes the body of a success as it comes; NULL: it is gathered. Anything but TALLY_OK ends the
     * request, which then gives that status. */
    tally_status (*take)(void *context, struct bytes bytes, struct tally_error *error);
    void *context;
};

/* Appends to a target: a segment of the path, a parameter; percent-encoded. */
void remote_segment(struct buffer *target, const char *segment);
void remote_parameter(struct buffer *target, const char *name, struct bytes value);

/* Sends a request. TALLY_OK with the body of a success appended to `body_out` (NULL where it is
 * taken); else what `take` gave or refusal_out->error.status, which says why. */
TALLY_MUST_CHECK tally_status remote_ask(struct remote *remote,
                                         const struct remote_request *request,
                                         struct buffer *body_out, struct refusal *refusal_out);

/* A GET of a target. */
TALLY_MUST_CHECK tally_status remote_get(struct remote *remote, const struct buffer *target,
                                         struct buffer *body_out, struct refusal *refusal_out);

/* Says what a refusal means and returns the exit status for it. That something is not there is said
 * of the trail: who asks for an entry looks for that answer first. */
int remote_fail(const struct remote *remote, const struct refusal *refusal);

#endif
