/*
 * Values: what a word means depends on what it is compared with.
 *
 *     compared with       a word may be
 *     any                 `*`: present; with a bare star: a pattern of the value's text
 *     texts, names        equal by case
 *     ip_address          an address or a network; else equal by case
 *     enumerations        one of them, in any case; of severities also >=medium, low..high
 *     numbers, index      a number, >=n >n <=n <n, a..b, a.., ..b
 *     times               a time (moment.h), and the same comparisons
 *     members of objects  equal by case; a bare number: also by value; comparisons of two numbers
 *                         or two times
 *
 * Comparisons and ranges are made of bare characters; what stands in quotes is only ever a value.
 */
#include "filter_parser.h"

#include "ascii.h"
#include "fault.h"
#include "fold.h"
#include "moment.h"

#include <assert.h>
#include <stdio.h>

tally_status
value_add(struct filter_parser *parser, struct value_list *list, const struct filter_value *value,
          size_t offset)
{
    if (parser->value_count == FILTER_VALUES_MAX)
        return filter_refuse(parser, offset, "a filter has at most %d values", FILTER_VALUES_MAX);
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 1 : list->capacity * 2;
        struct filter_value *values = filter_take(parser->filter, capacity * sizeof *values);
        if (values == NULL)
            return memory_fault(parser->error);
        if (list->count > 0)
            memcpy(values, list->values, list->count * sizeof *values);
        list->values = values;
        list->capacity = capacity;
    }
    parser->value_count++;
    list->values[list->count++] = *value;
    return TALLY_OK;
}

/*
 * Patterns.
 */

bool
slice_has_star(struct slice slice)
{
    for (size_t i = slice.from; i < slice.to; i++) {
        if (word_has_bare(slice.word, i, '*'))
            return true;
    }
    return false;
}

static bool
only_stars(struct slice slice)
{
    for (size_t i = slice.from; i < slice.to; i++) {
        if (!word_has_bare(slice.word, i, '*'))
            return false;
    }
    return slice.from < slice.to;
}

/* The end of the part that begins at `from`: the next star or the slice's end. */
static size_t
part_end(struct slice slice, size_t from)
{
    while (from < slice.to && !word_has_bare(slice.word, from, '*'))
        from++;
    return from;
}

tally_status
pattern_read(struct filter_parser *parser, struct slice slice, enum pattern_case which,
             struct pattern *out)
{
    const struct word *word = slice.word;
    uint32_t count = 0;
    for (size_t at = slice.from; at <= slice.to; at = part_end(slice, at) + 1)
        count += part_end(slice, at) > at;

    struct pattern pattern = { .fold = which == PATTERN_FOLDED };
    if (slice.from < slice.to) {
        pattern.open_start = word_has_bare(word, slice.from, '*');
        pattern.open_end = word_has_bare(word, slice.to - 1, '*');
    }
    bool empty = slice.from == slice.to; /* the empty text is one part */
    struct bytes *parts = filter_take(parser->filter, (count + empty) * sizeof *parts);
    if (parts == NULL)
        return memory_fault(parser->error);
    for (size_t at = slice.from; at <= slice.to; at = part_end(slice, at) + 1) {
        size_t end = part_end(slice, at);
        if (end == at && !empty)
            continue;
        struct bytes part = filter_copy(parser->filter, bytes_of(word->text + at, end - at));
        if (part.data == NULL)
            return memory_fault(parser->error);
        if (pattern.fold)
            fold_text(part, (uint8_t *)part.data);
        parts[pattern.count++] = part;
    }
    pattern.parts = parts;
    *out = pattern;
    return TALLY_OK;
}

static tally_status
add_pattern(struct filter_parser *parser, struct slice slice, enum pattern_case which,
            struct value_list *list)
{
    struct filter_value value = { .kind = VALUE_PRESENT };
    if (!only_stars(slice)) {
        value.kind = VALUE_TEXT;
        tally_status status = pattern_read(parser, slice, which, &value.pattern);
        if (status != TALLY_OK)
            return status;
    }
    return value_add(parser, list, &value, slice_offset(slice));
}

tally_status
value_read_text(struct filter_parser *parser, struct slice slice, struct value_list *list)
{
    return add_pattern(parser, slice, PATTERN_BY_CASE, list);
}

/*
 * By the kind of target.
 */

static tally_status
refuse_order(struct filter_parser *parser, const struct filter_term *term)
{
    return filter_refuse(parser, parser->word.start,
                         "%.*s has no order; quote the value if it begins with %c",
                         BYTES_ARG(fields[term->field].name), parser->word.text[0]);
}

/* Texts and names: operators are refused, dots are dots. */
static tally_status
read_text(struct filter_parser *parser, const struct filter_term *term, struct value_list *list)
{
    const struct word *word = &parser->word;
    if (word_has_bare(word, 0, '<') || word_has_bare(word, 0, '>'))
        return refuse_order(parser, term);
    return value_read_text(parser, word_slice(word), list);
}

