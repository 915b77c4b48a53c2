/*
 * What is compared: the name before a term's colon, and the path below it.
 */
#include "ascii.h"
#include "fault.h"
#include "filter_parser.h"

static tally_status
refuse_field(const struct filter_parser *parser, size_t offset, struct bytes name)
{
    struct bytes meant = field_resembling(name);
    if (name.data[0] == '!')
        return filter_refuse(parser, offset,
                             "a minus before a term means NOT: -field:value; write \"!\" to look "
                             "for the sign");
    if (meant.data != NULL)
        return filter_refuse(parser, offset, "unknown field '%.*s': did you mean %.*s?",
                             QUOTED_ARG(name), BYTES_ARG(meant));
    if (ascii_is_digit(name.data[0])) /* timestamp:2026-01-01 10:00:00 */
        return filter_refuse(parser, offset,
                             "unknown field '%.*s'; a time with a blank is quoted as a whole, like "
                             "every text with a colon",
                             QUOTED_ARG(name));
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

static enum special
find_special(struct bytes name)
{
    if (bytes_is(name, "index"))
        return SPECIAL_INDEX;
    if (bytes_is(name, "resource"))
        return SPECIAL_RESOURCE;
    return bytes_is(name, "success") ? SPECIAL_SUCCESS : SPECIAL_NONE;
}

tally_status
target_read(struct filter_parser *parser, struct filter_term *term, enum special *special_out)
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
