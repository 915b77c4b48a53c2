/*
 * filter_parser.h - what the files of the filter's parser share: words, places of errors, memory.
 *
 * filter_word.c cuts the text into words, filter_target.c and filter_value.c (with filter_range.c)
 * make names and values of them, filter_parse.c knows the grammar, filter_parameters.c comes to the
 * same terms from plain parameters.
 */
#ifndef FILTER_PARSER_H
#define FILTER_PARSER_H

#include "filter.h"

/*
 * A word with its quotes taken off. Of each byte it is known where it came from and whether it was
 * bare: only a bare `*`, `.`, `..`, `<`, `>` or digit means something.
 */
struct word {
    size_t start, end; /* in the text, quotes included */
    size_t size;
    uint8_t text[FILTER_SIZE_MAX];
    uint16_t marks[FILTER_SIZE_MAX]; /* offset in the text * 2 + (bare ? 1 : 0) */
};
_Static_assert(FILTER_SIZE_MAX * 2 <= UINT16_MAX, "a mark holds an offset");

struct filter_parser {
    struct bytes text;
    size_t at;
    const struct filter_options *options;
    struct filter *filter;
    struct bytes parameter;   /* the parameter whose value is read; empty: the filter's text */
    struct filter_times span; /* what the parameters' ends of time leave */
    struct filter_parameter span_end; /* the one that was read first */
    unsigned depth_max;               /* of parentheses in the text */
    uint32_t term_count;
    uint32_t value_count;
    struct word word; /* the last one read */
    struct tally_error *error;
};

/* TALLY_INVALID with the column of `offset`. */
__attribute__((format(printf, 3, 4))) tally_status filter_refuse(const struct filter_parser *parser,
                                                                 size_t offset, const char *format,
                                                                 ...);

/* printf's "%.*s" pair for what the user wrote, cut to what a message can hold. */
#define QUOTED_MAX    40
#define QUOTED_ARG(b) (int)quoted_size(b), (const char *)(b).data
size_t quoted_size(struct bytes text);

/* Memory of the filter, aligned for anything, zeroed; NULL when short. */
void *filter_take(struct filter *filter, size_t size);
struct bytes filter_copy(struct filter *filter, struct bytes bytes);

static inline bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void skip_blanks(struct filter_parser *parser);

/* Whether the bare word `keyword` stands next. */
bool at_keyword(const struct filter_parser *parser, const char *keyword);

/* Whether a word begins with a name: what stands before a colon. */
enum word_kind {
    WORD_NAME, /* ends at a colon too */
    WORD_VALUE,
};

/* Reads the word at parser->at, which may be empty (then start == end). */
TALLY_MUST_CHECK tally_status word_read(struct filter_parser *parser, enum word_kind kind);

/* A word that is all quoted: a parameter's value. Refused where it is too long or no UTF-8. */
TALLY_MUST_CHECK tally_status word_take_literal(struct filter_parser *parser, struct bytes value);

/* A part of a word. */
struct slice {
    const struct word *word;
    size_t from, to;
};

static inline struct slice
word_slice(const struct word *word)
{
    return (struct slice){ word, 0, word->size };
}

static inline struct bytes
slice_text(struct slice slice)
{
    return bytes_of(slice.word->text + slice.from, slice.to - slice.from);
}

/* Where the slice begins in the text. */
static inline size_t
slice_offset(struct slice slice)
{
    return slice.from < slice.word->size ? slice.word->marks[slice.from] / 2u : slice.word->end;
}

static inline bool
word_bare(const struct word *word, size_t i)
{
    return (word->marks[i] & 1) != 0;
}

static inline bool
word_has_bare(const struct word *word, size_t i, char c)
{
    return i < word->size && word_bare(word, i) && word->text[i] == (uint8_t)c;
}

/* The values of a term while they are read. */
struct value_list {
    uint32_t count;
    uint32_t capacity;
    struct filter_value *values;
};

TALLY_MUST_CHECK tally_status value_add(struct filter_parser *parser, struct value_list *list,
                                        const struct filter_value *value, size_t offset);

/* What stands around the values of a comparison. */
struct bounds {
    bool compared; /* there is an operator or `..`; else `low` is the whole word */
    bool has_low, has_high;
    bool low_excluded, high_excluded;
    struct slice low, high;
};

/* Takes a word apart at its bare operator. */
void bounds_split(const struct word *word, struct bounds *out);

/* Refuses bounds without a value, and with wildcards. */
TALLY_MUST_CHECK tally_status bounds_check(struct filter_parser *parser,
                                           const struct bounds *bounds);

/* Adds the number or time, or the range of them, that checked bounds of parser->word give. */
TALLY_MUST_CHECK tally_status value_add_numbers(struct filter_parser *parser,
                                                const struct bounds *bounds,
                                                struct value_list *list);
TALLY_MUST_CHECK tally_status value_add_times(struct filter_parser *parser,
                                              const struct bounds *bounds, struct value_list *list);

/* Whether there is a wildcard. */
bool slice_has_star(struct slice slice);

/* Makes a pattern of a slice: parts between bare stars. */
enum pattern_case {
    PATTERN_BY_CASE,
    PATTERN_FOLDED
};
TALLY_MUST_CHECK tally_status pattern_read(struct filter_parser *parser, struct slice slice,
                                           enum pattern_case which, struct pattern *out);

/* Names that are no field. */
enum special {
    SPECIAL_NONE,
    SPECIAL_INDEX,
    SPECIAL_RESOURCE,
    SPECIAL_SUCCESS
};

/* Reads parser->word, which a colon follows, as the name of what is compared. */
TALLY_MUST_CHECK tally_status target_read(struct filter_parser *parser, struct filter_term *term,
                                          enum special *special_out);

/* Reads parser->word as a value of the term's target and adds it to the list (a comparison of
 * severities adds several). `term` has target, field and path. */
TALLY_MUST_CHECK tally_status value_read_word(struct filter_parser *parser,
                                              const struct filter_term *term,
                                              struct value_list *list);

/* The same of a slice, for a field whose values are text (TYPE_TEXT): no operators, only stars. */
TALLY_MUST_CHECK tally_status value_read_text(struct filter_parser *parser, struct slice slice,
                                              struct value_list *list);

/* `success`: parser->word is true or false; adds values of FIELD_STATUS. */
TALLY_MUST_CHECK tally_status value_read_success(struct filter_parser *parser,
                                                 struct value_list *list);

/* Nodes. `first` is a list of them, linked by next; one node makes no AND or OR of its own, nodes
 * of the same kind are merged in. */
TALLY_MUST_CHECK tally_status node_join(struct filter_parser *parser, enum filter_kind kind,
                                        struct filter_node *first, struct filter_node **node_out);
TALLY_MUST_CHECK tally_status node_negate(struct filter_parser *parser, struct filter_node *child,
                                          struct filter_node **node_out);
TALLY_MUST_CHECK tally_status node_term(struct filter_parser *parser,
                                        const struct filter_term *term,
                                        const struct value_list *list, size_t offset,
                                        struct filter_node **node_out);

/* A filter without nodes, to be filled; and the parse of a text, NULL where it is empty. */
TALLY_MUST_CHECK tally_status filter_create(const struct filter_options *options,
                                            struct filter **filter_out, struct tally_error *error);
TALLY_MUST_CHECK tally_status filter_parse_text(struct filter_parser *parser,
                                                struct filter_node **node_out);

/* The field of a term that names this field: target, field and since. */
struct filter_term term_of_field(enum field_id field);

#endif
