/*
 * Comparisons and ranges: what stands around one value or between two.
 *
 *     >a  >=a  <a  <=a  a..b  a..  ..b
 *
 * Operators are bare; both ends of a range are included. A range that can hold nothing is refused:
 * nobody means it.
 */
#include "fault.h"
#include "filter_parser.h"
#include "moment.h"

static size_t
find_dots(const struct word *word)
{
    for (size_t i = 0; i + 1 < word->size; i++) {
        /* Side by side in the text too: in ."". nothing is between the dots but quotes. */
        if (word_has_bare(word, i, '.') && word_has_bare(word, i + 1, '.') &&
            word->marks[i + 1] - word->marks[i] == 2)
            return i;
    }
    return SIZE_MAX;
}

void
bounds_split(const struct word *word, struct bounds *out)
{
    *out = (struct bounds){ .low = word_slice(word), .high = word_slice(word) };
    bool less = word_has_bare(word, 0, '<'), greater = word_has_bare(word, 0, '>');
    if (less || greater) {
        bool equal = word_has_bare(word, 1, '=');
        out->compared = true;
        out->has_low = greater;
        out->has_high = less;
        out->low_excluded = greater && !equal;
        out->high_excluded = less && !equal;
        out->low.from = out->high.from = equal ? 2 : 1;
        return;
    }
    size_t dots = find_dots(word);
    if (dots == SIZE_MAX)
        return;
    out->compared = true;
    out->has_low = dots > 0;
    out->has_high = dots + 2 < word->size;
    out->low.to = dots;
    out->high.from = dots + 2;
}

/* Faults that numbers and times have in common. */
tally_status
bounds_check(struct filter_parser *parser, const struct bounds *bounds)
{
    const struct word *word = &parser->word;
    if (!bounds->has_low && !bounds->has_high)
        return filter_refuse(parser, word->start,
                             "a range needs one end at least: a..b, a.. or "
                             "..b");
    struct slice value = bounds->has_low ? bounds->low : bounds->high;
    if (value.from == value.to)
        return filter_refuse(parser, word->end, "a value is missing after %.*s",
                             QUOTED_ARG(slice_text(word_slice(word))));
    if (slice_has_star(word_slice(word)))
        return filter_refuse(parser, word->start,
                             "a comparison has no wildcards: leave out the *, or the operator");
    return TALLY_OK;
}

static tally_status
read_number(struct filter_parser *parser, struct slice slice, struct bytes *token_out,
            struct decimal *out)
{
    struct bytes token = filter_copy(parser->filter, slice_text(slice));
    if (token.data == NULL)
        return memory_fault(parser->error);
    bool good = decimal_read(token, out);
    if (!good && parser->parameter.size > 0)
        return filter_refuse(parser, slice_offset(slice),
                             "'%.*s' is no number; what is no single one stands in the filter, as "
                             "in %.*s:400..499",
                             QUOTED_ARG(token), BYTES_ARG(parser->parameter));
    if (!good)
        return filter_refuse(parser, slice_offset(slice),
                             "'%.*s' is no number; write 400, >=400, 400..499 or 4*",
                             QUOTED_ARG(token));
    *token_out = token;
    return TALLY_OK;
}

tally_status
value_add_numbers(struct filter_parser *parser, const struct bounds *bounds,
                  struct value_list *list)
{
    struct filter_value value = { .kind = VALUE_NUMBER };
    struct decimal_range *range = &value.numbers;
    tally_status status = TALLY_OK;
    range->low.absent = range->high.absent = true;
    range->low_excluded = bounds->low_excluded;
    range->high_excluded = bounds->high_excluded;
    if (bounds->has_low || !bounds->compared)
        status = read_number(parser, bounds->low, &range->low_token, &range->low);
    if (status == TALLY_OK && !bounds->compared) {
        range->high = range->low;
        range->high_token = range->low_token;
    } else if (status == TALLY_OK && bounds->has_high) {
        status = read_number(parser, bounds->high, &range->high_token, &range->high);
    }
    if (status != TALLY_OK)
        return status;
    if (!range->low.absent && !range->high.absent && decimal_compare(&range->low, &range->high) > 0)
        return filter_refuse(parser, parser->word.start,
                             "the range is empty: its first end is the larger one");
    return value_add(parser, list, &value, parser->word.start);
}

static tally_status
read_time(struct filter_parser *parser, struct slice slice, struct moment *out)
{
    const char *reason;
    struct bytes text = slice_text(slice);
    if (!moment_read(text, parser->options->now, out, &reason))
        return filter_refuse(parser, slice_offset(slice), "'%.*s' is no time: %s", QUOTED_ARG(text),
                             reason);
    return TALLY_OK;
}

tally_status
value_add_times(struct filter_parser *parser, const struct bounds *bounds, struct value_list *list)
{
    struct filter_value value = { .kind = VALUE_TIME, .times = { INT64_MIN, INT64_MAX } };
    struct moment low, high;
    tally_status status = TALLY_OK;
    if (bounds->has_low || !bounds->compared) {
        status = read_time(parser, bounds->low, &low);
        if (status == TALLY_OK)
            value.times.first = bounds->low_excluded ? low.last + 1 : low.first;
    }
    if (status == TALLY_OK && !bounds->compared) {
        value.times.last = low.last;
        /* To be equal to the nanosecond is never what is meant. */
        if (low.relative && low.first == low.last) {
            struct bytes text = slice_text(bounds->low);
            if (parser->parameter.size > 0)
                return filter_refuse(parser, parser->word.start,
                                     "'%.*s' is one instant; from=%.*s is the time since then",
                                     QUOTED_ARG(text), QUOTED_ARG(text));
            return filter_refuse(parser, parser->word.start,
                                 "'%.*s' is one instant; write >=%.*s for the time since then",
                                 QUOTED_ARG(text), QUOTED_ARG(text));
        }
    } else if (status == TALLY_OK && bounds->has_high) {
        status = read_time(parser, bounds->high, &high);
        if (status == TALLY_OK)
            value.times.last = bounds->high_excluded ? high.first - 1 : high.last;
    }
    if (status != TALLY_OK)
        return status;
    if (value.times.first > value.times.last)
        return filter_refuse(parser, parser->word.start,
                             "the range is empty: its first end is the later one");
    return value_add(parser, list, &value, parser->word.start);
}
