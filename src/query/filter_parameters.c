/*
 * Plain parameters: each is a term, and all must hold.
 *
 * A parameter's value goes through the same reading as a filter's, as a word that is quoted
 * throughout, so that a time is a time and a severity is checked, and nothing else has a meaning.
 */
#include "filter_parser.h"

#include "fault.h"

static enum field_id
parameter_field(struct bytes name)
{
    enum field_id field = field_find_alias(name);
    if (field == FIELD_COUNT || field == FIELD_PRIVATE || fields[field].type == TYPE_OBJECT)
        return FIELD_COUNT;
    return field;
}

bool
filter_parameter_known(struct bytes name)
{
    return field_parameter(name) != PARAMETER_NONE || parameter_field(name) != FIELD_COUNT;
}

/* What parameters of one meaning have in common: the field, or the end of time. */
static bool
same_parameter(struct bytes a, struct bytes b)
{
    enum field_parameter parameter = field_parameter(a);
    if (parameter != PARAMETER_NONE)
        return parameter == field_parameter(b);
    return field_parameter(b) == PARAMETER_NONE && parameter_field(a) == parameter_field(b);
}

/* Both ends together leave some time, as those of a range in a filter do. */
static tally_status
narrow_span(struct filter_parser *parser, const struct filter_parameter *parameter,
            const struct filter_times *times)
{
    struct filter_times *span = &parser->span;
    if (times->first > span->first)
        span->first = times->first;
    if (times->last < span->last)
        span->last = times->last;
    if (span->first > span->last)
        return filter_refuse(
            parser, 0, "'%.*s' and %.*s '%.*s' leave no time between them: the range is empty",
            QUOTED_ARG(parameter->value), BYTES_ARG(parser->span_end.name),
            QUOTED_ARG(parser->span_end.value));
    parser->span_end = *parameter;
    return TALLY_OK;
}

/* `from` and `to` are comparisons: the same word with an operator before it. */
static tally_status
read_time_end(struct filter_parser *parser, const struct filter_parameter *parameter,
              struct value_list *list)
{
    const struct filter_term term = term_of_field(FIELD_TIMESTAMP);
    struct word *word = &parser->word;
    if (list->count > 0)
        return filter_refuse(parser, 0, "it is given twice");
    if (word->size + 2 > FILTER_SIZE_MAX)
        return filter_refuse(parser, 0, "it is no time");
    memmove(word->text + 2, word->text, word->size);
    memmove(word->marks + 2, word->marks, word->size * sizeof *word->marks);
    memcpy(word->text, field_parameter(parameter->name) == PARAMETER_FROM ? ">=" : "<=", 2);
    word->marks[0] = word->marks[1] = 1;
    word->size += 2;
    tally_status status = value_read_word(parser, &term, list);
    if (status == TALLY_OK)
        status = narrow_span(parser, parameter, &list->values[0].times);
    return status;
}

static tally_status
read_parameter(struct filter_parser *parser, const struct filter_parameter *parameter,
               struct value_list *list)
{
    parser->parameter = parameter->name;
    if (parameter->value.size == 0)
        return filter_refuse(parser, 0, "a value is missing; leave the parameter out instead");
    tally_status status = word_take_literal(parser, parameter->value);
    if (status != TALLY_OK)
        return status;
    switch (field_parameter(parameter->name)) {
    case PARAMETER_FROM:
    case PARAMETER_TO:
        return read_time_end(parser, parameter, list);
    case PARAMETER_SUCCESS:
        return value_read_success(parser, list);
    case PARAMETER_NONE:
        break;
    }
    const struct filter_term term = term_of_field(parameter_field(parameter->name));
    return value_read_word(parser, &term, list);
}

/* The term of all parameters of the same meaning as the i-th; NULL where an earlier one made it. */
static tally_status
parse_parameter(struct filter_parser *parser, const struct filter_parameter *parameters,
                size_t count, size_t i, struct filter_node **node_out)
{
    struct bytes name = parameters[i].name;
    struct value_list list = { 0 };
    *node_out = NULL;
    for (size_t j = 0; j < i; j++) {
        if (same_parameter(parameters[j].name, name))
            return TALLY_OK;
    }
    for (size_t j = i; j < count; j++) {
        if (!same_parameter(parameters[j].name, name))
            continue;
        tally_status status = read_parameter(parser, &parameters[j], &list);
        if (status != TALLY_OK)
            return status;
    }

    enum field_id field = parameter_field(name);
    switch (field_parameter(name)) {
    case PARAMETER_FROM:
    case PARAMETER_TO:
        field = FIELD_TIMESTAMP;
        break;
    case PARAMETER_SUCCESS:
        field = FIELD_STATUS;
        break;
    case PARAMETER_NONE:
        break;
    }
    const struct filter_term term = term_of_field(field);
    return node_term(parser, &term, &list, 0, node_out);
}

static tally_status
parse_all(struct filter_parser *parser, const struct filter_parameter *parameters, size_t count)
{
    struct filter_node *first, *node;
    tally_status status = filter_parse_text(parser, &first);
    struct filter_node *last = first;
    for (size_t i = 0; i < count && status == TALLY_OK; i++) {
        parser->parameter = parameters[i].name;
        if (!filter_parameter_known(parameters[i].name))
            return filter_refuse(parser, 0, "there is no such parameter");
        status = parse_parameter(parser, parameters, count, i, &node);
        if (status != TALLY_OK || node == NULL)
            continue;
        if (first == NULL)
            first = node;
        else
            last->next = node;
        last = node;
    }
    if (status != TALLY_OK)
        return status;
    if (first == NULL) {
        first = filter_take(parser->filter, sizeof *first);
        if (first == NULL)
            return memory_fault(parser->error);
        first->kind = FILTER_ALL;
    }
    status = node_join(parser, FILTER_AND, first, &node);
    if (status == TALLY_OK)
        parser->filter->root = node;
    return status;
}

tally_status
filter_parse_parameters(struct bytes text, const struct filter_parameter *parameters, size_t count,
                        const struct filter_options *options, struct filter **filter_out,
                        struct tally_error *error)
{
    struct filter *filter;
    tally_status status = filter_create(options, &filter, error);
    if (status != TALLY_OK)
        return status;
    struct filter_parser parser = {
        .text = text,
        .options = options,
        .filter = filter,
        .span = { INT64_MIN, INT64_MAX },
        .error = error,
    };
    /* Beside parameters the text may need parentheses around it. */
    parser.depth_max = FILTER_DEPTH_MAX - (count > 0);
    status = parse_all(&parser, parameters, count);
    if (status != TALLY_OK) {
        filter_destroy(filter);
        return status;
    }
    *filter_out = filter;
    return TALLY_OK;
}

tally_status
filter_parse(struct bytes text, const struct filter_options *options, struct filter **filter_out,
             struct tally_error *error)
{
    return filter_parse_parameters(text, NULL, 0, options, filter_out, error);
}
