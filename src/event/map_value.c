/*
 * The values of a map: paths, patterns, tests and what is made of them. One function stands for one
 * line of the grammar in map_parse.c.
 */
#include "map_function.h"
#include "map_parser.h"

static bool
at_keyword(const struct map_parser *parser)
{
    static const char *const keywords[] = { "choose", "if", "is", "not", "or" };
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        if (map_parser_at_word(parser, keywords[i]))
            return true;
    }
    return false;
}

/* ---- paths ---- */

/* The name at the beginning of `rest`, which is not empty, into *name_out; *size_out is how much it
 * takes. The lexer has seen to the quotes. */
static bool
read_name(struct map_parser *parser, struct bytes rest, struct bytes *name_out, size_t *size_out)
{
    if (rest.data[0] == '"') {
        size_t end = map_lexer_quoted(rest, 0);
        *size_out = end + 1;
        return map_parser_unquote(parser, bytes_of(rest.data + 1, end - 1), name_out);
    }
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '.') {
        if (rest.data[size] == '*') {
            map_parser_refuse(parser, "a path has no wildcards");
            return false;
        }
        size++;
    }
    *size_out = size;
    *name_out = bytes_of(rest.data, size);
    return true;
}

/* Adds the names of `rest` to a path that has room for them. */
static bool
read_names(struct map_parser *parser, struct bytes rest, struct map_path *path)
{
    for (;;) {
        size_t size = 0;
        if (rest.size > 0 && !read_name(parser, rest, &path->names[path->count], &size))
            return false;
        if (size == 0) {
            map_parser_refuse(parser, "a name is missing in the path");
            return false;
        }
        path->count++;
        if (size == rest.size)
            return true;
        if (rest.data[size] != '.') {
            map_parser_refuse(parser, "a point is missing behind a quoted name");
            return false;
        }
        rest = bytes_of(rest.data + size + 1, rest.size - size - 1);
    }
}

bool
map_parse_path(struct map_parser *parser, struct map_path *path_out)
{
    if (!map_parser_at(parser, TOKEN_WORD) || at_keyword(parser)) {
        map_parser_refuse_token(parser, "a path (a member named like a keyword is written .if)");
        return false;
    }
    if (map_name_here(parser)) {
        map_parser_refuse(parser, "a path begins with no $; a member named so is written .$x");
        return false;
    }
    struct bytes spelled = parser->lexer.spelled;
    if (spelled.data[0] == '.')
        spelled = bytes_of(spelled.data + 1, spelled.size - 1);

    size_t names_max = 1;
    for (size_t i = 0; i < spelled.size; i++)
        names_max += spelled.data[i] == '.';
    struct map_path path = { .names = map_parser_take(parser, names_max * sizeof *path.names) };
    if (path.names == NULL || !read_names(parser, spelled, &path))
        return false;
    map_parser_next(parser);
    *path_out = path;
    return true;
}

static struct map_part *
new_part(struct map_parser *parser, enum map_kind kind)
{
    struct map_part *part = map_parser_take(parser, sizeof *part);
    if (part != NULL)
        part->kind = kind;
    return part;
}

/* A path or a named value. */
static struct map_part *
parse_path_or_named(struct map_parser *parser)
{
    if (map_name_here(parser))
        return map_name_use(parser);
    struct map_part *path = new_part(parser, MAP_PATH);
    return path != NULL && map_parse_path(parser, &path->path) ? path : NULL;
}

/* ---- patterns and tests ---- */

static struct map_pattern *
parse_pattern(struct map_parser *parser)
{
    bool word = map_parser_at(parser, TOKEN_WORD);
    if (!word && !map_parser_at(parser, TOKEN_STRING)) {
        map_parser_refuse_token(parser, "a text to compare with");
        return NULL;
    }
    struct map_pattern *pattern = map_parser_take(parser, sizeof *pattern);
    if (pattern == NULL || !map_parser_unquote(parser, parser->lexer.spelled, &pattern->text))
        return NULL;
    pattern->wild = word && memchr(pattern->text.data, '*', pattern->text.size) != NULL;
    map_parser_next(parser);
    return pattern;
}

struct map_pattern *
map_parse_patterns(struct map_parser *parser)
{
    struct map_pattern *first = parse_pattern(parser);
    struct map_pattern *last = first;
    while (last != NULL && map_parser_at(parser, TOKEN_COMMA)) {
        map_parser_next(parser);
        last->next = parse_pattern(parser);
        last = last->next;
    }
    return last == NULL ? NULL : first;
}

static struct map_test *
parse_test(struct map_parser *parser)
{
    struct map_test *test = map_parser_take(parser, sizeof *test);
    if (test == NULL)
        return NULL;
    bool absent = map_parser_take_word(parser, "not");
    test->negated = absent;
    test->value = parse_path_or_named(parser);
    if (test->value == NULL)
        return NULL;
    if (absent || !map_parser_take_word(parser, "is"))
        return test;
    test->negated = map_parser_take_word(parser, "not");
    test->patterns = map_parse_patterns(parser);
    return test->patterns == NULL ? NULL : test;
}

struct map_test *
map_parse_tests(struct map_parser *parser)
{
    struct map_test *first = parse_test(parser);
    struct map_test *last = first;
    while (last != NULL && map_parser_take_word(parser, "or")) {
        last->next = parse_test(parser);
        last = last->next;
    }
    return last == NULL ? NULL : first;
}

/* ---- values ---- */

static struct map_part *parse_value(struct map_parser *parser);

