/*
 * The outline of a value: an automaton with a bit for each open bracket.
 *
 * What may come next depends on the innermost bracket and on the last token only, so `expect` and
 * one bit a level are the whole state, and a text may be cut between any two bytes.
 */
#include "outline.h"

#include "json_string.h"

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
ends_scalar(uint8_t c)
{
    return is_blank(c) || c == ',' || c == ':' || c == '"' || c == '[' || c == ']' || c == '{' ||
           c == '}';
}

static enum outline_progress
broken(struct outline *outline, const char *trouble)
{
    outline->trouble = trouble;
    return OUTLINE_BROKEN;
}

static bool
in_object(const struct outline *outline)
{
    uint32_t level = outline->depth - 1;
    return (outline->is_object[level / 64] >> (level % 64) & 1) != 0;
}

static enum outline_progress
after_value(struct outline *outline)
{
    outline->expect = EXPECT_COMMA_OR_END;
    return outline->depth == 0 ? OUTLINE_DONE : OUTLINE_MORE;
}

static enum outline_progress
open_bracket(struct outline *outline, bool object)
{
    if (outline->expect != EXPECT_VALUE && outline->expect != EXPECT_VALUE_OR_END)
        return broken(outline, "a bracket opens where none may");
    if (outline->depth == OUTLINE_DEPTH_MAX)
        return broken(outline, "it is nested too deep");
    uint64_t bit = UINT64_C(1) << (outline->depth % 64);
    uint64_t *word = &outline->is_object[outline->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    outline->depth++;
    outline->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
    bool list = outline->lists && !object &&
                ((outline->depth == 2 && (outline->is_object[0] & 1) == 1) ||
                 (outline->depth == 3 && (outline->is_object[0] & 3) == 3));
    return list ? OUTLINE_LIST : OUTLINE_MORE;
}

static enum outline_progress
close_bracket(struct outline *outline, bool object)
{
    enum outline_expect empty = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
    if (outline->depth == 0 || in_object(outline) != object ||
        (outline->expect != EXPECT_COMMA_OR_END && outline->expect != empty))
        return broken(outline, "a bracket closes where none may");
    outline->depth--;
    return after_value(outline);
}

static enum outline_progress
take_comma(struct outline *outline)
{
    if (outline->expect != EXPECT_COMMA_OR_END)
        return broken(outline, "a comma stands where none may");
    outline->expect = in_object(outline) ? EXPECT_NAME : EXPECT_VALUE;
    return OUTLINE_MORE;
}

static enum outline_progress
take_colon(struct outline *outline)
{
    if (outline->expect != EXPECT_COLON)
        return broken(outline, "a colon stands where none may");
    outline->expect = EXPECT_VALUE;
    return OUTLINE_MORE;
}

/* A quote or the first character of a number or literal. */
static enum outline_progress
begin_token(struct outline *outline, enum outline_within within)
{
    bool value = outline->expect == EXPECT_VALUE || outline->expect == EXPECT_VALUE_OR_END;
    bool name = outline->expect == EXPECT_NAME || outline->expect == EXPECT_NAME_OR_END;
    if (!value && !(name && within == WITHIN_STRING))
        return broken(outline, "a comma, a colon or a quote is missing");
    outline->within = within;
    return OUTLINE_MORE;
}

static enum outline_progress
end_string(struct outline *outline)
{
    outline->within = WITHIN_NOTHING;
    if (outline->expect == EXPECT_NAME || outline->expect == EXPECT_NAME_OR_END) {
        outline->expect = EXPECT_COLON;
        return OUTLINE_MORE;
    }
    return after_value(outline);
}

static enum outline_progress
take_token(struct outline *outline, uint8_t c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return OUTLINE_MORE;
    case '{':
    case '[':
        return open_bracket(outline, c == '{');
    case '}':
    case ']':
        return close_bracket(outline, c == '}');
    case ',':
        return take_comma(outline);
    case ':':
        return take_colon(outline);
    case '"':
        return begin_token(outline, WITHIN_STRING);
    default:
        return begin_token(outline, WITHIN_SCALAR);
    }
}

/* Goes on through a string from data[at]; returns where it stopped. */
static size_t
take_string(struct outline *outline, struct bytes data, size_t at,
            enum outline_progress *progress_out)
{
    if (outline->within == WITHIN_ESCAPE) {
        outline->within = WITHIN_STRING;
        if (data.data[at] != '\n')
            at++;
    }
    /* Most of a string is plain; what is not may be none of the three that matter here. */
    for (;; at++) {
        at = (size_t)(json_skip_plain(data.data + at, data.data + data.size) - data.data);
        if (at >= data.size || data.data[at] == '"' || data.data[at] == '\\' ||
            data.data[at] == '\n')
            break;
    }

    *progress_out = OUTLINE_MORE;
    if (at >= data.size)
        return data.size;
    if (data.data[at] == '"')
        *progress_out = end_string(outline);
    else if (data.data[at] == '\\')
        outline->within = WITHIN_ESCAPE;
    else
        *progress_out = broken(outline, "the line ends inside a string");
    return at + 1;
}

/* Takes bytes of a value, from the one at *at on; moves *at behind what was taken. */
enum outline_progress
outline_read(struct outline *outline, struct bytes data, size_t *at)
{
    enum outline_progress progress = OUTLINE_MORE;
    size_t i = *at;
    while (i < data.size && progress == OUTLINE_MORE) {
        if (outline->within == WITHIN_STRING || outline->within == WITHIN_ESCAPE) {
            i = take_string(outline, data, i, &progress);
        } else if (outline->within == WITHIN_SCALAR) {
            while (i < data.size && !ends_scalar(data.data[i]))
                i++;
            if (i < data.size) {
                outline->within = WITHIN_NOTHING;
                progress = after_value(outline);
            }
        } else {
            progress = take_token(outline, data.data[i++]);
            if (outline->depth == 2 && data.data[i - 1] == '{')
                outline->inner = i;
        }
    }
    *at = i;
    return progress;
}
