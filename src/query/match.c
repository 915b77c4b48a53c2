/*
 * What a term means.
 *
 *     a field      its value has one of the term's values; an absent field has none
 *     a member     the path leads to a value that has one of them. In an array a decimal name is an
 *                  index, any other name is looked for in every element; an array at the end of the
 *                  path has what one of its elements has, which may be an array as well.
 *                  changes.NAME:value means before or after.
 *     free text    a searched field contains the text, in any case: in objects each string and each
 *                  number by itself, not the names of members
 *
 * A JSON number is compared by value with numbers; strings are never numbers. Objects come as
 * canonical JSON text; it is walked where it lies, and whatever is not such a text has no members.
 * Each byte is passed a bounded number of times, whatever path and text are.
 */
#include "match.h"

#include "ascii.h"
#include "clock.h"
#include "fold.h"
#include "json_text.h"
#include "moment.h"

#include <assert.h>

static bool
times_contain(const struct filter_times *times, struct bytes text)
{
    struct instant instant;
    const char *reason;
    return instant_parse(text, &instant, &reason) && instant.ns >= times->first &&
           instant.ns <= times->last;
}

/* What others wrote: dates, and years beyond those of entries, are times there, too. */
static bool
times_contain_member(const struct filter_times *times, struct bytes text)
{
    int64_t instant;
    return moment_of_text(text, &instant) && instant >= times->first && instant <= times->last;
}

static bool
numbers_contain(const struct decimal_range *numbers, struct bytes token)
{
    struct decimal number;
    return decimal_read(token, &number) && decimal_within(numbers, &number);
}

/*
 * Members.
 */

/* What a JSON scalar is compared as: a string decoded, anything else as written. */
struct scalar {
    struct bytes text;
    bool string;
};

/* False for containers, and for strings that are damaged. */
static bool
scalar_read(struct bytes token, struct match_scratch *scratch, struct scalar *out)
{
    if (token.size == 0 || token.data[0] == '{' || token.data[0] == '[')
        return false;
    *out = (struct scalar){ token, false };
    if (token.data[0] != '"')
        return true;
    if (token.size < 2)
        return false;

    struct bytes inside = bytes_of(token.data + 1, token.size - 2);
    out->string = true;
    out->text = inside;
    if (memchr(inside.data, '\\', inside.size) == NULL)
        return true;
    if (inside.size > sizeof scratch->bytes)
        return false;
    size_t size = json_text_decode(inside, scratch->bytes);
    out->text = bytes_of(scratch->bytes, size);
    return size != SIZE_MAX;
}

static bool
scalar_matches(const struct filter_value *value, const struct scalar *scalar)
{
    uint8_t address[16];
    switch (value->kind) {
    case VALUE_PRESENT:
        return true;
    case VALUE_TEXT:
        return pattern_match(&value->pattern, scalar->text);
    case VALUE_NUMBER:
        if (!scalar->string && numbers_contain(&value->numbers, scalar->text))
            return true;
        return value->pattern.count > 0 && pattern_match(&value->pattern, scalar->text);
    case VALUE_TIME:
        return scalar->string && times_contain_member(&value->times, scalar->text);
    case VALUE_NETWORK:
        return scalar->string && address_read(scalar->text, address) &&
               network_contains(&value->network, address);
    }
    return false;
}

static bool
token_matches(const struct filter_term *term, struct bytes token, struct match_scratch *scratch)
{
    struct scalar scalar;
    bool readable = scalar_read(token, scratch, &scalar);
    for (uint32_t i = 0; i < term->value_count; i++) {
        if (term->values[i].kind == VALUE_PRESENT)
            return true;
        if (readable && scalar_matches(&term->values[i], &scalar))
            return true;
    }
    return false;
}

/* The value at the end of a path. Recursion is as deep as arrays lie in arrays, which json_scan bounds
 * and `depth` bounds again. */
