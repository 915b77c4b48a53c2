/*
 * buffer.h - bytes that grow at the end.
 *
 * Appending never returns a status: a buffer that cannot grow keeps what it has, drops everything
 * appended afterwards and stays `failed` until cleared. Write a whole message, then ask once with
 * buffer_failed(). A zeroed struct is an empty buffer; buffer_free() makes it one again.
 */
#ifndef BUFFER_H
#define BUFFER_H

#include "bytes.h"

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool failed;
};

/* Room for `size` more bytes at the end: its address, lent until the next call, or NULL when memory
 * is short (then failed). The caller writes there and adds to `size` what it wrote. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);

void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_byte(struct buffer *buffer, uint8_t byte);
void buffer_u16(struct buffer *buffer, uint16_t value);
void buffer_u32(struct buffer *buffer, uint32_t value);
void buffer_u64(struct buffer *buffer, uint64_t value);
void buffer_decimal(struct buffer *buffer, uint64_t value);
void buffer_zeros(struct buffer *buffer, size_t size);
__attribute__((format(printf, 2, 3))) void buffer_format(struct buffer *buffer, const char *format,
                                                         ...);

/* Empties the buffer and keeps its memory; also forgets that it failed. */
void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

static inline bool
buffer_failed(const struct buffer *buffer)
{
    return buffer->failed;
}

/* All of it; lent until the buffer changes. */
static inline struct bytes
buffer_view(const struct buffer *buffer)
{
    return (struct bytes){ buffer->data, buffer->size };
}

#endif
