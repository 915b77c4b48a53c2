/*
 * A filter's canonical text. What might mean something is quoted; everything else stands bare.
 */
#include "ascii.h"
#include "filter.h"

#include "fault.h"
#include "json.h"
#include "moment.h"

#include <assert.h>

/* Characters that stand bare anywhere in a word. */
static bool
is_plain(uint8_t c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c >= 0x80 || memchr("_-./@+", c, 6) != NULL;
}

static bool
all_plain(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_plain(text.data[i]) || (text.data[i] == '.' && i > 0 && text.data[i - 1] == '.'))
            return false;
    }
    return text.size > 0;
}

static void
print_text(struct bytes text, struct buffer *out)
{
    if (all_plain(text))
        buffer_bytes(out, text);
    else
        json_write_string(text, out);
}

static void
print_name(struct bytes name, struct buffer *out)
{
    if (all_plain(name) && memchr(name.data, '.', name.size) == NULL)
        buffer_bytes(out, name);
    else
        json_write_string(name, out);
}

static void
print_pattern(const struct pattern *pattern, struct buffer *out)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        if (i > 0 || pattern->open_start)
            buffer_byte(out, '*');
        print_text(pattern->parts[i], out);
    }
    if (pattern->open_end)
        buffer_byte(out, '*');
}

/* Free text is open at both ends as it is. It is folded, so that no part is the word OR. */
static void
print_free_text(const struct pattern *pattern, struct buffer *out)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        if (i > 0)
            buffer_byte(out, '*');
        if (i == 0 && pattern->parts[0].data[0] == '-')
            json_write_string(pattern->parts[0], out);
        else
            print_text(pattern->parts[i], out);
    }
}

/* How a range of one value is written: below details a lone number or time is a text as well. */
enum lone {
    LONE_VALUE,
    LONE_RANGE
};

static void
print_numbers(const struct decimal_range *range, enum lone lone, struct buffer *out)
{
    if (range->low.absent || range->high.absent) {
        bool excluded = range->low_excluded || range->high_excluded;
        buffer_byte(out, range->low.absent ? '<' : '>');
        if (!excluded)
            buffer_byte(out, '=');
        buffer_bytes(out, range->low.absent ? range->high_token : range->low_token);
        return;
    }
    buffer_bytes(out, range->low_token);
    if (lone == LONE_RANGE || !bytes_equal(range->low_token, range->high_token)) {
        buffer_text(out, "..");
        buffer_bytes(out, range->high_token);
    }
}

static void
print_instant(int64_t instant, struct buffer *out)
{
    char text[INSTANT_TEXT_MAX];
    buffer_append(out, text, moment_format(instant, text));
}

static void
print_times(const struct filter_times *times, enum lone lone, struct buffer *out)
{
    if (times->first == INT64_MIN || times->last == INT64_MAX) {
        /* One end, which may lie one step beyond what can be written: `>` the last instant. */
        bool low = times->last == INT64_MAX;
        int64_t end = low ? times->first : times->last;
        bool beyond = end > MOMENT_MAX || end < MOMENT_MIN;
        buffer_byte(out, low ? '>' : '<');
        if (!beyond)
            buffer_byte(out, '=');
        print_instant(beyond ? (low ? end - 1 : end + 1) : end, out);
        return;
    }
    print_instant(times->first, out);
    if (lone == LONE_RANGE || times->first != times->last) {
        buffer_text(out, "..");
        print_instant(times->last, out);
    }
}

static void
print_network(const struct network *network, struct buffer *out)
{
    char text[NETWORK_TEXT_MAX];
    buffer_append(out, text, network_format(network, text));
}

static void
print_value(const struct filter_term *term, const struct filter_value *value, struct buffer *out)
{
    struct decimal number;
    bool member = term->target == TARGET_MEMBER;
    enum lone lone = member && value->pattern.count == 0 ? LONE_RANGE : LONE_VALUE;
    switch (value->kind) {
    case VALUE_PRESENT:
        buffer_byte(out, '*');
        return;
    case VALUE_NUMBER:
        print_numbers(&value->numbers, lone, out);
        return;
    case VALUE_TIME:
        print_times(&value->times, lone, out);
        return;
    case VALUE_NETWORK:
        print_network(&value->network, out);
        return;
    case VALUE_TEXT:
        break;
    }
    /* A member's text that looks like a number is one only if it is quoted. */
    if (member && pattern_exact(&value->pattern) && decimal_read(value->pattern.parts[0], &number))
        json_write_string(value->pattern.parts[0], out);
    else
        print_pattern(&value->pattern, out);
}

void
filter_print_term(const struct filter_term *term, struct buffer *out)
{
    if (term->target == TARGET_TEXT) {
        print_free_text(&term->values[0].pattern, out);
        return;
    }
    if (term->target == TARGET_INDEX)
        buffer_text(out, "index");
    else
        buffer_bytes(out, fields[term->field].name);
    for (uint32_t i = 0; i < term->path_count; i++) {
        buffer_byte(out, '.');
        print_name(term->path[i], out);
    }
    for (uint32_t i = 0; i < term->value_count; i++) {
        buffer_byte(out, i == 0 ? ':' : ',');
        print_value(term, &term->values[i], out);
    }
}

static void
print_node(const struct filter_node *node, enum filter_kind parent, struct buffer *out)
{
    if (node->kind == FILTER_TERM) {
        filter_print_term(&node->term, out);
        return;
    }
    if (node->kind == FILTER_NOT)
        buffer_byte(out, '-');
    bool grouped = node->kind != FILTER_NOT && parent != FILTER_ALL;
    if (grouped)
        buffer_byte(out, '(');
    for (const struct filter_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first)
            buffer_text(out, node->kind == FILTER_OR ? " OR " : " ");
        print_node(child, node->kind, out);
    }
    if (grouped)
        buffer_byte(out, ')');
}

void
filter_print(const struct filter *filter, struct buffer *out)
{
    print_node(filter->root, FILTER_ALL, out);
}
