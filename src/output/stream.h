/*
 * stream.h - where written rows go: a buffer that is handed on when it is full.
 *
 * Encoders append to `buffer` and call stream_commit() after each row. Whoever made the stream
 * decides where the bytes go: a file descriptor, an HTTP answer, a test's buffer. Memory stays at
 * about STREAM_FLUSH_SIZE and one row, whatever is written in all.
 */
#ifndef STREAM_H
#define STREAM_H

#include "buffer.h"
#include "tally/status.h"

#define STREAM_FLUSH_SIZE (64 * 1024)

struct stream {
    struct buffer buffer;
    /* Takes all of `bytes` or gives a fault, which ends the writing. */
    tally_status (*write)(void *context, struct bytes bytes, struct tally_error *error);
    void *context;
    uint64_t handed_on; /* bytes that `write` has taken */
};

/* Bytes that were written in all, whether handed on yet or not. */
static inline uint64_t
stream_written(const struct stream *stream)
{
    return stream->handed_on + stream->buffer.size;
}

/* Hands the buffer on if it is large enough to be worth it. TALLY_NO_MEMORY where appending failed,
 * else what `write` gives. */
TALLY_MUST_CHECK tally_status stream_commit(struct stream *stream, struct tally_error *error);

/* Hands on whatever there is. */
TALLY_MUST_CHECK tally_status stream_flush(struct stream *stream, struct tally_error *error);

/* A stream whose bytes are appended to `body`. */
struct stream stream_into(struct buffer *body);

/* Frees the buffer; what was not flushed is dropped. */
void stream_finish(struct stream *stream);

#endif
