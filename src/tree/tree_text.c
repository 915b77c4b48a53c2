/*
 * tree_text.c - the common ground of notes, checkpoints and tlog-proof files.
 *
 * All of them are UTF-8 lines in which a value has one spelling: decimals without leading zeros,
 * base64 with padding and no stray bits. A text is read from a view that shrinks from the front and
 * written to a buffer that remembers when it was too small, so that a writer asks once, at the end.
 */
#include "tree_text.h"

#include "base64.h"
#include "utf8.h"

void
text_put(struct text_out *out, struct bytes bytes)
{
    if (out->overflow || bytes.size > out->capacity - out->size) {
        out->overflow = true;
        return;
    }
    if (bytes.size > 0)
        memcpy(out->data + out->size, bytes.data, bytes.size);
    out->size += bytes.size;
}

void
text_put_decimal(struct text_out *out, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text_put(out, bytes_of(digits + at, sizeof digits - at));
}

void
text_put_base64(struct text_out *out, struct bytes bytes)
{
    size_t size = BASE64_SIZE(bytes.size);
    if (out->overflow || size > out->capacity - out->size) {
        out->overflow = true;
        return;
    }
    base64_encode(bytes.data, bytes.size, out->data + out->size);
    out->size += size;
}

bool
text_take_line(struct bytes *rest, struct bytes *line_out)
{
    const uint8_t *newline = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    if (newline == NULL)
        return false;
    size_t size = (size_t)(newline - rest->data);
    *line_out = bytes_of(rest->data, size);
    *rest = bytes_of(newline + 1, rest->size - size - 1);
    return true;
}

bool
text_take_prefix(struct bytes *rest, struct bytes prefix)
{
    if (rest->size < prefix.size || !bytes_equal(bytes_of(rest->data, prefix.size), prefix))
        return false;
    *rest = bytes_of(rest->data + prefix.size, rest->size - prefix.size);
    return true;
}

bool
text_decimal(struct bytes text, uint64_t *value_out)
{
    /* 2^63 - 1 has 19 digits, and 19 digits fit 64 bits. */
    if (text.size == 0 || text.size > 19 || (text.size > 1 && text.data[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    if (value > INT64_MAX)
        return false;
    *value_out = value;
    return true;
}

bool
text_hash(struct bytes text, struct tally_hash *hash_out)
{
    struct tally_hash hash;
    size_t size;
    if (!base64_decode(text, hash.bytes, sizeof hash.bytes, &size) || size != sizeof hash.bytes)
        return false;
    *hash_out = hash;
    return true;
}

bool
text_is_base64(struct bytes text)
{
    uint8_t decoded[48];
    size_t size;
    if (text.size == 0)
        return false;
    /* Piece by piece, each a multiple of four characters; padding may stand in the last one only,
     * so every other has to decode to its full length. */
    while (text.size > 64) {
        if (!base64_decode(bytes_of(text.data, 64), decoded, sizeof decoded, &size) ||
            size != sizeof decoded)
            return false;
        text = bytes_of(text.data + 64, text.size - 64);
    }
    return base64_decode(text, decoded, sizeof decoded, &size);
}

bool
text_is_clean(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 && text.data[i] != '\n')
            return false;
    return utf8_valid_size(text) == text.size;
}

bool
text_is_line(struct bytes text)
{
    return text.size > 0 && memchr(text.data, '\n', text.size) == NULL && text_is_clean(text);
}
