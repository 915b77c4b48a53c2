#include "reply.h"

#include <stdio.h>
#include <strings.h>

/* Digits at `from`, at least one. */
static bool
read_digits(struct bytes text, size_t from, uint64_t *number_out)
{
    uint64_t number = 0;
    size_t at = from;
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && at - from < 18; at++)
        number = number * 10 + (uint64_t)(text.data[at] - '0');
    if (at == from)
        return false;
    *number_out = number;
    return true;
}

/* The Content-Length among the lines of `head`, which ends with an empty one. */
static bool
find_length(struct bytes head, uint64_t *length_out)
{
    static const char name[] = "\r\nContent-Length: ";
    for (size_t at = 0; at + sizeof name - 1 <= head.size; at++)
        if (head.data[at] == '\r' &&
            strncasecmp((const char *)head.data + at, name, sizeof name - 1) == 0)
            return read_digits(head, at + sizeof name - 1, length_out);
    return false;
}

enum reply_state
reply_read(struct bytes text, struct reply *reply_out)
{
    static const char version[] = "HTTP/1.1 ";
    const uint8_t *end = text.size == 0 ? NULL : memmem(text.data, text.size, "\r\n\r\n", 4);
    if (end == NULL)
        return REPLY_PARTIAL;
    struct bytes head = bytes_of(text.data, (size_t)(end - text.data) + 4);
    uint64_t status;
    uint64_t length = 0;
    if (memcmp(head.data, version, head.size < 9 ? head.size : 9) != 0 ||
        !read_digits(head, sizeof version - 1, &status) || status > 999)
        return REPLY_BROKEN;
    /* 204 has no body and no length (RFC 9110, section 8.6). */
    if (status != 204 && !find_length(head, &length))
        return REPLY_BROKEN;
    reply_out->size = head.size + length;
    if (text.size < reply_out->size)
        return REPLY_PARTIAL;
    reply_out->status = (unsigned)status;
    reply_out->body = bytes_of(text.data + head.size, length);
    return REPLY_WHOLE;
}

bool
reply_number(struct bytes body, const char *name, uint64_t *number_out)
{
    char member[64];
    int size = snprintf(member, sizeof member, "\"%s\":", name);
    const uint8_t *at = body.size == 0 ? NULL : memmem(body.data, body.size, member, (size_t)size);
    return at != NULL && read_digits(body, (size_t)(at - body.data) + (size_t)size, number_out);
}
