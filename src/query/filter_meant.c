/*
 * What a filter was meant to be that is written as in another language. `user=bob`, `status>=500`,
 * `and` and `||` are free text here, and hardly ever on record: who writes them wonders why nothing is
 * found.
 *
 * A word counts if it joins or negates terms elsewhere, or if it is a name, a sign of comparison and a
 * value, and that with a colon is a term. So fields need not be known here.
 */
#include "filter_parser.h"

#include <strings.h>

/* Signs of other languages, and what stands behind the colon here. The longer ones come first. */
static const struct sign {
    const char *text, *here;
    bool negates;
} signs[] = {
    { "==", "", false },   { "!=", "", true }, { "<>", "", true },  { ">=", ">=", false },
    { "<=", "<=", false }, { "=", "", false }, { ">", ">", false }, { "<", "<", false },
};

/* Words of other languages, in lower case, and what joins terms here. */
static const struct joint {
    const char *text, *here;
    bool tight; /* what comes next follows without a blank */
} joints[] = {
    { "and", "", true },   { "&&", "", true },   { "or", "OR", false },
    { "||", "OR", false }, { "not", "-", true }, { "!", "-", true },
};

/* A word taken apart. */
struct comparison {
    struct bytes name, value;
    const struct sign *sign;
};

static bool
is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || c == '_' || c == '.';
}

static bool
take_apart(struct bytes word, struct comparison *out)
{
    size_t at = 0;
    while (at < word.size && is_name(word.data[at]))
        at++;
    for (size_t i = 0; at > 0 && i < sizeof signs / sizeof *signs; i++) {
        size_t size = strlen(signs[i].text);
        if (word.size - at > size && memcmp(word.data + at, signs[i].text, size) == 0) {
            *out = (struct comparison){ bytes_of(word.data, at),
                                        bytes_of(word.data + at + size, word.size - at - size),
                                        &signs[i] };
            return true;
        }
    }
    return false;
}

/* Appends the term, if it is one. */
static bool
put_term(const struct comparison *comparison, struct bytes name, bool negated,
         const struct filter_options *options, struct buffer *out)
{
    struct buffer term = { 0 };
    struct filter *filter = NULL;
    if (negated != comparison->sign->negates)
        buffer_byte(&term, '-');
    buffer_bytes(&term, name);
    buffer_format(&term, ":%s", comparison->sign->here);
    buffer_bytes(&term, comparison->value);
    bool good = filter_parse(buffer_view(&term), options, &filter, NULL) == TALLY_OK;
    if (good)
        buffer_bytes(out, buffer_view(&term));
    filter_destroy(filter);
    buffer_free(&term);
    return good;
}

/* A status that is a number is the field status_code. */
static bool
put_meant(struct bytes word, bool negated, const struct filter_options *options, struct buffer *out)
{
    struct comparison comparison;
    if (!take_apart(word, &comparison))
        return false;
    return put_term(&comparison, comparison.name, negated, options, out) ||
           (bytes_is(comparison.name, "status") &&
            put_term(&comparison, bytes_text("status_code"), negated, options, out));
}

/* Appends what joins terms here, if the word just read does elsewhere. */
static bool
put_joint(struct filter_parser *parser, struct bytes word, struct buffer *out)
{
    for (size_t i = 0; i < sizeof joints / sizeof *joints; i++) {
        if (word.size != strlen(joints[i].text) ||
            strncasecmp((const char *)word.data, joints[i].text, word.size) != 0)
            continue;
        buffer_text(out, joints[i].here);
        if (joints[i].tight)
            skip_blanks(parser);
        return true;
    }
    return false;
}

bool
filter_meant(struct bytes text, const struct filter_options *options, struct buffer *out)
{
    struct filter_parser parser = { .text = text, .options = options };
    bool any = false;
    if (text.size > FILTER_SIZE_MAX)
        return false;
    while (parser.at < text.size) {
        size_t start = parser.at;
        bool negated = text.data[start] == '-';
        bool listed = start > 0 && text.data[start - 1] == ','; /* a value */
        parser.at += negated;
        if (word_read(&parser, WORD_VALUE) != TALLY_OK)
            return false;
        struct bytes word = bytes_of(text.data + parser.word.start, parser.at - parser.word.start);
        if (!listed && ((!negated && put_joint(&parser, word, out)) ||
                        put_meant(word, negated, options, out))) {
            any = true;
            continue;
        }
        if (parser.at == start)
            parser.at++; /* what sets words apart */
        buffer_append(out, text.data + start, parser.at - start);
    }
    return any && out->size > 0;
}
