/*
 * Words: from one blank, parenthesis or comma to the next, with quoted pieces in them.
 *
 *     user_agent:*"curl 7"*     name user_agent, value `*`, `curl 7`, `*`
 *
 * Quotes may begin anywhere in a word. Inside them the escapes are JSON's (RFC 8259, section 7) and
 * nothing else has a meaning.
 */
#include "filter_parser.h"

#include "json_text.h"
#include "utf8.h"

void
skip_blanks(struct filter_parser *parser)
{
    while (parser->at < parser->text.size && is_blank(parser->text.data[parser->at]))
        parser->at++;
}

static bool
ends_word(uint8_t c, enum word_kind kind)
{
    return is_blank(c) || c == '(' || c == ')' || c == ',' || (c == ':' && kind == WORD_NAME);
}

bool
at_keyword(const struct filter_parser *parser, const char *keyword)
{
    size_t size = strlen(keyword);
    if (parser->text.size - parser->at < size ||
        memcmp(parser->text.data + parser->at, keyword, size) != 0)
        return false;
    size_t end = parser->at + size;
    return end == parser->text.size || ends_word(parser->text.data[end], WORD_VALUE);
}

static void
add_bytes(struct word *word, const uint8_t *bytes, size_t size, size_t offset, bool bare)
{
    for (size_t i = 0; i < size; i++) {
        word->text[word->size] = bytes[i];
        word->marks[word->size++] = (uint16_t)(offset * 2 + bare);
    }
}

/* The length of the escape at `at`, or 0 where it is cut short. Two \u that make one character are
 * one escape. */
static size_t
escape_size(struct bytes text, size_t at)
{
    size_t rest = text.size - at;
    if (rest < 2 || text.data[at + 1] != 'u')
        return rest < 2 ? 0 : 2;
    if (rest < 6)
        return 0;
    bool high = (text.data[at + 2] == 'd' || text.data[at + 2] == 'D') &&
                memchr("89abAB", text.data[at + 3], 6) != NULL;
    return high && rest >= 12 && text.data[at + 6] == '\\' ? 12 : 6;
}

/* Reads from the quote at parser->at to behind the one that closes it. */
static tally_status
read_quoted(struct filter_parser *parser)
{
    struct bytes text = parser->text;
    size_t open = parser->at++;
    while (parser->at < text.size && text.data[parser->at] != '"') {
        size_t at = parser->at;
        if (text.data[at] != '\\') {
            add_bytes(&parser->word, text.data + at, 1, at, false);
            parser->at++;
            continue;
        }
        uint8_t decoded[12];
        size_t taken = escape_size(text, at);
        size_t size =
            taken == 0 ? SIZE_MAX : json_text_decode(bytes_of(text.data + at, taken), decoded);
        if (size == SIZE_MAX)
            return filter_refuse(parser, at,
                                 "this is no escape; inside quotes write \\\" and \\\\ as in JSON");
        add_bytes(&parser->word, decoded, size, at, false);
        parser->at += taken;
    }
    if (parser->at == text.size)
        return filter_refuse(parser, open, "the quote that begins here is not closed");
    parser->at++;
    return TALLY_OK;
}

tally_status
word_read(struct filter_parser *parser, enum word_kind kind)
{
    struct word *word = &parser->word;
    word->size = 0;
    word->start = parser->at;
    while (parser->at < parser->text.size && !ends_word(parser->text.data[parser->at], kind)) {
        if (parser->text.data[parser->at] == '"') {
            tally_status status = read_quoted(parser);
            if (status != TALLY_OK)
                return status;
        } else {
            add_bytes(word, parser->text.data + parser->at, 1, parser->at, true);
            parser->at++;
        }
    }
    word->end = parser->at;
    return TALLY_OK;
}

tally_status
word_take_literal(struct filter_parser *parser, struct bytes value)
{
    if (value.size > FILTER_SIZE_MAX)
        return filter_refuse(parser, FILTER_SIZE_MAX, "a value has at most %d bytes",
                             FILTER_SIZE_MAX);
    size_t valid = utf8_valid_size(value);
    if (valid < value.size)
        return filter_refuse(parser, valid, "this byte is not valid UTF-8");
    parser->word.size = parser->word.start = 0;
    parser->word.end = value.size;
    for (size_t i = 0; i < value.size; i++)
        add_bytes(&parser->word, value.data + i, 1, i, false);
    return TALLY_OK;
}
