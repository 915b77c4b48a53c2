#include "escape.h"

#include "json.h"
#include "utf8.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* Ascending. */
static const struct range escaped[] = {
    { 0x0000, 0x001f },   /* C0 controls */
    { 0x007f, 0x009f },   /* DEL, C1 controls */
    { 0x061c, 0x061c },   /* Arabic letter mark */
    { 0x200b, 0x200b },   /* zero-width space */
    { 0x200e, 0x200f },   /* left-to-right and right-to-left mark */
    { 0x2028, 0x202e },   /* separators; bidirectional embeddings and overrides */
    { 0x2060, 0x206f },   /* word joiner, invisible operators, isolates, deprecated controls */
    { 0xfeff, 0xfeff },   /* zero-width no-break space */
    { 0xfff9, 0xfffb },   /* interlinear annotations */
    { 0xe0000, 0xe007f }, /* tags */
};

bool
escape_needed(uint32_t code_point)
{
    for (size_t i = 0; i < sizeof escaped / sizeof escaped[0]; i++)
        if (code_point <= escaped[i].last)
            return code_point >= escaped[i].first;
    return false;
}

/* How many bytes at the start of `text` need no look at code points: printable ASCII. */
static size_t
plain_size(struct bytes text)
{
    size_t at = 0;
    while (at < text.size && text.data[at] >= 0x20 && text.data[at] < 0x7f)
        at++;
    return at;
}

static void
text_escape(uint32_t code_point, struct buffer *out)
{
    if (code_point == '\n')
        buffer_text(out, "\\n");
    else if (code_point == '\r')
        buffer_text(out, "\\r");
    else if (code_point == '\t')
        buffer_text(out, "\\t");
    else if (code_point <= 0xffff)
        buffer_format(out, "\\u%04x", code_point);
    else
        buffer_format(out, "\\U%08x", code_point);
}

void
escape_text(struct bytes text, struct buffer *out)
{
    while (text.size > 0) {
        size_t plain = plain_size(text);
        buffer_append(out, text.data, plain);
        text = bytes_of(text.data + plain, text.size - plain);
        if (text.size == 0)
            return;

        uint32_t code_point;
        size_t size = utf8_decode(text, &code_point);
        if (size == 0) {
            buffer_format(out, "\\x%02x", text.data[0]);
            size = 1;
        } else if (escape_needed(code_point)) {
            text_escape(code_point, out);
        } else {
            buffer_append(out, text.data, size);
        }
        text = bytes_of(text.data + size, text.size - size);
    }
}

/* RFC 8259, section 7: beyond U+FFFF a pair of surrogates. */
static void
json_escape(uint32_t code_point, struct buffer *out)
{
    if (code_point <= 0xffff) {
        buffer_format(out, "\\u%04x", code_point);
        return;
    }
    uint32_t offset = code_point - 0x10000;
    buffer_format(out, "\\u%04x\\u%04x", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
}

void
escape_json(struct bytes json, struct buffer *out)
{
    size_t done = 0;
    size_t at = 0;
    while (at < json.size) {
        /* ASCII below DEL goes through: control characters among it can only be the blanks between
         * tokens. */
        if (json.data[at] < 0x7f) {
            at++;
            continue;
        }
        uint32_t code_point;
        size_t size = utf8_decode(bytes_of(json.data + at, json.size - at), &code_point);
        if (size == 0) {
            at++;
            continue;
        }
        if (escape_needed(code_point)) {
            buffer_append(out, json.data + done, at - done);
            json_escape(code_point, out);
            done = at + size;
        }
        at += size;
    }
    buffer_append(out, json.data + done, json.size - done);
}

static bool
is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 0x7f)
            return false;
    return true;
}

void
escape_json_string(struct bytes text, struct buffer *out)
{
    if (is_ascii(text)) {
        json_write_string(text, out);
        return;
    }
    struct buffer string = { 0 };
    json_write_string(text, &string);
    escape_json(buffer_view(&string), out);
    out->failed |= string.failed;
    buffer_free(&string);
}
