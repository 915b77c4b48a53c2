/*
 * Finding secrets by the names before them.
 *
 * Every name stands before a sign, = or :, so only those are looked for, and the name is read from the
 * sign back: nothing that belongs to a name holds a sign, so that each byte is looked at once so. A
 * command's option, `--password x`, has its sign before the name. What stands behind a name is taken
 * rather than left where its end cannot be told.
 */
#include "credential.h"

#include "ascii.h"
#include "field.h"

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool
is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

static bool
is_quote(uint8_t c)
{
    return c == '"' || c == '\'' || c == '`';
}

static bool
is_of_name(uint8_t c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool
surrounds_name(uint8_t c)
{
    return is_quote(c) || c == '[' || c == ']' || c == '\\';
}

/* What ends a word that is in no quotes. */
static bool
ends_word(uint8_t c)
{
    return c <= ' ' || strchr("&;,\"'`)]}", c) != NULL;
}

static size_t
skip_blanks(struct bytes text, size_t at)
{
    while (at < text.size && is_blank(text.data[at]))
        at++;
    return at;
}

static size_t
skip_word(struct bytes text, size_t at)
{
    while (at < text.size && !ends_word(text.data[at]))
        at++;
    return at;
}

static bool
ends_with(struct bytes text, const char *end)
{
    size_t size = strlen(end);
    return text.size >= size &&
           field_same_letters(bytes_of(text.data + text.size - size, size), end);
}

/* A sign, and what stands before it. */
struct sign {
    size_t at;
    struct bytes name; /* may be empty */
    bool quoted;       /* the name is in quotes */
    bool apart;        /* there are blanks between the two */
};

/* Of tokens[0] back over `[0`, whose bracket may be percent-encoded. */
static size_t
skip_index_back(struct bytes text, size_t end)
{
    size_t at = end;
    while (at > 0 && ascii_is_digit(text.data[at - 1]))
        at--;
    if (at > 0 && text.data[at - 1] == '[')
        return at - 1;
    return ends_with(bytes_of(text.data, at), "%5b") ? at - 3 : end;
}

/* Back over the quotes and brackets behind a name, as in user[password]. */
static size_t
skip_surroundings_back(struct bytes text, size_t end, bool *quoted)
{
    for (size_t at = end;; end = at) {
        for (; at > 0 && surrounds_name(text.data[at - 1]); at--)
            *quoted = *quoted || is_quote(text.data[at - 1]);
        while (ends_with(bytes_of(text.data, at), "%5d") ||
               ends_with(bytes_of(text.data, at), "%5b"))
            at -= 3;
        at = skip_index_back(text, at);
        if (at == end)
            return end;
    }
}

/* Of a mark, behind its %: the 5B of `%5Bpin`, and not the ca of `%card_number`. */
static bool
is_escape(const uint8_t *name, size_t size)
{
    return size > 2 && ascii_is_digit(name[0]) && ascii_hex_digit(name[1]) >= 0;
}

static struct sign
read_sign(struct bytes text, size_t at)
{
    struct sign sign = { .at = at };
    size_t end = at;
    while (end > 0 && is_blank(text.data[end - 1]))
        end--;
    sign.apart = end < at;
    end = skip_surroundings_back(text, end, &sign.quoted);
    size_t start = end;
    while (start > 0 && is_of_name(text.data[start - 1]))
        start--;
    if (start > 0 && text.data[start - 1] == '%' && is_escape(text.data + start, end - start))
        start += 2;
    sign.name = bytes_of(text.data + start, end - start);
    return sign;
}

/* From an opening bracket to behind its closing one. */
static size_t
skip_brackets(struct bytes text, size_t at)
{
    unsigned depth = 0;
    for (; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && --depth == 0)
            return at + 1;
    }
    return at;
}

/* The quote that closes a string, from behind the one that opens it: it has as many backslashes before
 * it, for a string within a string has them there, and pairs of its own. SQL doubles it instead.
 * *end_out is before its backslashes. Where there is none, the text's end. */
static size_t
find_closing(struct bytes text, size_t at, uint8_t quote, size_t slashes)
{
    size_t before = 0;
    for (; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c == '\\') {
            before++;
            continue;
        }
        if (c == quote && before % (2 * (slashes + 1)) == slashes) {
            bool doubled = quote == '\'' && at + 1 < text.size && text.data[at + 1] == quote;
            if (!doubled)
                return at - slashes;
            at++;
        }
        before = 0;
    }
    return text.size;
}

/* A string in quotes that begins at `at`, behind a letter or two as Python has them. */
static bool
read_quoted(struct bytes text, size_t at, size_t *start_out, size_t *end_out)
{
    size_t first = at, slashes = 0;
    while (at < text.size && at - first < 2 && ascii_is_letter(text.data[at]))
        at++;
    for (; at < text.size && text.data[at] == '\\'; at++)
        slashes++;
    if (at >= text.size || !is_quote(text.data[at]))
        return false;
    *start_out = at + 1;
    *end_out = find_closing(text, at + 1, text.data[at], slashes);
    return true;
}

/* Of a header the rest of the line, or of the string that it is in. */
static size_t
skip_line(struct bytes text, const struct sign *sign, size_t at)
{
    size_t name = (size_t)(sign->name.data - text.data);
    uint8_t quote = name > 0 && is_quote(text.data[name - 1]) ? text.data[name - 1] : '\n';
    while (at < text.size && text.data[at] != quote && !is_line_end(text.data[at]))
        at++;
    return at;
}

/* A word; of "Bearer x" both. */
static size_t
skip_words(struct bytes text, size_t at)
{
    static const char *const schemes[] = { "bearer", "basic", "token" };
    size_t end = skip_word(text, at);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (field_same_letters(bytes_of(text.data + at, end - at), schemes[i]))
            return skip_word(text, skip_blanks(text, end));
    }
    return end;
}

