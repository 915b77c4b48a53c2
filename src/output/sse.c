#include "sse.h"

#include "fault.h"
#include "json.h"

#include <stdlib.h>

struct sse {
    struct stream *stream;
    struct stream row; /* what the rows are written to; it hands on to the other */
    struct entries *entries;
};

/* The inner stream's write. */
static tally_status
append_row(void *context, struct bytes bytes, struct tally_error *error)
{
    struct sse *sse = context;
    buffer_bytes(&sse->stream->buffer, bytes);
    return buffer_failed(&sse->stream->buffer) ? memory_fault(error) : TALLY_OK;
}

tally_status
sse_create(struct stream *stream, struct sse **sse_out, struct tally_error *error)
{
    const struct listing_style style = { 0 };
    struct sse *sse = calloc(1, sizeof *sse);
    if (sse == NULL)
        return memory_fault(error);
    sse->stream = stream;
    sse->row = (struct stream){ .write = append_row, .context = sse };
    tally_status status = entries_create(LISTING_NDJSON, &style, &sse->row, &sse->entries, error);
    if (status != TALLY_OK) {
        free(sse);
        return status;
    }
    *sse_out = sse;
    return TALLY_OK;
}

void
sse_destroy(struct sse *sse)
{
    if (sse == NULL)
        return;
    entries_destroy(sse->entries);
    stream_finish(&sse->row);
    free(sse);
}

tally_status
sse_entry(struct sse *sse, const struct run_entry *entry, struct tally_error *error)
{
    struct buffer *out = &sse->stream->buffer;
    buffer_text(out, "id: ");
    buffer_decimal(out, entry->index);
    buffer_text(out, "\ndata: ");
    tally_status status = entries_row(sse->entries, entry, error);
    if (status == TALLY_OK)
        status = stream_flush(&sse->row, error);
    if (status != TALLY_OK)
        return status;
    buffer_byte(out, '\n'); /* the row has its line's end */
    return stream_commit(sse->stream, error);
}

void
sse_retry(struct buffer *out, uint64_t ms)
{
    buffer_text(out, "retry: ");
    buffer_decimal(out, ms);
    buffer_text(out, "\n\n");
}

void
sse_position(struct buffer *out, uint64_t index)
{
    buffer_text(out, "id: ");
    buffer_decimal(out, index);
    buffer_text(out, "\n\n");
}

void
sse_comment(struct buffer *out)
{
    buffer_text(out, ": nothing new for a while\n\n");
}

void
sse_event(struct buffer *out, const char *name, struct bytes detail)
{
    buffer_format(out, "event: %s\ndata: {\"detail\":", name);
    json_write_string(detail, out);
    buffer_text(out, "}\n\n");
}

enum sse_line
sse_read_line(struct bytes line, struct bytes *value_out)
{
    static const struct {
        const char *name;
        enum sse_line kind;
    } names[] = { { "id", SSE_ID }, { "data", SSE_DATA }, { "event", SSE_EVENT } };

    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (line.size == 0)
        return SSE_END;
    const uint8_t *colon = memchr(line.data, ':', line.size);
    size_t size = colon == NULL ? line.size : (size_t)(colon - line.data);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!bytes_is(bytes_of(line.data, size), names[i].name))
            continue;
        size_t begin = colon == NULL ? size : size + 1;
        begin += begin < line.size && line.data[begin] == ' ';
        *value_out = bytes_of(line.data + begin, line.size - begin);
        return names[i].kind;
    }
    return SSE_OTHER;
}
