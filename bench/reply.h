/*
 * reply.h - just enough of an HTTP/1.1 response to know that it is whole, and what it says (RFC
 * 9112, section 4): for answers of a server that is measured, not for any other's.
 *
 * Pure. Only bodies with a Content-Length are read.
 */
#ifndef REPLY_H
#define REPLY_H

#include "bytes.h"

enum reply_state {
    REPLY_PARTIAL, /* read on */
    REPLY_WHOLE,
    REPLY_BROKEN, /* no HTTP, or a body without a length */
};

struct reply {
    unsigned status;
    size_t size; /* of head and body */
    struct bytes body;
};

/* Reads what has come so far. Of *reply_out, `size` is set as soon as the head is there, so that
 * the caller can make room; the others where the answer is REPLY_WHOLE. */
enum reply_state reply_read(struct bytes text, struct reply *reply_out);

/* The number behind "NAME": in an object of JSON, the first there is; false where there is none. */
bool reply_number(struct bytes body, const char *name, uint64_t *number_out);

#endif