static bool
end_matches(const struct filter_term *term, struct bytes token, unsigned depth,
            struct match_scratch *scratch)
{
    if (token_matches(term, token, scratch))
        return true;
    if (depth == 0 || token.size == 0 || token.data[0] != '[')
        return false;
    struct bytes name, element;
    for (size_t at = 0; json_text_next(token, &at, &name, &element);) {
        if (end_matches(term, element, depth - 1, scratch))
            return true;
    }
    return false;
}

/* changes.NAME is an object of `before` and `after`. */
static bool
change_matches(const struct filter_term *term, struct bytes change, struct match_scratch *scratch)
{
    static const struct bytes sides[] = { BYTES("before"), BYTES("after") };
    struct bytes value;
    for (size_t i = 0; i < 2; i++) {
        if (json_path_find(change, &sides[i], 1, &value) &&
            end_matches(term, value, JSON_DEPTH_MAX, scratch))
            return true;
    }
    return false;
}

static bool
is_index(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < '0' || name.data[i] > '9')
            return false;
    }
    return name.size > 0;
}

/* Follows the path from its i-th name on, as deep as end_matches() goes. */
static bool
path_matches(const struct filter_term *term, const struct bytes *path, uint32_t count,
             struct bytes value, unsigned depth, struct match_scratch *scratch)
{
    for (uint32_t i = 0; i < count; i++) {
        bool array = value.size > 0 && value.data[0] == '[';
        if (!array || is_index(path[i])) {
            if (!json_path_find(value, &path[i], 1, &value))
                return false;
            continue;
        }
        struct bytes name, element;
        for (size_t at = 0; depth > 0 && json_text_next(value, &at, &name, &element);) {
            if (path_matches(term, path + i, count - i, element, depth - 1, scratch))
                return true;
        }
        return false;
    }
    if (end_matches(term, value, depth, scratch))
        return true;
    return term->target == TARGET_MEMBER && term->field == FIELD_CHANGES && term->path_count == 1 &&
           change_matches(term, value, scratch);
}

/*
 * Whole objects.
 */

/* Whether the text of an object has a pattern's parts at all, wherever they stand: most objects
 * have not. What has escapes may spell them in another way. */
static bool
may_contain(struct bytes json, const struct pattern *pattern)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        struct bytes part = pattern->parts[i];
        bool there = pattern->fold ? fold_find(json, part) != SIZE_MAX
                                   : memmem(json.data, json.size, part.data, part.size) != NULL;
        if (!there)
            return memchr(json.data, '\\', json.size) != NULL;
    }
    return true;
}

/* Whether a member may have one of the term's values, as far as the object's text tells. */
static bool
may_have_member(struct bytes json, const struct filter_term *term)
{
    for (uint32_t i = 0; i < term->value_count; i++) {
        if (term->values[i].kind != VALUE_TEXT || may_contain(json, &term->values[i].pattern))
            return true;
    }
    return false;
}

/* In an object's text: strings that are no names, and numbers, one after the other. */
static bool
object_contains(struct bytes json, const struct pattern *pattern, struct match_scratch *scratch)
{
    size_t at = 0;
    if (!may_contain(json, pattern))
        return false;
    while (at < json.size) {
        struct bytes rest = bytes_of(json.data + at, json.size - at);
        uint8_t c = rest.data[0];
        bool number = c == '-' || ascii_is_digit(c);
        if (c != '"' && !number) {
            at++;
            continue;
        }
        size_t size = json_text_value(rest);
        if (size == 0)
            return false;
        at += size;
        struct scalar scalar;
        bool name = c == '"' && at < json.size && json.data[at] == ':';
        if (!name && scalar_read(bytes_of(rest.data, size), scratch, &scalar) &&
            pattern_match(pattern, scalar.text))
            return true;
    }
    return false;
}

/*
 * Terms.
 */

static bool
value_matches(const struct filter_value *value, struct bytes text)
{
    uint8_t address[16];
    switch (value->kind) {
    case VALUE_PRESENT:
        return true;
    case VALUE_TEXT:
        return pattern_match(&value->pattern, text);
    case VALUE_NUMBER:
        return numbers_contain(&value->numbers, text);
    case VALUE_TIME:
        return times_contain(&value->times, text);
    case VALUE_NETWORK:
        return address_read(text, address) && network_contains(&value->network, address);
    }
    return false;
}

