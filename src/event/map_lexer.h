/*
 * map_lexer.h - the tokens of the map language.
 *
 * A statement begins in the first column and goes on over lines that begin with a blank; `#` behind
 * a blank or at the beginning of a line makes the rest of it a comment.
 */
#ifndef MAP_LEXER_H
#define MAP_LEXER_H

#include "bytes.h"

enum map_token {
    TOKEN_END,   /* of the text */
    TOKEN_BREAK, /* of a statement */
    TOKEN_WORD,  /* a path, a name, a pattern, a keyword */
    TOKEN_STRING,
    TOKEN_EQUALS,
    TOKEN_BAR,
    TOKEN_PLUS,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_ARROW,
    TOKEN_WRONG, /* see `trouble` */
};

struct map_lexer {
    struct bytes text;
    size_t at; /* behind the current token */
    uint64_t line;
    size_t line_start;
    enum map_token token;
    struct bytes spelled; /* the current token; a string without its quotes, escapes undone not */
    uint64_t token_line;
    uint32_t token_column; /* 1-based, in bytes */
    const char *trouble;
};

/* Stands before the first token; call map_lexer_next to get it. */
void map_lexer_init(struct map_lexer *lexer, struct bytes text);

void map_lexer_next(struct map_lexer *lexer);

/* True if the current token is this word. */
bool map_lexer_at_word(const struct map_lexer *lexer, const char *word);

/* The end of a quoted text that begins with the quote at text[at]: the offset of its closing quote,
 * or 0 where the line ends first or a backslash stands before anything but " \ n r t. */
size_t map_lexer_quoted(struct bytes text, size_t at);

#endif
