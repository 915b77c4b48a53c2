#include "stream.h"

#include "fault.h"

tally_status
stream_flush(struct stream *stream, struct tally_error *error)
{
    if (buffer_failed(&stream->buffer))
        return memory_fault(error);
    if (stream->buffer.size == 0)
        return TALLY_OK;

    tally_status status = stream->write(stream->context, buffer_view(&stream->buffer), error);
    if (status == TALLY_OK)
        stream->handed_on += stream->buffer.size;
    buffer_clear(&stream->buffer);
    return status;
}

tally_status
stream_commit(struct stream *stream, struct tally_error *error)
{
    if (stream->buffer.size < STREAM_FLUSH_SIZE && !buffer_failed(&stream->buffer))
        return TALLY_OK;
    return stream_flush(stream, error);
}

void
stream_finish(struct stream *stream)
{
    buffer_free(&stream->buffer);
}

static tally_status
append(void *context, struct bytes bytes, struct tally_error *error)
{
    struct buffer *body = context;
    buffer_bytes(body, bytes);
    return buffer_failed(body) ? memory_fault(error) : TALLY_OK;
}

struct stream
stream_into(struct buffer *body)
{
    return (struct stream){ .write = append, .context = body };
}
