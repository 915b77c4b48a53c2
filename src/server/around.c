#include "around.h"

static const uint8_t shared_fields[] = {
    FIELD_REQUEST_ID, FIELD_CORRELATION_ID, FIELD_TRACE_ID, FIELD_SESSION_ID, FIELD_USER_ID,
};

/* In quotes nothing has a meaning but a quote and a backslash. */
static void
put_quoted(struct bytes value, struct buffer *out)
{
    buffer_byte(out, '"');
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            buffer_byte(out, '\\');
        buffer_byte(out, value.data[i]);
    }
    buffer_byte(out, '"');
}

void
around_filter(const struct bytes values[FIELD_COUNT], struct buffer *out)
{
    const char *before = "";
    for (size_t i = 0; i < sizeof shared_fields; i++) {
        struct bytes value = values[shared_fields[i]];
        if (value.data == NULL || value.size == 0)
            continue;
        buffer_text(out, before);
        buffer_bytes(out, fields[shared_fields[i]].name);
        buffer_byte(out, ':');
        put_quoted(value, out);
        before = " OR ";
    }
}

struct around_share
around_share(size_t limit)
{
    size_t before = limit / 2;
    return (struct around_share){ before, limit - 1 - before };
}
