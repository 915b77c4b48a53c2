/*
 * The functions of the map language.
 *
 * Each looks at texts only. Times that count from 1970 become RFC 3339 here, because a number does
 * not say its unit and a map does.
 */
#include "map_function.h"

#include "ascii.h"
#include "clock.h"

const char map_function_names[] =
    "after, before, email, last, lower, snake, unix, unix_ms, unix_us, unix_ns";

static bool
is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static uint8_t
to_lower(uint8_t c)
{
    return is_upper(c) ? (uint8_t)(c + ('a' - 'A')) : c;
}

static size_t
copy(struct bytes text, uint8_t *out)
{
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    return text.size;
}

static size_t
call_lower(const struct bytes *arguments, uint8_t *out)
{
    for (size_t i = 0; i < arguments[0].size; i++)
        out[i] = to_lower(arguments[0].data[i]);
    return arguments[0].size;
}

/* Whether a word begins at an upper case letter: "consoleLogin" before L, "EC2Instance" before I,
 * "SAMLUser" before U, not inside "SAML". */
static bool
begins_word(struct bytes text, size_t at)
{
    if (at == 0 || !is_upper(text.data[at]))
        return false;
    uint8_t before = text.data[at - 1];
    if (is_lower(before) || ascii_is_digit(before))
        return true;
    return is_upper(before) && at + 1 < text.size && is_lower(text.data[at + 1]);
}

/* "ConsoleLogin", "console login" and "Console-Login" give "console_login". Bytes beyond ASCII are
 * letters. */
static size_t
call_snake(const struct bytes *arguments, uint8_t *out)
{
    struct bytes text = arguments[0];
    size_t size = 0;
    bool gap = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!is_upper(c) && !is_lower(c) && !ascii_is_digit(c) && c < 0x80) {
            gap = true;
            continue;
        }
        if ((gap || begins_word(text, i)) && size > 0)
            out[size++] = '_';
        out[size++] = to_lower(c);
        gap = false;
    }
    return size;
}

/* Where `part` stands in `text` first, or text.size. */
static size_t
find(struct bytes text, struct bytes part)
{
    const uint8_t *at = part.size == 0 ? NULL : memmem(text.data, text.size, part.data, part.size);
    return at == NULL ? text.size : (size_t)(at - text.data);
}

static size_t
call_before(const struct bytes *arguments, uint8_t *out)
{
    size_t at = find(arguments[0], arguments[1]);
    return at == arguments[0].size ? 0 : copy(bytes_of(arguments[0].data, at), out);
}

static size_t
call_after(const struct bytes *arguments, uint8_t *out)
{
    struct bytes text = arguments[0];
    size_t at = find(text, arguments[1]);
    if (at == text.size)
        return 0;
    at += arguments[1].size;
    return copy(bytes_of(text.data + at, text.size - at), out);
}

static size_t
call_last(const struct bytes *arguments, uint8_t *out)
{
    struct bytes text = arguments[0];
    for (;;) {
        size_t at = find(text, arguments[1]);
        if (at == text.size)
            return copy(text, out);
        at += arguments[1].size;
        text = bytes_of(text.data + at, text.size - at);
    }
}

/* Cautious: one @ with something before it and a dot behind it, and nothing that stands in URIs,
 * resource names or between blanks. */
static size_t
call_email(const struct bytes *arguments, uint8_t *out)
{
    struct bytes text = arguments[0];
    size_t at = find(text, bytes_text("@"));
    if (at == 0 || at == text.size)
        return 0;
    bool dot = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c <= ' ' || c == 0x7f || strchr("@:/\\<>\"(),;", c) != NULL) {
            if (i != at)
                return 0;
        }
        dot |= c == '.' && i > at + 1 && i + 1 < text.size;
    }
    return dot ? copy(text, out) : 0;
}

/* A count of units of 10^-digits seconds since 1970. Nineteen digits fit an uint64_t. */
static size_t
format_count(struct bytes text, unsigned digits, uint8_t *out)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t begin = negative ? 1 : 0;
    uint64_t count = 0;
    if (text.size == begin || text.size - begin > 19)
        return 0;
    for (size_t i = begin; i < text.size; i++) {
        if (!ascii_is_digit(text.data[i]))
            return 0;
        count = count * 10 + (text.data[i] - '0');
    }

    int64_t unit = CLOCK_SECOND;
    for (unsigned i = 0; i < digits; i++)
        unit /= 10;
    if (count > (uint64_t)(INT64_MAX / unit))
        return 0;
    int64_t instant = (int64_t)count * unit;
    return instant_format(negative ? -instant : instant, digits, (char *)out);
}

/* The same, often with a fraction; its digits are kept, up to nine behind the second's point. */
static size_t
format_fraction(struct bytes text, unsigned digits, uint8_t *out)
{
    size_t point = find(text, bytes_text("."));
    struct bytes whole = bytes_of(text.data, point);
    if (point == text.size)
        return format_count(whole, digits, out);

    struct bytes fraction = bytes_of(text.data + point + 1, text.size - point - 1);
    if (fraction.size == 0 || point == 0 || point > 20 || !ascii_is_digit(text.data[point - 1]))
        return 0;
    for (size_t i = 0; i < fraction.size; i++) {
        if (!ascii_is_digit(fraction.data[i]))
            return 0;
    }
    if (fraction.size > 9 - digits)
        fraction.size = 9 - digits;
    uint8_t joined[20 + 9];
    size_t size = copy(whole, joined);
    size += copy(fraction, joined + size);
    return format_count(bytes_of(joined, size), digits + (unsigned)fraction.size, out);
}

static size_t
call_unix(const struct bytes *arguments, uint8_t *out)
{
    return format_fraction(arguments[0], 0, out);
}

static size_t
call_unix_ms(const struct bytes *arguments, uint8_t *out)
{
    return format_fraction(arguments[0], 3, out);
}

static size_t
call_unix_us(const struct bytes *arguments, uint8_t *out)
{
    return format_fraction(arguments[0], 6, out);
}

static size_t
call_unix_ns(const struct bytes *arguments, uint8_t *out)
{
    return format_fraction(arguments[0], 9, out);
}

static const struct map_function functions[] = {
    { "after", "after(value, text)", 2, false, call_after },
    { "before", "before(value, text)", 2, false, call_before },
    { "email", "email(value)", 1, false, call_email },
    { "last", "last(value, text)", 2, false, call_last },
    { "lower", "lower(value)", 1, false, call_lower },
    { "snake", "snake(value)", 1, false, call_snake },
    { "unix", "unix(value)", 1, true, call_unix },
    { "unix_ms", "unix_ms(value)", 1, true, call_unix_ms },
    { "unix_us", "unix_us(value)", 1, true, call_unix_us },
    { "unix_ns", "unix_ns(value)", 1, true, call_unix_ns },
};

const struct map_function *
map_function_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (bytes_is(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}
