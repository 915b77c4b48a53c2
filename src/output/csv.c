#include "csv.h"

#include "escape.h"
#include "utf8.h"

/* Unicode's White_Space without tab, CR and LF (those count as beginning a formula), and the
 * invisible characters that a reader may skip as if they were blanks. */
static bool
is_blank(uint32_t c)
{
    switch (c) {
    case 0x00:
    case 0x0b:
    case 0x0c:
    case ' ':
    case 0x85:
    case 0xa0:
    case 0x1680:
    case 0x180e:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x2060:
    case 0x3000:
    case 0xfeff:
        return true;
    default:
        return c >= 0x2000 && c <= 0x200f;
    }
}

static bool
begins_formula(uint32_t c)
{
    switch (c) {
    case '=':
    case '+':
    case '-':
    case '@':
    case '\t':
    case '\r':
    case '\n':
    case 0xff1d: /* full-width = */
    case 0xff0b: /* + */
    case 0xff0d: /* - */
    case 0xff20: /* @ */
        return true;
    default:
        return false;
    }
}

static bool
is_formula(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        uint32_t c;
        size_t size = utf8_decode(bytes_of(text.data + at, text.size - at), &c);
        if (size == 0)
            return false;
        if (!is_blank(c))
            return begins_formula(c);
        at += size;
    }
    return false;
}

static bool
needs_quotes(struct bytes text)
{
    if (text.size == 0)
        return true;
    if (text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return true;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == ',' || c == '"' || c == '\r' || c == '\n')
            return true;
    }
    return false;
}

static void
write_cell(struct bytes text, bool guarded, struct buffer *out)
{
    if (!needs_quotes(text)) {
        if (guarded)
            buffer_byte(out, '\'');
        buffer_bytes(out, text);
        return;
    }
    buffer_byte(out, '"');
    if (guarded)
        buffer_byte(out, '\'');
    while (text.size > 0) {
        const uint8_t *quote = memchr(text.data, '"', text.size);
        size_t size = quote == NULL ? text.size : (size_t)(quote - text.data) + 1;
        buffer_append(out, text.data, size);
        if (quote != NULL)
            buffer_byte(out, '"');
        text = bytes_of(text.data + size, text.size - size);
    }
    buffer_byte(out, '"');
}

void
csv_cell(struct bytes text, unsigned ways, struct buffer *out)
{
    if (text.data == NULL)
        return;

    /* Judged by the text itself: an escape that is shown hides nothing from the guard. */
    bool guarded = (ways & CSV_GUARD) != 0 && is_formula(text);
    if ((ways & CSV_SHOW) == 0) {
        write_cell(text, guarded, out);
        return;
    }
    struct buffer shown = { 0 };
    escape_text(text, &shown);
    write_cell(buffer_view(&shown), guarded, out);
    out->failed |= shown.failed;
    buffer_free(&shown);
}

void
csv_comma(struct buffer *out)
{
    buffer_byte(out, ',');
}

void
csv_end_row(struct buffer *out)
{
    buffer_text(out, "\r\n");
}
