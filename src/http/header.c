#include "header.h"

#include <strings.h>

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct bytes
header_trim(struct bytes value)
{
    while (value.size > 0 && is_blank(value.data[0]))
        value = bytes_of(value.data + 1, value.size - 1);
    while (value.size > 0 && is_blank(value.data[value.size - 1]))
        value.size--;
    return value;
}

bool
header_is_word(struct bytes value, const char *word)
{
    return value.size == strlen(word) &&
           strncasecmp((const char *)value.data, word, value.size) == 0;
}

bool
header_cut(struct bytes *rest, uint8_t separator, struct bytes *piece_out)
{
    if (rest->data == NULL)
        return false;
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    struct bytes piece = *rest;
    *rest = (struct bytes){ 0 };
    if (end != NULL) {
        size_t size = (size_t)(end - piece.data);
        *rest = bytes_of(end + 1, piece.size - size - 1);
        piece.size = size;
    }
    *piece_out = header_trim(piece);
    return true;
}
