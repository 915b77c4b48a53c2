/*
 * framing.h - whether a request's message framing means one thing only (RFC 9112, section 6).
 *
 * What reads a connection may be more lenient than the proxy before it; two that disagree about
 * where a request ends can be made to disagree about whose it is. So before a body is read, what
 * libmicrohttpd lets through is refused here: more than one length, a list of lengths, a length
 * that is not plain digits, a length together with a transfer coding, a coding other than one
 * "chunked", control characters or blanks in names, control characters in values, a target that
 * does not begin with '/', a method that is no token, a version other than 1.0 and 1.1, a transfer
 * coding in HTTP/1.0, more than one Host, none in HTTP/1.1 or one that is no host; and NUL and
 * folded lines, which are not seen in what it gives out, but in where that stands. Pure.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include "header.h"
#include "tally/status.h"

#define FRAMING_HEADERS_MAX 100

struct framing {
    struct bytes method;
    struct bytes target;
    struct bytes version; /* "HTTP/1.1" */
    size_t header_count;
    const struct header *headers;
    /* Where the target was read from and where the head ends, in the memory that method, version
     * and headers point into; NULL: they stand anywhere. */
    const uint8_t *target_place, *end;
};

/* What the framing says of the body. */
struct framing_body {
    bool chunked;
    bool sized;    /* there is a Content-Length */
    uint64_t size; /* it */
};

/* TALLY_OK, or TALLY_INVALID with a sentence that never quotes a value. */
TALLY_MUST_CHECK tally_status framing_check(const struct framing *framing,
                                            struct framing_body *body_out,
                                            struct tally_error *error);

#endif