bool
term_match_value(const struct filter_term *term, enum field_id field, struct bytes value,
                 struct match_scratch *scratch)
{
    assert(term->target != TARGET_INDEX);
    if (term->target == TARGET_MEMBER)
        return may_have_member(value, term) &&
               path_matches(term, term->path, term->path_count, value, JSON_DEPTH_MAX, scratch);
    if (term->target == TARGET_TEXT && fields[field].type == TYPE_OBJECT)
        return object_contains(value, &term->values[0].pattern, scratch);
    for (uint32_t i = 0; i < term->value_count; i++) {
        if (value_matches(&term->values[i], value))
            return true;
    }
    return false;
}

/* Whether a term on `index` holds. */
static bool
index_matches(const struct filter_term *term, uint64_t index)
{
    uint8_t digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (uint8_t)('0' + index % 10);
        index /= 10;
    } while (index > 0);
    struct bytes token = bytes_of(digits + first, sizeof digits - first);
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        if (value->kind == VALUE_PRESENT || numbers_contain(&value->numbers, token))
            return true;
    }
    return false;
}

bool
term_match_older(const struct filter_term *term, struct bytes v, struct bytes details,
                 struct match_scratch *scratch)
{
    struct decimal_range older = { .low.absent = true, .high_excluded = true };
    uint8_t digits[5];
    size_t first = sizeof digits;
    if (term->target != TARGET_FIELD || term->since <= 1 || details.data == NULL)
        return false;
    for (unsigned rest = term->since; rest > 0; rest /= 10)
        digits[--first] = (uint8_t)('0' + rest % 10);
    bool read = decimal_read(bytes_of(digits + first, sizeof digits - first), &older.high);
    assert(read);
    (void)read;
    return numbers_contain(&older, v) &&
           path_matches(term, &fields[term->field].name, 1, details, JSON_DEPTH_MAX, scratch);
}

static bool
text_matches(const struct filter_term *term, const struct bytes *values,
             struct match_scratch *scratch)
{
    for (uint64_t rest = fields_searched(); rest != 0; rest &= rest - 1) {
        enum field_id field = (enum field_id)__builtin_ctzll(rest);
        if (values[field].data != NULL && term_match_value(term, field, values[field], scratch))
            return true;
    }
    return false;
}

static bool
term_matches(const struct filter_term *term, uint64_t index, const struct bytes *values,
             struct match_scratch *scratch)
{
    switch (term->target) {
    case TARGET_INDEX:
        return index_matches(term, index);
    case TARGET_TEXT:
        return text_matches(term, values, scratch);
    case TARGET_FIELD:
    case TARGET_MEMBER:
        break;
    }
    if (values[term->field].data != NULL)
        return term_match_value(term, term->field, values[term->field], scratch);
    return term_match_older(term, values[FIELD_V], values[FIELD_DETAILS], scratch);
}

static bool
node_matches(const struct filter_node *node, uint64_t index, const struct bytes *values,
             struct match_scratch *scratch)
{
    const struct filter_node *child = node->first;
    switch (node->kind) {
    case FILTER_ALL:
        return true;
    case FILTER_TERM:
        return term_matches(&node->term, index, values, scratch);
    case FILTER_NOT:
        return !node_matches(child, index, values, scratch);
    case FILTER_AND:
        while (child != NULL && node_matches(child, index, values, scratch))
            child = child->next;
        return child == NULL;
    case FILTER_OR:
        while (child != NULL && !node_matches(child, index, values, scratch))
            child = child->next;
        return child != NULL;
    }
    return false;
}

bool
filter_match(const struct filter *filter, uint64_t index, const struct bytes *values,
             struct match_scratch *scratch)
{
    if (values[FIELD_CONTROL].data != NULL && !filter->control)
        return false;
    return node_matches(filter->root, index, values, scratch);
}