/* What stands before the first `sign`; all, where it is not there. */
static struct bytes
before(struct bytes text, const char *sign)
{
    const uint8_t *at = text.size == 0 ? NULL : memmem(text.data, text.size, sign, strlen(sign));
    return at == NULL ? text : bytes_of(text.data, (size_t)(at - text.data));
}

/* Digits as addresses have them, a point or a colon among them: 10.0.0, 2001:db8:: */
static bool
is_piece_of_address(struct bytes text)
{
    bool colon = text.size > 0 && memchr(text.data, ':', text.size) != NULL;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool hexadecimal = colon && (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
        if (!ascii_is_digit(c) && !hexadecimal && c != '.' && c != ':')
            return false;
    }
    return text.size > 0;
}

/* A network that is misspelled would find nothing as a text, and its opposite everything. */
static tally_status
check_network(struct filter_parser *parser, struct bytes text)
{
    uint8_t address[16];
    struct bytes front = before(text, "/");
    size_t start = parser->word.start;
    if (front.size < text.size && address_read(front, address))
        return filter_refuse(parser, start,
                             "'%.*s' is no network: behind the slash stands a prefix length, 0 to "
                             "32, or to 128 for IPv6",
                             QUOTED_ARG(text));
    if (front.size < text.size && is_piece_of_address(front))
        return filter_refuse(parser, start,
                             "'%.*s' is no network: before the slash stands a whole address, as in "
                             "10.0.0.0/8 or 2001:db8::/32",
                             QUOTED_ARG(text));
    if ((before(text, "..").size < text.size && address_read(before(text, ".."), address)) ||
        (before(text, "-").size < text.size && address_read(before(text, "-"), address)))
        return filter_refuse(parser, start,
                             "addresses have no ranges; write networks, as in 10.0.0.0/8");
    return TALLY_OK;
}

static tally_status
read_address(struct filter_parser *parser, const struct filter_term *term, struct value_list *list)
{
    struct filter_value value = { .kind = VALUE_NETWORK };
    const struct word *word = &parser->word;
    struct bytes text = slice_text(word_slice(word));

    if (slice_has_star(word_slice(word)))
        return read_text(parser, term, list);
    if (network_read(text, &value.network))
        return value_add(parser, list, &value, word->start);
    tally_status status = check_network(parser, text);
    return status == TALLY_OK ? read_text(parser, term, list) : status;
}

