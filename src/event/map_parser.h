/*
 * map_parser.h - what the functions that read a map share. Internal to map_parse.c, map_value.c and
 * map_parser.c.
 *
 * A function that reads something and fails has said why and returns NULL or false; its caller
 * returns at once. What is built hangs on the map from the first byte on, so that map_destroy is
 * the only way to clean up.
 */
#ifndef MAP_PARSER_H
#define MAP_PARSER_H

#include "map_lexer.h"
#include "map_tree.h"

struct map_parser {
    struct map *map;
    struct map_lexer lexer;
    size_t consumed; /* the end of the last token taken */
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

#endif
