/*
 * Reading a map.
 *
 * The language, in full (docs/maps.md explains it):
 *
 *     map        = { statement }
 *     statement  = field "=" first
 *                | named "=" first
 *                | "copy" "record" [ "except" name { "," name } ]
 *                | "none" pattern { "," pattern }
 *                | "within" path { "," path }
 *                | "pairs" name name { "," name name }
 *                | "records" path { "," path }
 *                | "require" tests
 *                | "skip" "if" tests
 *     first      = choice { "|" choice }
 *     choice     = joined [ "if" tests ]
 *     joined     = value { "+" value }
 *     value      = string | path | named | "(" first ")"
 *                | function "(" argument { "," argument } ")"
 *                | "choose" joined row { row }
 *     argument   = joined { "|" joined }
 *     row        = pattern { "," pattern } "->" joined
 *     tests      = test { "or" test }
 *     test       = [ "not" ] ( path | named ) [ "is" [ "not" ] pattern { "," pattern } ]
 *     path       = name { "." name }              a name with a blank or a point is quoted
 *     named      = "$" and a name, which is defined above
 *     pattern    = word | string                  in a word, * stands for any characters
 *
 * One function stands for one line of it; values are read in map_value.c, names in map_name.c.
 */
#include "fault.h"
#include "map_parser.h"
#include "utf8.h"
#include "uuid.h"

#include <stdlib.h>

static bool
parse_rule(struct map_parser *parser)
{
    struct bytes name = parser->lexer.spelled;
    enum field_id field = field_find(name);
    struct map_part **rule = field < FIELD_COUNT ? &parser->map->rules[field] : NULL;

    if (field == FIELD_DETAILS)
        map_parser_refuse(parser, "details always holds the whole record");
    else if (field_reserved(name))
        map_parser_refuse(parser, "%.*s is set by Tallystick itself", BYTES_ARG(name));
    else if (rule == NULL)
        map_parser_refuse(parser, "an event has no such field; what has none is kept in details");
    else if (*rule != NULL)
        map_parser_refuse(parser, "%.*s has a rule already; join them with |", BYTES_ARG(name));
    else {
        map_parser_next(parser);
        map_parser_next(parser);
        *rule = map_parse_first(parser);
    }
    return parser->status == TALLY_OK;
}

/* Behind the word `copy`. */
static bool
parse_copy(struct map_parser *parser)
{
    struct map *map = parser->map;
    if (!map_parser_take_word(parser, "record")) {
        map_parser_refuse_token(parser, "\"record\"");
        return false;
    }
    map->copies = true;
    if (!map_parser_take_word(parser, "except"))
        return true;
    map->except = map_parse_patterns(parser);
    return map->except != NULL;
}

/* Behind the word `none`. */
static bool
parse_none(struct map_parser *parser)
{
    struct map_pattern **end = &parser->map->none;
    while (*end != NULL)
        end = &(*end)->next;
    *end = map_parse_patterns(parser);
    return *end != NULL;
}

/* Behind the word `within`: adds to the map's list. */
static bool
parse_within(struct map_parser *parser)
{
    struct map_path **end = &parser->map->within;
    size_t count = 0;
    for (; *end != NULL; count++)
        end = &(*end)->next;
    for (;; count++) {
        if (count == MAP_PLACES_MAX) {
            map_parser_refuse(parser, "there are more than %d paths behind within", MAP_PLACES_MAX);
            return false;
        }
        struct map_path *path = map_parser_take(parser, sizeof *path);
        if (path == NULL || !map_parse_path(parser, path))
            return false;
        *end = path;
        end = &path->next;
        if (!map_parser_at(parser, TOKEN_COMMA))
            return true;
        map_parser_next(parser);
    }
}

/* One member's name, a word or in quotes. */
static bool
parse_name(struct map_parser *parser, struct bytes *name_out)
{
    if (!map_parser_at(parser, TOKEN_WORD) && !map_parser_at(parser, TOKEN_STRING)) {
        map_parser_refuse_token(parser, "a member's name");
        return false;
    }
    if (!map_parser_unquote(parser, parser->lexer.spelled, name_out))
        return false;
    map_parser_next(parser);
    return true;
}

/* Behind the word `pairs`: adds to the map's list. */
static bool
parse_pairs(struct map_parser *parser)
{
    struct map_pair **end = &parser->map->pairs;
    while (*end != NULL)
        end = &(*end)->next;
    for (;;) {
        struct map_pair *pair = map_parser_take(parser, sizeof *pair);
        if (pair == NULL || !parse_name(parser, &pair->name) || !parse_name(parser, &pair->value))
            return false;
        *end = pair;
        end = &pair->next;
        if (!map_parser_at(parser, TOKEN_COMMA))
            return true;
        map_parser_next(parser);
    }
}

/* A path of one name or two; one in quotes is a name. */
static bool
parse_list(struct map_parser *parser, struct record_list *list)
{
    struct map_path path;
    if (map_parser_at(parser, TOKEN_STRING))
        return parse_name(parser, &list->name);
    if (!map_parse_path(parser, &path))
        return false;
    if (path.count > 2) {
        map_parser_refuse(parser, "a path behind records has two names at most");
        return false;
    }
    list->name = path.names[path.count - 1];
    if (path.count == 2)
        list->outer = path.names[0];
    return true;
}

