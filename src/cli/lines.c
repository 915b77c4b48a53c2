#include "lines.h"

#include "fault.h"

static tally_status
take_line(struct lines *lines, struct bytes text, struct tally_error *error)
{
    if (lines->text != NULL)
        return lines->text(lines->context, text, error);
    tally_status status = reply_read(&lines->reply, text, error);
    return status == TALLY_OK ? lines->line(lines->context, &lines->reply, error) : status;
}

tally_status
lines_take(void *context, struct bytes bytes, struct tally_error *error)
{
    struct lines *lines = context;
    while (bytes.size > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
        size_t size = end == NULL ? bytes.size : (size_t)(end - bytes.data);
        if (lines->rest.size + size > LINES_SIZE_MAX)
            return fault(error, TALLY_IO, "the answer has a line that is too long");

        struct bytes line = bytes_of(bytes.data, size);
        if (lines->rest.size > 0 || end == NULL) {
            buffer_bytes(&lines->rest, line);
            line = buffer_view(&lines->rest);
        }
        if (buffer_failed(&lines->rest))
            return memory_fault(error);
        if (end == NULL)
            return TALLY_OK;
        tally_status status = take_line(lines, line, error);
        if (status != TALLY_OK)
            return status;
        buffer_clear(&lines->rest);
        bytes = bytes_of(end + 1, bytes.size - size - 1);
    }
    return TALLY_OK;
}

tally_status
lines_end(const struct lines *lines, struct tally_error *error)
{
    if (lines->rest.size == 0)
        return TALLY_OK;
    return fault(error, TALLY_IO, "the answer ends within a line");
}

void
lines_finish(struct lines *lines)
{
    buffer_free(&lines->rest);
    reply_finish(&lines->reply);
}
