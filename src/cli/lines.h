/*
 * lines.h - cut what a server streams into its lines, of JSON or others, one after another.
 *
 * Memory is that of the longest line. A line that is no JSON, too long, or not ended when the
 * stream ends is a fault: nobody takes a part for the whole.
 */
#ifndef LINES_H
#define LINES_H

#include "reply.h"

#define LINES_SIZE_MAX ((size_t)64 << 20)

struct lines {
    /* Takes one line, read; its text is reply->tape.text. Anything but TALLY_OK ends the stream. */
    tally_status (*line)(void *context, struct reply *reply, struct tally_error *error);
    /* Takes one line as it came instead, without its end; NULL: they are JSON, for `line`. */
    tally_status (*text)(void *context, struct bytes line, struct tally_error *error);
    void *context;
    struct buffer rest; /* of a line that has not ended yet */
    struct reply reply;
};

/* A struct remote_request's `take`; the context is a struct lines with `line` or `text` and
 * `context` set, the others zeroed. */
TALLY_MUST_CHECK tally_status lines_take(void *lines, struct bytes bytes,
                                         struct tally_error *error);

/* The stream has ended well; TALLY_IO where its last line has not. */
TALLY_MUST_CHECK tally_status lines_end(const struct lines *lines, struct tally_error *error);

void lines_finish(struct lines *lines);

#endif
