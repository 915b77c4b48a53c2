/*
 * The filter's grammar (docs/api.md, "Filter"), by recursive descent.
 *
 *     filter = [ list ]
 *     list   = item *( blank item )  /  item *( "OR" item )        not both in one list
 *     item   = [ "-" ] ( "(" list ")" / path ":" values / text )
 *
 * Depth is bounded by FILTER_DEPTH_MAX and everything else by the length of the text, so that no
 * filter costs more than a few milliseconds to read.
 */
#include "filter_parser.h"

#include "fault.h"
#include "utf8.h"

static tally_status parse_list(struct filter_parser *parser, unsigned depth,
                               struct filter_node **node_out);

/*
 * Names of fields.
 */

static unsigned
smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool
same_letter(uint8_t a, uint8_t b)
{
    bool letter = (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
    return a == b || (letter && (a | 0x20) == (b | 0x20));
}

/* The least number of letters to add, drop or change that makes one name of the other, in any case.
 */
static unsigned
distance(struct bytes a, struct bytes b)
{
    unsigned row[FIELD_NAME_SIZE_MAX + 2];
    for (unsigned j = 0; j <= b.size; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.size; j++) {
            unsigned change = diagonal + !same_letter(a.data[i - 1], b.data[j - 1]);
            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.size];
}

static tally_status
refuse_field(const struct filter_parser *parser, size_t offset, struct bytes name)
{
    enum field_id nearest = FIELD_COUNT;
    unsigned least = name.size < 3 ? 1 : 3; /* beyond two letters it is another word */
    for (unsigned f = 0; f < FIELD_COUNT && name.size <= 2 * FIELD_NAME_SIZE_MAX; f++) {
        unsigned d = distance(name, fields[f].name);
        if (fields[f].alias != NULL)
            d = smaller(d, distance(name, bytes_text(fields[f].alias)));
        if (d < least && f != FIELD_PRIVATE) {
            least = d;
            nearest = f;
        }
    }
    if (nearest != FIELD_COUNT)
        return filter_refuse(parser, offset, "unknown field '%.*s': did you mean %.*s?",
                             QUOTED_ARG(name), BYTES_ARG(fields[nearest].name));
    return filter_refuse(parser, offset,
                         "unknown field '%.*s'; a member of details is details.%.*s, and a text "
                         "with a colon is quoted",
                         QUOTED_ARG(name), QUOTED_ARG(name));
}

/* The end of the name in a path that begins at `from`: the next bare dot, or the word's end. */
static size_t
name_end(const struct word *word, size_t from)
{
    while (from < word->size && !word_has_bare(word, from, '.'))
        from++;
    return from;
}

/* Reads the names behind the field's, which end at `at`. */
static tally_status
read_path(struct filter_parser *parser, size_t at, struct filter_term *term)
{
    const struct word *word = &parser->word;
    struct bytes *path = filter_take(parser->filter, FILTER_PATH_MAX * sizeof *path);
    if (path == NULL)
        return memory_fault(parser->error);
    while (at < word->size) {
        size_t dot = word->marks[at] / 2u;
        size_t end = name_end(word, at + 1);
        size_t behind = end < word->size ? word->marks[end] / 2u : word->end;
        if (behind == dot + 1)
            return filter_refuse(parser, dot, "a name is missing after this dot");
        if (term->path_count == FILTER_PATH_MAX)
            return filter_refuse(parser, dot, "a path has at most %d names", FILTER_PATH_MAX);
        for (size_t i = at + 1; i < end; i++) {
            if (word_has_bare(word, i, '*'))
                return filter_refuse(parser, word->marks[i] / 2u,
                                     "a path has no wildcards; quote a name that has a *");
        }
        struct bytes name =
            filter_copy(parser->filter, bytes_of(word->text + at + 1, end - at - 1));
        if (name.data == NULL)
            return memory_fault(parser->error);
        path[term->path_count++] = name;
        at = end;
    }
    term->target = TARGET_MEMBER;
    term->path = path;
    return TALLY_OK;
}

/* Names that are no field. */
enum special {
    SPECIAL_NONE,
    SPECIAL_INDEX,
    SPECIAL_RESOURCE,
    SPECIAL_SUCCESS
};

static enum special
find_special(struct bytes name)
{
    if (bytes_is(name, "index"))
        return SPECIAL_INDEX;
    if (bytes_is(name, "resource"))
        return SPECIAL_RESOURCE;
    return bytes_is(name, "success") ? SPECIAL_SUCCESS : SPECIAL_NONE;
}

/* Reads parser->word, which a colon follows, as the name of what is compared. */
static tally_status
read_target(struct filter_parser *parser, struct filter_term *term, enum special *special_out)
{
    const struct word *word = &parser->word;
    size_t end = name_end(word, 0);
    struct bytes name = bytes_of(word->text, end);

    if (word->start == word->end)
        return filter_refuse(parser, word->start, "a field's name is missing before the colon");
    if (parser->text.data[word->start] == '"')
        return filter_refuse(parser, word->start,
                             "a field's name is not quoted; quote a text together with its colon");
    enum special special = find_special(name);
    if (special != SPECIAL_NONE && end < word->size)
        return filter_refuse(parser, word->start, "%.*s has no members", BYTES_ARG(name));
    if (special != SPECIAL_NONE) {
        *term = term_of_field(FIELD_STATUS);
        if (special == SPECIAL_INDEX)
            *term = (struct filter_term){ .target = TARGET_INDEX };
        *special_out = special;
        return TALLY_OK;
    }

    enum field_id field = field_find_alias(name);
    if (field == FIELD_COUNT)
        return refuse_field(parser, word->start, name);
    if (field == FIELD_PRIVATE)
        return filter_refuse(parser, word->start,
                             "private is a commitment: it is not kept in a form to be searched");
    *term = term_of_field(field);
    *special_out = SPECIAL_NONE;
    if (end == word->size)
        return TALLY_OK;
    if (fields[field].type != TYPE_OBJECT)
        return filter_refuse(parser, word->start,
                             "%.*s has no members; details, changes and "
                             "control have",
                             BYTES_ARG(fields[field].name));
    return read_path(parser, end, term);
}

/*
 * Terms.
 */

/* Reads the next value's word; there must be one. `after` names what it stands behind. */
static tally_status
read_value_word(struct filter_parser *parser)
{
    tally_status status = word_read(parser, WORD_VALUE);
    if (status == TALLY_OK && parser->word.start == parser->word.end)
        return filter_refuse(parser, parser->word.start,
                             "a value is missing here; `*` asks for any, \"\" for the empty text");
    return status;
}

/* Moves behind a comma, if one is next. */
static bool
take_comma(struct filter_parser *parser)
{
    if (parser->at >= parser->text.size || parser->text.data[parser->at] != ',')
        return false;
    parser->at++;
    return true;
}

static tally_status
parse_values(struct filter_parser *parser, const struct filter_term *term, enum special special,
             size_t offset, struct filter_node **node_out)
{
    struct value_list list = { 0 };
    do {
        tally_status status = read_value_word(parser);
        if (status == TALLY_OK && special == SPECIAL_SUCCESS)
            status = value_read_success(parser, &list);
        else if (status == TALLY_OK)
            status = value_read_word(parser, term, &list);
        if (status != TALLY_OK)
            return status;
    } while (take_comma(parser));
    return node_term(parser, term, &list, offset, node_out);
}

static tally_status
resource_part(struct filter_parser *parser, enum field_id field, struct slice slice,
              struct filter_node **node_out)
{
    const struct filter_term term = term_of_field(field);
    struct value_list list = { 0 };
    tally_status status = value_read_text(parser, slice, &list);
    if (status != TALLY_OK)
        return status;
    return node_term(parser, &term, &list, slice_offset(slice), node_out);
}

/* TYPE/ID in parser->word becomes resource_type:TYPE resource_id:ID. */
static tally_status
parse_resource(struct filter_parser *parser, struct filter_node **node_out)
{
    const struct word *word = &parser->word;
    const uint8_t *slash = word->size == 0 ? NULL : memchr(word->text, '/', word->size);
    size_t at = slash == NULL ? 0 : (size_t)(slash - word->text);
    if (at == 0 || at + 1 == word->size)
        return filter_refuse(parser, word->start,
                             "resource is TYPE/ID; write resource_type or "
                             "resource_id for one of them");

    struct filter_node *type, *id;
    tally_status status =
        resource_part(parser, FIELD_RESOURCE_TYPE, (struct slice){ word, 0, at }, &type);
    if (status == TALLY_OK)
        status = resource_part(parser, FIELD_RESOURCE_ID,
                               (struct slice){ word, at + 1, word->size }, &id);
    if (status != TALLY_OK)
        return status;
    type->next = id;
    return node_join(parser, FILTER_AND, type, node_out);
}

static tally_status
parse_resources(struct filter_parser *parser, struct filter_node **node_out)
{
    struct filter_node *first = NULL, *last = NULL, *node;
    do {
        tally_status status = read_value_word(parser);
        if (status == TALLY_OK)
            status = parse_resource(parser, &node);
        if (status != TALLY_OK)
            return status;
        if (first == NULL)
            first = node;
        else
            last->next = node;
        last = node;
    } while (take_comma(parser));
    return node_join(parser, FILTER_OR, first, node_out);
}

/* parser->word is free text. */
static tally_status
parse_free_text(struct filter_parser *parser, struct filter_node **node_out)
{
    const struct word *word = &parser->word;
    const struct filter_term term = { .target = TARGET_TEXT };
    struct filter_value value = { .kind = VALUE_TEXT };
    struct value_list list = { 0 };

    tally_status status = pattern_read(parser, word_slice(word), PATTERN_FOLDED, &value.pattern);
    if (status != TALLY_OK)
        return status;
    if (word->size == 0 || value.pattern.count == 0)
        return filter_refuse(parser, word->start,
                             "there is no text to look for; the empty filter matches everything");
    value.pattern.open_start = value.pattern.open_end = true;
    status = value_add(parser, &list, &value, word->start);
    if (status != TALLY_OK)
        return status;
    return node_term(parser, &term, &list, word->start, node_out);
}

static tally_status
parse_term(struct filter_parser *parser, struct filter_node **node_out)
{
    struct filter_term term;
    enum special special;
    size_t offset = parser->at;

    tally_status status = word_read(parser, WORD_NAME);
    if (status != TALLY_OK)
        return status;
    if (parser->at == parser->text.size || parser->text.data[parser->at] != ':') {
        if (parser->word.start == parser->word.end)
            return filter_refuse(parser, offset,
                                 "a comma lists values as in field:a,b; quote it "
                                 "elsewhere");
        return parse_free_text(parser, node_out);
    }
    status = read_target(parser, &term, &special);
    if (status != TALLY_OK)
        return status;
    parser->at++;
    if (special == SPECIAL_RESOURCE)
        return parse_resources(parser, node_out);
    return parse_values(parser, &term, special, offset, node_out);
}

/*
 * Lists.
 */

static tally_status
parse_group(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
{
    size_t open = parser->at++;
    if (depth == FILTER_DEPTH_MAX)
        return filter_refuse(parser, open, "parentheses are nested more than %d deep",
                             FILTER_DEPTH_MAX);
    tally_status status = parse_list(parser, depth + 1, node_out);
    if (status != TALLY_OK)
        return status;
    if (parser->at == parser->text.size)
        return filter_refuse(parser, open, "the parenthesis that begins here is not closed");
    parser->at++;
    if (*node_out == NULL)
        return filter_refuse(parser, open, "there is nothing in these parentheses");
    return TALLY_OK;
}

/* What follows an item must set it apart from the next. */
static tally_status
check_end(const struct filter_parser *parser)
{
    if (parser->at == parser->text.size)
        return TALLY_OK;
    uint8_t c = parser->text.data[parser->at];
    if (is_blank(c) || c == ')')
        return TALLY_OK;
    if (c == ',')
        return filter_refuse(parser, parser->at,
                             "a comma lists values as in field:a,b; quote it elsewhere");
    return filter_refuse(parser, parser->at,
                         "put a blank here, or quote a text that has parentheses");
}

static tally_status
parse_item(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
{
    struct bytes text = parser->text;
    size_t minus = parser->at;
    bool negated = text.data[minus] == '-';
    if (negated) {
        parser->at++;
        if (parser->at == text.size || is_blank(text.data[parser->at]) ||
            text.data[parser->at] == ')' || text.data[parser->at] == '-')
            return filter_refuse(parser, minus,
                                 "a minus stands right before one term or a "
                                 "parenthesis; quote it elsewhere");
    }
    struct filter_node *node;
    tally_status status = text.data[parser->at] == '(' ? parse_group(parser, depth, &node)
                                                       : parse_term(parser, &node);
    if (status == TALLY_OK)
        status = check_end(parser);
    if (status == TALLY_OK && negated)
        status = node_negate(parser, node, &node);
    if (status == TALLY_OK)
        *node_out = node;
    return status;
}

/* The words that other languages have where this one has a sign. */
static tally_status
refuse_keywords(const struct filter_parser *parser)
{
    if (at_keyword(parser, "AND"))
        return filter_refuse(parser, parser->at,
                             "terms side by side mean AND: leave it out, or "
                             "write \"AND\" to look for the word");
    if (at_keyword(parser, "NOT"))
        return filter_refuse(parser, parser->at,
                             "a minus before a term means NOT: -field:value; "
                             "write \"NOT\" to look for the word");
    return TALLY_OK;
}

static tally_status
refuse_mix(const struct filter_parser *parser)
{
    return filter_refuse(parser, parser->at,
                         "AND (a blank) and OR are mixed here: put parentheses around what belongs "
                         "together");
}

/* A list's items as they are found, and what joins them. */
struct items {
    struct filter_node *first, *last;
    enum filter_kind kind; /* FILTER_ALL while nothing says */
    bool after_or;
    size_t or_offset; /* of the last OR */
};

static tally_status
parse_next(struct filter_parser *parser, unsigned depth, struct items *items)
{
    if (at_keyword(parser, "OR")) {
        if (items->first == NULL || items->after_or)
            return filter_refuse(parser, parser->at,
                                 "OR stands between two terms; write \"OR\" to "
                                 "look for the word");
        if (items->kind == FILTER_AND)
            return refuse_mix(parser);
        items->kind = FILTER_OR;
        items->after_or = true;
        items->or_offset = parser->at;
        parser->at += 2;
        return TALLY_OK;
    }
    tally_status status = refuse_keywords(parser);
    if (status != TALLY_OK)
        return status;
    if (items->first != NULL && !items->after_or) {
        if (items->kind == FILTER_OR)
            return refuse_mix(parser);
        items->kind = FILTER_AND;
    }

    struct filter_node *node = NULL;
    status = parse_item(parser, depth, &node);
    if (status != TALLY_OK)
        return status;
    if (items->first == NULL)
        items->first = node;
    else
        items->last->next = node;
    items->last = node;
    items->after_or = false;
    return TALLY_OK;
}

/* Up to the end of the text or, in parentheses, to the one that closes. NULL where there is
 * nothing. */
static tally_status
parse_list(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
{
    struct items items = { .kind = FILTER_ALL };
    for (;;) {
        skip_blanks(parser);
        if (parser->at == parser->text.size)
            break;
        if (parser->text.data[parser->at] == ')') {
            if (depth > 0)
                break;
            return filter_refuse(parser, parser->at,
                                 "there is no parenthesis for this one to "
                                 "close; quote it in a text");
        }
        tally_status status = parse_next(parser, depth, &items);
        if (status != TALLY_OK)
            return status;
    }
    if (items.after_or)
        return filter_refuse(parser, items.or_offset,
                             "OR stands between two terms; write \"OR\" "
                             "to look for the word");
    *node_out = NULL;
    if (items.first == NULL)
        return TALLY_OK;
    if (items.kind == FILTER_ALL)
        items.kind = FILTER_AND; /* of one */
    return node_join(parser, items.kind, items.first, node_out);
}

tally_status
filter_parse_text(struct filter_parser *parser, struct filter_node **node_out)
{
    if (parser->text.size > FILTER_SIZE_MAX)
        return filter_refuse(parser, FILTER_SIZE_MAX, "a filter has at most %d bytes",
                             FILTER_SIZE_MAX);
    size_t valid = utf8_valid_size(parser->text);
    if (valid < parser->text.size)
        return filter_refuse(parser, valid, "this byte is not valid UTF-8");
    return parse_list(parser, 0, node_out);
}