/* Adds the values of an enumeration from index `first` to `last`. */
static tally_status
add_enum(struct filter_parser *parser, enum field_id field, int first, int last,
         struct value_list *list)
{
    for (int i = first; i <= last; i++) {
        struct filter_value value = { .kind = VALUE_TEXT, .pattern = { .count = 1 } };
        struct bytes *part = filter_take(parser->filter, sizeof *part);
        if (part == NULL)
            return memory_fault(parser->error);
        *part = bytes_text(fields[field].values[i]); /* static */
        value.pattern.parts = part;
        tally_status status = value_add(parser, list, &value, parser->word.start);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
find_enum(struct filter_parser *parser, enum field_id field, struct slice slice, int *index_out)
{
    int index = field_enum_find(field, slice_text(slice));
    if (index >= 0) {
        *index_out = index;
        return TALLY_OK;
    }
    char names[128];
    size_t size = 0;
    for (const char *const *value = fields[field].values; *value != NULL; value++)
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", size > 0 ? ", " : "",
                                 *value);
    return filter_refuse(parser, slice_offset(slice), "%.*s has no value '%.*s'; it is one of %s",
                         BYTES_ARG(fields[field].name), QUOTED_ARG(slice_text(slice)), names);
}

/* Severities ascend in the field table; the other enumerations have no order. */
static tally_status
read_severities(struct filter_parser *parser, const struct bounds *bounds, struct value_list *list)
{
    int first = 0, last = 0;
    while (fields[FIELD_SEVERITY].values[last + 1] != NULL)
        last++;
    tally_status status = bounds_check(parser, bounds);
    if (status == TALLY_OK && bounds->has_low)
        status = find_enum(parser, FIELD_SEVERITY, bounds->low, &first);
    if (status == TALLY_OK && bounds->has_high)
        status = find_enum(parser, FIELD_SEVERITY, bounds->high, &last);
    if (status != TALLY_OK)
        return status;
    first += bounds->low_excluded;
    last -= bounds->high_excluded;
    if (first > last)
        return filter_refuse(parser, parser->word.start,
                             "no severity is in this range; they ascend low, medium, high, "
                             "critical");
    return add_enum(parser, FIELD_SEVERITY, first, last, list);
}

static tally_status
read_enum(struct filter_parser *parser, const struct filter_term *term, struct value_list *list)
{
    const struct word *word = &parser->word;
    struct bounds bounds;
    int index = 0;

    bounds_split(word, &bounds);
    if (bounds.compared && term->field == FIELD_SEVERITY)
        return read_severities(parser, &bounds, list);
    if (word_has_bare(word, 0, '<') || word_has_bare(word, 0, '>'))
        return refuse_order(parser, term);
    if (slice_has_star(word_slice(word)))
        return add_pattern(parser, word_slice(word), PATTERN_FOLDED, list);
    tally_status status = find_enum(parser, term->field, word_slice(word), &index);
    return status == TALLY_OK ? add_enum(parser, term->field, index, index, list) : status;
}

/* Numbers and times: a pattern is compared with the text they are spelled as. */
static tally_status
read_ordered(struct filter_parser *parser, const struct filter_term *term, struct value_list *list)
{
    const struct word *word = &parser->word;
    struct bounds bounds;
    bool index = term->target == TARGET_INDEX;

    bounds_split(word, &bounds);
    if (!bounds.compared && only_stars(word_slice(word)))
        return value_read_text(parser, word_slice(word), list);
    if (!bounds.compared && !index && slice_has_star(word_slice(word)))
        return value_read_text(parser, word_slice(word), list);
    if (bounds.compared) {
        tally_status status = bounds_check(parser, &bounds);
        if (status != TALLY_OK)
            return status;
    } else if (slice_has_star(word_slice(word))) {
        return filter_refuse(parser, word->start,
                             "an index has no wildcards; write 400, >=400 or 400..499");
    }
    if (!index && fields[term->field].type == TYPE_TIME)
        return value_add_times(parser, &bounds, list);
    return value_add_numbers(parser, &bounds, list);
}

static bool
bound_is_number(const struct bounds *bounds)
{
    struct decimal number;
    struct slice slice = bounds->has_low ? bounds->low : bounds->high;
    return decimal_read(slice_text(slice), &number);
}

/* Also where it is a date that does not exist or is out of reach, which is for the range to say. */
static bool
bound_is_time(const struct filter_parser *parser, const struct bounds *bounds)
{
    struct moment moment;
    const char *reason;
    struct bytes text = slice_text(bounds->has_low ? bounds->low : bounds->high);
    bool dated = text.size >= 10 && ascii_is_digit(text.data[0]) && text.data[4] == '-';
    return dated || moment_read(text, parser->options->now, &moment, &reason);
}

/* A bare number is compared by value with numbers, and by spelling with strings. */
static tally_status
add_member_number(struct filter_parser *parser, struct value_list *list)
{
    struct bounds bounds;
    bounds_split(&parser->word, &bounds);
    tally_status status = value_add_numbers(parser, &bounds, list);
    if (status != TALLY_OK)
        return status;
    return pattern_read(parser, word_slice(&parser->word), PATTERN_BY_CASE,
                        &list->values[list->count - 1].pattern);
}

static tally_status
read_member(struct filter_parser *parser, struct value_list *list)
{
    const struct word *word = &parser->word;
    struct bounds bounds;
    bounds_split(word, &bounds);
    if (bounds.compared) {
        tally_status status = bounds_check(parser, &bounds);
        if (status != TALLY_OK)
            return status;
        if (bound_is_number(&bounds))
            return value_add_numbers(parser, &bounds, list);
        if (bound_is_time(parser, &bounds))
            return value_add_times(parser, &bounds, list);
        return filter_refuse(
            parser, word->start,
            "only numbers and times are compared; quote the value if it is a text");
    }

    bool bare = word->size > 0 && word->end - word->start == word->size;
    struct decimal number;
    if (bare && decimal_read(slice_text(word_slice(word)), &number))
        return add_member_number(parser, list);
    return value_read_text(parser, word_slice(word), list);
}

static tally_status
read_object(struct filter_parser *parser, const struct filter_term *term, struct value_list *list)
{
    struct bytes name = fields[term->field].name;
    if (only_stars(word_slice(&parser->word)))
        return value_read_text(parser, word_slice(&parser->word), list);
    return filter_refuse(parser, parser->word.start,
                         "%.*s is an object: name a member as in %.*s.name:value, or write %.*s:*",
                         BYTES_ARG(name), BYTES_ARG(name), BYTES_ARG(name));
}

tally_status
value_read_word(struct filter_parser *parser, const struct filter_term *term,
                struct value_list *list)
{
    assert(term->target != TARGET_TEXT);
    if (term->target == TARGET_MEMBER)
        return read_member(parser, list);
    if (term->target == TARGET_INDEX)
        return read_ordered(parser, term, list);
    if (term->field == FIELD_IP_ADDRESS)
        return read_address(parser, term, list);

    switch (fields[term->field].type) {
    case TYPE_ENUM:
        return read_enum(parser, term, list);
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
    case TYPE_TIME:
        return read_ordered(parser, term, list);
    case TYPE_OBJECT:
        return read_object(parser, term, list);
    case TYPE_TEXT:
    case TYPE_NAME:
    case TYPE_DIGEST:
        break;
    }
    return read_text(parser, term, list);
}

tally_status
value_read_success(struct filter_parser *parser, struct value_list *list)
{
    const struct bytes text = slice_text(word_slice(&parser->word));
    if (field_same_letters(text, "true"))
        return add_enum(parser, FIELD_STATUS, 0, 0, list);
    if (field_same_letters(text, "false"))
        return add_enum(parser, FIELD_STATUS, 1, 2, list);
    return filter_refuse(parser, parser->word.start, "success is true or false, not '%.*s'",
                         QUOTED_ARG(text));
}
