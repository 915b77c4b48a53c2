/*
 * wire.h - a server as libcurl reaches it: which URL or socket, with which key, trusting whom.
 *
 * Everything is decided here before anything is sent. No redirect is followed and no proxy sees
 * plain HTTP. A key goes over TLS, over a unix socket, or in the clear to this machine itself; to
 * another one only where that is asked for. No signals are used. One thread at a time.
 */
#ifndef WIRE_H
#define WIRE_H

#include "bytes.h"
#include "tally/status.h"

#include <curl/curl.h>

/* Whether `where` names a server (http://, https://, unix:) and not a folder. */
bool wire_is_server(const char *where);

/* Whether it looks like a server's address and lacks what makes it one: HOST:PORT, or a scheme that
 * is another or is not followed by "://". A folder may have such a name. */
bool wire_is_nearly_server(const char *where);

/* The path of a unix socket that `where` names, or NULL. */
const char *wire_socket(const char *where);

/* What the options are called where they are given: messages name them. */
struct wire_words {
    const char *key, *ca_file, *insecure_http;
    const char *agent; /* who asks, as in "tally/1.0" */
};

struct wire_options {
    const struct wire_words *words;
    const char *where;
    const char *key;     /* NULL: none */
    const char *ca_file; /* NULL: the system's */
    bool insecure_http;  /* the key may go over plain HTTP to another machine */
};

struct wire {
    const struct wire_words *words; /* lent */
    CURL *curl;
    char *base; /* the URL without slashes at its end; of a socket http://localhost */
    struct curl_slist *headers; /* of every request; the key is among them */
    bool secure;                /* TLS, or a socket */
    bool loopback_only;         /* a key in the clear: to this machine and no other */
    bool socket;
    bool ca_given;
    char reason[CURL_ERROR_SIZE]; /* libcurl's words for the last failure */
};

/* TALLY_INVALID says what is wrong with which option. The caller closes it. */
TALLY_MUST_CHECK tally_status wire_open(const struct wire_options *options, struct wire *wire_out,
                                        struct tally_error *error);
void wire_close(struct wire *wire); /* zeroed is allowed */

/* May a request go out over the connection to this peer? A name that looks local may lead
 * elsewhere. To be asked by CURLOPT_PREREQFUNCTION. */
bool wire_peer_allowed(const struct wire *wire, const char *peer_address);

/* Why a transfer failed: TALLY_IO or TALLY_NO_MEMORY, returned. */
tally_status wire_fault(const struct wire *wire, CURLcode code, struct tally_error *error);

#endif