static bool
says_nothing(struct bytes value)
{
    return value.size == 0 || field_same_letters(value, "null") ||
           field_same_letters(value, "none");
}

/* Where the value begins; false where the sign is not one between a name and its value. */
static bool
find_value(struct bytes text, const struct sign *sign, size_t *at_out)
{
    size_t at = sign->at + 1;
    bool colon = text.data[sign->at] == ':';
    while (at < text.size && (text.data[at] == '=' || text.data[at] == '>'))
        at++;
    size_t first = skip_blanks(text, at);
    while (sign->quoted && first < text.size && text.data[first] <= ' ')
        first++;
    if (colon && !sign->quoted && first == sign->at + 1)
        return false;
    /* `token= user=bob` has no token. */
    *at_out = colon || sign->quoted || sign->apart ? first : at;
    return true;
}

/* Words, or all that is in brackets. */
static bool
read_unquoted(struct bytes text, enum mask_name kind, size_t at, size_t *start_out, size_t *end_out)
{
    uint8_t first = at < text.size ? text.data[at] : 0;
    /* Told before its end is looked for, which may be the text's, once for each sign. */
    if (kind == MASK_NAME_SECRETS && ascii_is_digit(first))
        return false;
    *start_out = at;
    *end_out = first == '[' || first == '{' ? skip_brackets(text, at) : skip_words(text, at);
    return !says_nothing(bytes_of(text.data + at, *end_out - at));
}

static bool
read_named(const struct mask *mask, struct bytes text, const struct sign *sign, size_t *start_out,
           size_t *end_out)
{
    enum mask_name kind = mask_name_kind(mask, sign->name);
    size_t at;
    if (kind == MASK_NAME_PLAIN || !find_value(text, sign, &at))
        return false;
    bool header = text.data[sign->at] == ':' && !sign->quoted &&
                  (ends_with(sign->name, "authorization") || ends_with(sign->name, "cookie"));
    if (read_quoted(text, at, start_out, end_out))
        return *end_out > *start_out;
    if (!header)
        return read_unquoted(text, kind, at, start_out, end_out);
    *start_out = at;
    *end_out = skip_line(text, sign, at);
    return !says_nothing(bytes_of(text.data + at, *end_out - at));
}

/* RFC 3986, section 3.2.1: from the colon of `https:` on. */
static bool
read_url(struct bytes text, size_t at, size_t *start_out, size_t *end_out)
{
    if (text.size - at < 3 || text.data[at + 1] != '/' || text.data[at + 2] != '/')
        return false;
    size_t colon = 0, end = 0;
    for (at += 3; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c <= ' ' || strchr("/?#\"'<>\\`", c) != NULL)
            break;
        if (c == ':' && colon == 0)
            colon = at;
        if (c == '@')
            end = at;
    }
    if (colon == 0 || end <= colon + 1)
        return false;
    *start_out = colon + 1;
    *end_out = end;
    return true;
}

/* Not 0 where one of eight bytes is `c`. */
static uint64_t
has_byte(uint64_t eight, uint8_t c)
{
    uint64_t ones = UINT64_MAX / 0xff;
    uint64_t x = eight ^ (ones * c);
    return (x - ones) & ~x & (ones * 0x80);
}

static bool
is_sign(struct bytes text, size_t at)
{
    uint8_t c = text.data[at];
    return c == '=' || c == ':' || (c == '-' && at + 1 < text.size && text.data[at + 1] == '-');
}

/* The first sign from `at` on, or the text's size. Most texts have none. */
static size_t
skip_signless(struct bytes text, size_t at)
{
    for (; text.size - at >= 8; at += 8) {
        uint64_t eight = get_u64(text.data + at);
        uint64_t dashes = has_byte(eight, '-');
        uint64_t pairs =
            dashes & (dashes >> 8 | UINT64_C(1) << 63); /* the next eight may begin so */
        if ((has_byte(eight, '=') | has_byte(eight, ':') | pairs) == 0)
            continue;
        for (size_t i = at; i < at + 8; i++) {
            if (is_sign(text, i))
                return i;
        }
    }
    while (at < text.size && !is_sign(text, at))
        at++;
    return at;
}

/* Of a command, from the dashes of `--password x` on. */
static bool
read_option(const struct mask *mask, struct bytes text, size_t at, size_t *start_out,
            size_t *end_out)
{
    size_t name = at + 2, end = name;
    if (at > 0 && is_of_name(text.data[at - 1]))
        return false;
    while (end < text.size && is_of_name(text.data[end]))
        end++;
    size_t value = skip_blanks(text, end);
    if (value == end || value == text.size || text.data[value] == '-')
        return false;
    enum mask_name kind = mask_name_kind(mask, bytes_of(text.data + name, end - name));
    if (kind == MASK_NAME_PLAIN)
        return false;
    if ((is_quote(text.data[value]) || text.data[value] == '\\') &&
        read_quoted(text, value, start_out, end_out))
        return *end_out > *start_out;
    return read_unquoted(text, kind, value, start_out, end_out);
}

bool
credential_find(const struct mask *mask, struct bytes text, size_t from, size_t *start_out,
                size_t *end_out)
{
    for (size_t at = from; (at = skip_signless(text, at)) < text.size; at++) {
        if (text.data[at] == ':' && read_url(text, at, start_out, end_out))
            return true;
        if (text.data[at] == '-') {
            if (read_option(mask, text, at, start_out, end_out))
                return true;
            continue;
        }
        struct sign sign = read_sign(text, at);
        size_t start, end;
        if (sign.name.size > 0 && read_named(mask, text, &sign, &start, &end)) {
            *start_out = start;
            *end_out = end;
            return true;
        }
    }
    return false;
}
