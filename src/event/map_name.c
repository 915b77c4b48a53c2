/*
 * Names for values: `$number = EventID | event.code` is written once and `$number` wherever that
 * value is wanted.
 *
 * A name is known below its definition only, so no value can contain itself. A use is a copy of the
 * definition's outermost part, whose operands it shares: whoever follows the map meets no names.
 * It counts as all the parts that it stands for, so that MAP_PARTS_MAX bounds the work for a record
 * whatever names stand for other names.
 */
#include "ascii.h"
#include "map_parser.h"

static struct map_name *
find(const struct map_parser *parser, struct bytes spelled)
{
    struct map_name *name = parser->names;
    while (name != NULL && !bytes_equal(name->spelled, spelled))
        name = name->next;
    return name;
}

static bool
is_good(struct bytes spelled)
{
    for (size_t i = 1; i < spelled.size; i++) {
        uint8_t c = spelled.data[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '_')
            return false;
    }
    return spelled.size > 1;
}

bool
map_name_here(const struct map_parser *parser)
{
    return map_parser_at(parser, TOKEN_WORD) && parser->lexer.spelled.data[0] == '$';
}

bool
map_name_define(struct map_parser *parser)
{
    struct bytes spelled = parser->lexer.spelled;
    const struct map_name *defined = find(parser, spelled);
    if (defined != NULL) {
        map_parser_refuse(parser, "%.*s is defined already, in line %u; join them with |",
                          BYTES_ARG(spelled), (unsigned)defined->line);
        return false;
    }
    if (!is_good(spelled)) {
        map_parser_refuse(parser, "behind $, a name is made of letters, digits and _");
        return false;
    }

    struct map_name *name = map_parser_take(parser, sizeof *name);
    if (name == NULL)
        return false;
    name->spelled = spelled;
    name->line = parser->lexer.token_line;
    map_parser_next(parser);
    map_parser_next(parser);
    unsigned before = parser->parts;
    name->value = map_parse_first(parser);
    name->parts = parser->parts - before;
    name->next = parser->names;
    parser->names = name;
    return name->value != NULL;
}

struct map_part *
map_name_use(struct map_parser *parser)
{
    struct bytes spelled = parser->lexer.spelled;
    struct map_name *name = find(parser, spelled);
    if (name == NULL) {
        map_parser_refuse(parser,
                          "%.*s is not defined above; write %.*s = VALUE there, or .%.*s for a "
                          "member of that name",
                          BYTES_ARG(spelled), BYTES_ARG(spelled), BYTES_ARG(spelled));
        return NULL;
    }
    parser->parts += name->parts;
    struct map_part *use = map_parser_take(parser, sizeof *use);
    if (use == NULL)
        return NULL;
    *use = *name->value;
    name->used = true;
    map_parser_next(parser);
    return use;
}

bool
map_name_all_used(struct map_parser *parser)
{
    const struct map_name *unused = NULL;
    for (const struct map_name *name = parser->names; name != NULL; name = name->next) {
        if (!name->used)
            unused = name;
    }
    if (unused == NULL)
        return true;
    parser->lexer.token_line = unused->line;
    parser->lexer.token_column = 1;
    map_parser_refuse(parser, "%.*s is never used; use it or delete it",
                      BYTES_ARG(unused->spelled));
    return false;
}
