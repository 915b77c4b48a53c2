/*
 * bytes.h - a borrowed run of bytes, and integers written by hand in little-endian order.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view. Whoever hands one out says how long it lasts. `data` may be NULL when `size` is 0. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/* A view of a string literal, without its NUL; also usable as an initialiser of static tables. */
#define BYTES(literal)                                  \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }

static inline struct bytes
bytes_of(const void *data, size_t size)
{
    return (struct bytes){ (const uint8_t *)data, size };
}

static inline struct bytes
bytes_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

/* Bytewise order, a prefix first: negative, 0 or positive. */
static inline int
bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

/* Without the blanks that it begins and ends with; which bytes are blanks, each grammar says
 * itself. */
static inline struct bytes
bytes_trim(struct bytes text, bool (*is_blank)(uint8_t byte))
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = bytes_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* printf's "%.*s" pair. */
#define BYTES_ARG(b) (int)(b).size, (const char *)(b).data

static inline void
put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void
put_u32(uint8_t *to, uint32_t value)
{
    put_u16(to, (uint16_t)value);
    put_u16(to + 2, (uint16_t)(value >> 16));
}

static inline void
put_u64(uint8_t *to, uint64_t value)
{
    put_u32(to, (uint32_t)value);
    put_u32(to + 4, (uint32_t)(value >> 32));
}

static inline uint16_t
get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t
get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static inline uint64_t
get_u64(const uint8_t *from)
{
    return (uint64_t)get_u32(from) | (uint64_t)get_u32(from + 4) << 32;
}

/* The last `size` bytes before `end`, 0 to 8, as get_u64() reads them with zeros behind; where there
 * are fewer than eight, they are read twice rather than one by one. */
static inline uint64_t
get_some(const uint8_t *end, size_t size)
{
    if (size >= 8)
        return get_u64(end - 8);
    if (size >= 4)
        return get_u32(end - size) | (uint64_t)get_u32(end - 4) << 8 * (size - 4);
    if (size == 0)
        return 0;
    const uint8_t *at = end - size;
    return at[0] | (uint64_t)at[size / 2] << 8 * (size / 2) | (uint64_t)end[-1] << 8 * (size - 1);
}

/* Most of what is compared is short: names, codes, ids. */
static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return false;
    if (a.size > 16)
        return memcmp(a.data, b.data, a.size) == 0;
    if (a.size < 8)
        return a.size == 0 ||
               get_some(a.data + a.size, a.size) == get_some(b.data + b.size, b.size);
    return get_u64(a.data) == get_u64(b.data) &&
           get_u64(a.data + a.size - 8) == get_u64(b.data + b.size - 8);
}

static inline bool
bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

#endif