/* Behind the word `records`: adds to the map's list. */
static bool
parse_records(struct map_parser *parser)
{
    struct map *map = parser->map;
    for (;;) {
        if (map->list_count == MAP_LISTS_MAX) {
            map_parser_refuse(parser, "there are more than %d paths behind records", MAP_LISTS_MAX);
            return false;
        }
        if (!parse_list(parser, &map->lists[map->list_count]))
            return false;
        map->list_count++;
        if (!map_parser_at(parser, TOKEN_COMMA))
            return true;
        map_parser_next(parser);
    }
}

/* Behind `require` or `skip if`: adds to a list of demands. */
static bool
parse_demand(struct map_parser *parser, struct map_demand **end)
{
    struct map_demand *demand = map_parser_take(parser, sizeof *demand);
    if (demand == NULL)
        return false;
    const uint8_t *from = parser->lexer.spelled.data;
    demand->tests = map_parse_tests(parser);
    if (demand->tests == NULL)
        return false;
    demand->text = bytes_of(from, (size_t)(parser->lexer.text.data + parser->consumed - from));
    while (*end != NULL)
        end = &(*end)->next;
    *end = demand;
    return true;
}

/* Behind the word `skip`. */
static bool
parse_skip(struct map_parser *parser)
{
    if (map_parser_take_word(parser, "if"))
        return parse_demand(parser, &parser->map->skipped);
    map_parser_refuse_token(parser, "\"if\"");
    return false;
}

static bool
parse_statement(struct map_parser *parser)
{
    struct map_lexer behind = parser->lexer;
    map_lexer_next(&behind);
    if (map_parser_at(parser, TOKEN_WORD) && behind.token == TOKEN_EQUALS)
        return map_name_here(parser) ? map_name_define(parser) : parse_rule(parser);
    if (map_parser_take_word(parser, "copy"))
        return parse_copy(parser);
    if (map_parser_take_word(parser, "none"))
        return parse_none(parser);
    if (map_parser_take_word(parser, "within"))
        return parse_within(parser);
    if (map_parser_take_word(parser, "pairs"))
        return parse_pairs(parser);
    if (map_parser_take_word(parser, "records"))
        return parse_records(parser);
    if (map_parser_take_word(parser, "require"))
        return parse_demand(parser, &parser->map->required);
    if (map_parser_take_word(parser, "skip"))
        return parse_skip(parser);

    map_parser_refuse(parser,
                      "a statement is FIELD = VALUE, $NAME = VALUE, require TEST, skip if TEST, "
                      "none TEXT, within PATH, pairs NAME VALUE, records NAME or copy record");
    return false;
}

static bool
parse_statements(struct map_parser *parser)
{
    map_parser_next(parser);
    while (!map_parser_at(parser, TOKEN_END)) {
        if (map_parser_at(parser, TOKEN_BREAK)) {
            map_parser_next(parser);
            continue;
        }
        if (!parse_statement(parser))
            return false;
        if (!map_parser_at(parser, TOKEN_END) && !map_parser_at(parser, TOKEN_BREAK)) {
            map_parser_refuse_token(parser, "| or + or the end of the statement");
            return false;
        }
    }
    const struct map *map = parser->map;
    if (map->copies || map->rules[FIELD_ACTION] != NULL || map->rules[FIELD_EVENT_TYPE] != NULL)
        return map_name_all_used(parser);
    map_parser_refuse(parser, "a rule for action or event_type is missing");
    return false;
}

static bool
name_is_good(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t size = strlen(name);
    return size >= 1 && size <= MAP_NAME_SIZE_MAX && name[0] != '-' &&
           strspn(name, letters) == size;
}

/* Everything but the statements. */
static tally_status
begin(struct map_parser *parser, struct bytes text, const char *name)
{
    struct map *map = parser->map;
    if (!name_is_good(name))
        return fault(parser->error, TALLY_INVALID,
                     "the name of a map is made of a-z, 0-9 and -, at most %d of them",
                     MAP_NAME_SIZE_MAX);
    memcpy(map->name, name, strlen(name));
    if (text.size > MAP_SIZE_MAX)
        return fault(parser->error, TALLY_INVALID, "map %s: it has more than %d bytes", name,
                     MAP_SIZE_MAX);
    if (utf8_valid_size(text) != text.size)
        return fault(parser->error, TALLY_INVALID, "map %s: it is not UTF-8", name);

    uint8_t all_maps[16];
    if (!uuid_parse(bytes_text(MAP_NAMESPACE), all_maps))
        abort();
    uuid_v5(all_maps, bytes_text(name), map->namespace_uuid);

    map->text = malloc(text.size + 1);
    if (map->text == NULL)
        return memory_fault(parser->error);
    memcpy(map->text, text.data, text.size);
    map_lexer_init(&parser->lexer, bytes_of(map->text, text.size));
    return TALLY_OK;
}

tally_status
map_parse(struct bytes text, const char *name, struct map **map_out, struct tally_error *error)
{
    struct map_parser parser = { .map = calloc(1, sizeof *parser.map), .error = error };
    if (parser.map == NULL)
        return memory_fault(error);

    tally_status status = begin(&parser, text, name);
    if (status == TALLY_OK && !parse_statements(&parser))
        status = parser.status;
    if (status != TALLY_OK) {
        map_destroy(parser.map);
        return status;
    }
    *map_out = parser.map;
    return TALLY_OK;
}

void
map_destroy(struct map *map)
{
    if (map == NULL)
        return;
    while (map->blocks != NULL) {
        struct map_block *block = map->blocks;
        map->blocks = block->next;
        free(block);
    }
    free(map->text);
    free(map);
}
