/*
 * map_parser.c - what every function that reads a map comes down to: to refuse with a place, to
 * take memory, to take tokens.
 *
 * Every part is a block on the map's list from the beginning, so that who gives up midway just
 * returns. Parts are counted, which bounds memory and time whatever the text.
 */
#include "map_parser.h"

#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Of what stands in the wrong place, as much goes into a message. */
#define SPELLED_SHOWN_MAX 40

void
map_parser_refuse(struct map_parser *parser, const char *format, ...)
{
    char text[sizeof parser->error->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    parser->status = fault(parser->error, TALLY_INVALID, "map %s: %s", parser->map->name, text);
    if (parser->error != NULL) {
        parser->error->line = parser->lexer.token_line;
        parser->error->column = parser->lexer.token_column;
    }
}

void
map_parser_refuse_token(struct map_parser *parser, const char *wanted)
{
    const struct map_lexer *lexer = &parser->lexer;
    int shown =
        lexer->spelled.size > SPELLED_SHOWN_MAX ? SPELLED_SHOWN_MAX : (int)lexer->spelled.size;

    if (lexer->token == TOKEN_WRONG)
        map_parser_refuse(parser, "%s", lexer->trouble);
    else if (lexer->token == TOKEN_END || lexer->token == TOKEN_BREAK)
        map_parser_refuse(parser, "%s is missing at the end of the statement", wanted);
    else
        map_parser_refuse(parser, "%s is missing before %.*s", wanted, shown,
                          (const char *)lexer->spelled.data);
}

void *
map_parser_take(struct map_parser *parser, size_t size)
{
    if (++parser->parts > MAP_PARTS_MAX) {
        map_parser_refuse(parser, "it has more than %d parts; split it into several maps",
                          MAP_PARTS_MAX);
        return NULL;
    }
    struct map_block *block = calloc(1, sizeof *block + size);
    if (block == NULL) {
        parser->status = memory_fault(parser->error);
        return NULL;
    }
    block->next = parser->map->blocks;
    parser->map->blocks = block;
    return block + 1;
}

void
map_parser_next(struct map_parser *parser)
{
    parser->consumed = parser->lexer.at;
    map_lexer_next(&parser->lexer);
}

bool
map_parser_at(const struct map_parser *parser, enum map_token token)
{
    return parser->lexer.token == token;
}

bool
map_parser_at_word(const struct map_parser *parser, const char *word)
{
    return map_lexer_at_word(&parser->lexer, word);
}

bool
map_parser_take_word(struct map_parser *parser, const char *word)
{
    bool there = map_parser_at_word(parser, word);
    if (there)
        map_parser_next(parser);
    return there;
}

bool
map_parser_expect(struct map_parser *parser, enum map_token token, const char *wanted)
{
    if (!map_parser_at(parser, token)) {
        map_parser_refuse_token(parser, wanted);
        return false;
    }
    map_parser_next(parser);
    return true;
}

/* The character that a backslash and `c` stand for. */
static uint8_t
escaped(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

bool
map_parser_unquote(struct map_parser *parser, struct bytes quoted, struct bytes *text_out)
{
    uint8_t *text = map_parser_take(parser, quoted.size + 1);
    if (text == NULL)
        return false;
    size_t size = 0;
    for (size_t i = 0; i < quoted.size; i++) {
        if (quoted.data[i] == '\\')
            text[size++] = escaped(quoted.data[++i]);
        else
            text[size++] = quoted.data[i];
    }
    *text_out = bytes_of(text, size);
    return true;
}