/* One part, or a part of `kind` around several that `separator` stands between. */
static struct map_part *
parse_series(struct map_parser *parser, enum map_token separator, enum map_kind kind,
             struct map_part *(*parse)(struct map_parser *parser))
{
    struct map_part *first = parse(parser);
    if (first == NULL || !map_parser_at(parser, separator))
        return first;

    struct map_part *series = new_part(parser, kind);
    if (series == NULL)
        return NULL;
    series->parts = first;
    for (struct map_part *last = first; map_parser_at(parser, separator); last = last->next) {
        map_parser_next(parser);
        last->next = parse(parser);
        if (last->next == NULL)
            return NULL;
    }
    return series;
}

static struct map_part *
parse_joined(struct map_parser *parser)
{
    return parse_series(parser, TOKEN_PLUS, MAP_JOIN, parse_value);
}

static struct map_part *
parse_choice(struct map_parser *parser)
{
    struct map_part *value = parse_joined(parser);
    if (value == NULL || parser->in_argument || !map_parser_take_word(parser, "if"))
        return value;
    struct map_part *when = new_part(parser, MAP_WHEN);
    if (when == NULL)
        return NULL;
    when->parts = value;
    when->tests = map_parse_tests(parser);
    return when->tests == NULL ? NULL : when;
}

struct map_part *
map_parse_first(struct map_parser *parser)
{
    return parse_series(parser, TOKEN_BAR, MAP_FIRST, parse_choice);
}

static struct map_row *
parse_row(struct map_parser *parser)
{
    struct map_row *row = map_parser_take(parser, sizeof *row);
    if (row == NULL)
        return NULL;
    row->patterns = map_parse_patterns(parser);
    if (row->patterns == NULL || !map_parser_expect(parser, TOKEN_ARROW, "->"))
        return NULL;
    row->value = parse_joined(parser);
    return row->value == NULL ? NULL : row;
}

/* Behind the word `choose`. */
static struct map_part *
parse_choose(struct map_parser *parser)
{
    struct map_part *choose = new_part(parser, MAP_CHOOSE);
    if (choose == NULL)
        return NULL;
    choose->parts = parse_joined(parser);
    if (choose->parts == NULL)
        return NULL;

    struct map_row **end = &choose->rows;
    do {
        *end = parse_row(parser);
        if (*end == NULL)
            return NULL;
        end = &(*end)->next;
    } while (map_parser_at(parser, TOKEN_STRING) ||
             (map_parser_at(parser, TOKEN_WORD) && !at_keyword(parser)));
    return choose;
}

/* The values in brackets behind a function's name; NULL after refusing. */
static struct map_part *
parse_arguments(struct map_parser *parser, size_t *count_out)
{
    struct map_part *first = NULL;
    struct map_part **end = &first;
    size_t count = 0;
    do {
        map_parser_next(parser);
        *end = map_parse_first(parser);
        if (*end == NULL)
            return NULL;
        end = &(*end)->next;
        count++;
    } while (map_parser_at(parser, TOKEN_COMMA));
    *count_out = count;
    return first;
}

static struct map_part *
parse_call(struct map_parser *parser)
{
    struct map_part *call = new_part(parser, MAP_CALL);
    if (call == NULL)
        return NULL;
    call->function = map_function_find(parser->lexer.spelled);
    if (call->function == NULL) {
        map_parser_refuse(parser, "there is no such function; there are %s", map_function_names);
        return NULL;
    }

    bool before = parser->in_argument;
    size_t count = 0;
    parser->in_argument = true;
    map_parser_next(parser);
    call->parts = parse_arguments(parser, &count);
    parser->in_argument = before;
    if (call->parts == NULL)
        return NULL;
    if (map_parser_at(parser, TOKEN_CLOSE) && count != call->function->arguments) {
        map_parser_refuse(parser, "it takes %zu values: %s", call->function->arguments,
                          call->function->usage);
        return NULL;
    }
    return map_parser_expect(parser, TOKEN_CLOSE, ")") ? call : NULL;
}

static struct map_part *
parse_brackets(struct map_parser *parser)
{
    bool before = parser->in_argument;
    parser->in_argument = false;
    map_parser_next(parser);
    struct map_part *inside = map_parse_first(parser);
    parser->in_argument = before;
    return inside != NULL && map_parser_expect(parser, TOKEN_CLOSE, ")") ? inside : NULL;
}

static struct map_part *
parse_string(struct map_parser *parser)
{
    struct map_part *text = new_part(parser, MAP_TEXT);
    if (text == NULL || !map_parser_unquote(parser, parser->lexer.spelled, &text->text))
        return NULL;
    map_parser_next(parser);
    return text;
}

/* A path, a named value or a call: which one shows behind the word. */
static struct map_part *
parse_word(struct map_parser *parser)
{
    struct map_lexer behind = parser->lexer;
    map_lexer_next(&behind);
    if (behind.token == TOKEN_OPEN)
        return parse_call(parser);
    return parse_path_or_named(parser);
}

static struct map_part *
parse_value(struct map_parser *parser)
{
    if (parser->depth == MAP_DEPTH_MAX) {
        map_parser_refuse(parser, "brackets are nested deeper than %d", MAP_DEPTH_MAX);
        return NULL;
    }
    struct map_part *value = NULL;
    parser->depth++;
    if (map_parser_at(parser, TOKEN_STRING))
        value = parse_string(parser);
    else if (map_parser_at(parser, TOKEN_OPEN))
        value = parse_brackets(parser);
    else if (map_parser_take_word(parser, "choose"))
        value = parse_choose(parser);
    else if (map_parser_at(parser, TOKEN_WORD) && !at_keyword(parser))
        value = parse_word(parser);
    else
        map_parser_refuse_token(parser, "a value");
    parser->depth--;
    return value;
}
