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
 * Terms.
 */

static tally_status
refuse_no_value(const struct filter_parser *parser)
{
    uint8_t next = parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
    if (next == '(')
        return filter_refuse(
            parser, parser->at,
            "values stand in a list, field:a,b; quote a text that has parentheses");
    if (is_blank(next))
        return filter_refuse(
            parser, parser->at,
            "a value is missing here: it stands without a blank before it; `*` asks "
            "for any, \"\" for the empty text");
    return filter_refuse(parser, parser->at,
                         "a value is missing here; `*` asks for any, \"\" for the empty text");
}

/* Reads the next value's word; there must be one. */
static tally_status
read_value_word(struct filter_parser *parser)
{
    tally_status status = word_read(parser, WORD_VALUE);
    if (status == TALLY_OK && parser->word.start == parser->word.end)
        return refuse_no_value(parser);
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
                             "resource is TYPE/ID; write resource_type or resource_id for one of "
                             "them, or where one is the empty text");

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
refuse_depth(const struct filter_parser *parser, size_t offset)
{
    return filter_refuse(parser, offset, "parentheses are nested more than %u deep",
                         parser->depth_max);
}

/* Written out, resources are an OR of ANDs: two parentheses more. */
static tally_status
parse_resources(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
{
    struct filter_node *first = NULL, *last = NULL, *node;
    if (depth + 2 > parser->depth_max)
        return refuse_depth(parser, parser->at);
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
parse_term(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
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
    status = target_read(parser, &term, &special);
    if (status != TALLY_OK)
        return status;
    parser->at++;
    if (special == SPECIAL_RESOURCE)
        return parse_resources(parser, depth, node_out);
    return parse_values(parser, &term, special, offset, node_out);
}

/*
 * Lists.
 */

static tally_status
parse_group(struct filter_parser *parser, unsigned depth, struct filter_node **node_out)
{
    size_t open = parser->at++;
    if (depth >= parser->depth_max)
        return refuse_depth(parser, open);
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
                                                       : parse_term(parser, depth, &node);
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
