/*
 * map_lexer.c - a map's text as tokens, one at a time.
 *
 * A statement ends where a line begins in its first column: that is a token of its own, found while
 * blanks are passed over. A word takes whatever names, paths and patterns are made of; which of
 * them it is, the parser knows.
 */
#include "map_lexer.h"

#include "ascii.h"

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What a word is made of: names, paths and patterns, in any script. */
static bool
is_word(uint8_t c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c >= 0x80 ||
           (c != '\0' && strchr("_@$#*.:/-", c) != NULL);
}

void
map_lexer_init(struct map_lexer *lexer, struct bytes text)
{
    *lexer = (struct map_lexer){ .text = text, .line = 1, .token_line = 1, .token_column = 1 };
}

bool
map_lexer_at_word(const struct map_lexer *lexer, const char *word)
{
    return lexer->token == TOKEN_WORD && bytes_is(lexer->spelled, word);
}

size_t
map_lexer_quoted(struct bytes text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '\n'; at++) {
        if (text.data[at] == '"')
            return at;
        if (text.data[at] != '\\')
            continue;
        at++;
        if (at == text.size || memchr("\"\\nrt", text.data[at], 5) == NULL)
            return 0;
    }
    return 0;
}

/* Passes over blanks, comments and line ends. True where a statement ended on the way: then the
 * next byte is the first of a line and no blank. */
static bool
skip_blanks(struct map_lexer *lexer)
{
    bool fresh = lexer->at == 0;
    while (lexer->at < lexer->text.size) {
        uint8_t c = lexer->text.data[lexer->at];
        if (c == '#') {
            while (lexer->at < lexer->text.size && lexer->text.data[lexer->at] != '\n')
                lexer->at++;
        } else if (c == '\n') {
            lexer->at++;
            lexer->line++;
            lexer->line_start = lexer->at;
        } else if (is_blank(c)) {
            lexer->at++;
        } else {
            break;
        }
    }
    return !fresh && lexer->at == lexer->line_start && lexer->at < lexer->text.size;
}

/* A word from `at` on, with quoted names behind its points: annotations."x.io/y". */
static enum map_token
take_word(struct map_lexer *lexer)
{
    struct bytes text = lexer->text;
    while (lexer->at < text.size) {
        uint8_t c = text.data[lexer->at];
        bool arrow = c == '-' && lexer->at + 1 < text.size && text.data[lexer->at + 1] == '>';
        if (arrow || !is_word(c))
            break;
        lexer->at++;
        if (c != '.' || lexer->at == text.size || text.data[lexer->at] != '"')
            continue;
        size_t end = map_lexer_quoted(text, lexer->at);
        if (end == 0) {
            lexer->trouble =
                "a quoted name has no end on its line, or a \\ stands before something "
                "else than \" \\ n r t";
            return TOKEN_WRONG;
        }
        lexer->at = end + 1;
    }
    return TOKEN_WORD;
}

static enum map_token
take_string(struct map_lexer *lexer)
{
    size_t end = map_lexer_quoted(lexer->text, lexer->at);
    if (end == 0) {
        lexer->trouble = "a text in quotes has no end on its line, or a \\ stands before something "
                         "else than \" \\ n r t";
        return TOKEN_WRONG;
    }
    lexer->spelled = bytes_of(lexer->text.data + lexer->at + 1, end - lexer->at - 1);
    lexer->at = end + 1;
    return TOKEN_STRING;
}

static enum map_token
take_sign(struct map_lexer *lexer, uint8_t c)
{
    lexer->at++;
    switch (c) {
    case '=':
        return TOKEN_EQUALS;
    case '|':
        return TOKEN_BAR;
    case '+':
        return TOKEN_PLUS;
    case '(':
        return TOKEN_OPEN;
    case ')':
        return TOKEN_CLOSE;
    case ',':
        return TOKEN_COMMA;
    default:
        lexer->trouble = "this character has no meaning here; put texts in quotes";
        return TOKEN_WRONG;
    }
}

void
map_lexer_next(struct map_lexer *lexer)
{
    struct bytes text = lexer->text;
    bool ended = lexer->token != TOKEN_BREAK && skip_blanks(lexer);
    size_t begin = lexer->at;
    lexer->token_line = lexer->line;
    lexer->token_column = (uint32_t)(begin - lexer->line_start) + 1;

    uint8_t c = begin < text.size ? text.data[begin] : '\0';
    if (begin == text.size) {
        lexer->token = TOKEN_END;
    } else if (ended) {
        lexer->token = TOKEN_BREAK;
    } else if (c == '"') {
        lexer->token = take_string(lexer);
        return;
    } else if (c == '-' && begin + 1 < text.size && text.data[begin + 1] == '>') {
        lexer->at += 2;
        lexer->token = TOKEN_ARROW;
    } else {
        lexer->token = is_word(c) ? take_word(lexer) : take_sign(lexer, c);
    }
    lexer->spelled = bytes_of(text.data + begin, lexer->at - begin);
}
