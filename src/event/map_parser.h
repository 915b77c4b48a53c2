/*
 * map_parser.h - what the functions that read a map share. Internal to map_parse.c, map_value.c,
 * map_name.c and map_parser.c.
 *
 * A function that reads something and fails has said why and returns NULL or false; its caller
 * returns at once. What is built hangs on the map from the first byte on, so that map_destroy is
 * the only way to clean up.
 */
#ifndef MAP_PARSER_H
#define MAP_PARSER_H

#include "map_lexer.h"
#include "map_tree.h"

/* `$name = value` */
struct map_name {
    struct map_name *next;
    struct bytes spelled; /* with the $ */
    uint64_t line;        /* where it is defined */
    struct map_part *value;
    unsigned parts; /* what the value counts as */
    bool used;
};

struct map_parser {
    struct map *map;
    struct map_lexer lexer;
    size_t consumed; /* the end of the last token taken */
    struct map_name *names;
    unsigned parts;
    unsigned depth;
    bool in_argument; /* where `if` may not stand, because commas end arguments */
    tally_status status;
    struct tally_error *error;
};

/* Refuses the current token. */
__attribute__((format(printf, 2, 3))) void map_parser_refuse(struct map_parser *parser,
                                                             const char *format, ...);

/* Says what should stand in the current token's place. */
void map_parser_refuse_token(struct map_parser *parser, const char *wanted);

/* Zeroed memory that goes with the map; NULL after refusing. */
void *map_parser_take(struct map_parser *parser, size_t size);

void map_parser_next(struct map_parser *parser);
bool map_parser_at(const struct map_parser *parser, enum map_token token);
bool map_parser_at_word(const struct map_parser *parser, const char *word);

/* Takes a keyword if it stands there. */
bool map_parser_take_word(struct map_parser *parser, const char *word);

/* Takes a token, or refuses what stands in its place. */
bool map_parser_expect(struct map_parser *parser, enum map_token token, const char *wanted);

/* The text of what stands between quotes: without the backslashes, with the map's life. */
bool map_parser_unquote(struct map_parser *parser, struct bytes quoted, struct bytes *text_out);

/* map_value.c: the grammar's `first`, `tests` and `path`, and a list of patterns. */
struct map_part *map_parse_first(struct map_parser *parser);
struct map_test *map_parse_tests(struct map_parser *parser);
struct map_pattern *map_parse_patterns(struct map_parser *parser);
bool map_parse_path(struct map_parser *parser, struct map_path *path_out);

/* map_name.c: whether the current token begins with $; `$name = value`; a value's copy in the place
 * of `$name`; refuses a name that nothing uses. */
bool map_name_here(const struct map_parser *parser);
bool map_name_define(struct map_parser *parser);
struct map_part *map_name_use(struct map_parser *parser);
bool map_name_all_used(struct map_parser *parser);

#endif
