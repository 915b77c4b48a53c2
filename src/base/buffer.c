#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_MIN 256

/* Makes room for `size` more bytes: at least doubling, so that appending is linear in what is
 * appended. */
static bool
grow(struct buffer *buffer, size_t size)
{
    if (size > SIZE_MAX / 2 - buffer->size)
        goto fail;
    size_t needed = buffer->size + size;
    size_t capacity = buffer->capacity < CAPACITY_MIN ? CAPACITY_MIN : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;

    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        goto fail;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;

fail:
    buffer->failed = true;
    return false;
}

uint8_t *
buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed)
        return NULL;
    if (buffer->data == NULL || size > buffer->capacity - buffer->size) {
        if (!grow(buffer, size))
            return NULL;
    }
    return buffer->data + buffer->size;
}

void
buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *to = buffer_reserve(buffer, size);
    if (to == NULL)
        return;
    memcpy(to, data, size);
    buffer->size += size;
}

void
buffer_bytes(struct buffer *buffer, struct bytes bytes)
{
    buffer_append(buffer, bytes.data, bytes.size);
}

void
buffer_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void
buffer_byte(struct buffer *buffer, uint8_t byte)
{
    buffer_append(buffer, &byte, 1);
}

void
buffer_u16(struct buffer *buffer, uint16_t value)
{
    uint8_t raw[2];
    put_u16(raw, value);
    buffer_append(buffer, raw, sizeof raw);
}

void
buffer_u32(struct buffer *buffer, uint32_t value)
{
    uint8_t raw[4];
    put_u32(raw, value);
    buffer_append(buffer, raw, sizeof raw);
}

void
buffer_u64(struct buffer *buffer, uint64_t value)
{
    uint8_t raw[8];
    put_u64(raw, value);
    buffer_append(buffer, raw, sizeof raw);
}

void
buffer_decimal(struct buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buffer_append(buffer, digits + at, sizeof digits - at);
}

void
buffer_zeros(struct buffer *buffer, size_t size)
{
    uint8_t *to = buffer_reserve(buffer, size);
    if (to == NULL)
        return;
    memset(to, 0, size);
    buffer->size += size;
}

void
buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        buffer->failed = true;
        return;
    }

    /* One more, because vsnprintf ends with a NUL that is not counted in. */
    uint8_t *to = buffer_reserve(buffer, (size_t)size + 1);
    if (to == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf((char *)to, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)size;
}

void
buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

void
buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){ 0 };
}
