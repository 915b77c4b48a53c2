/*
 * count_filter.c - whether counts of values can answer a filter.
 *
 * Counts say how often a value of one field occurs in a period, and nothing of two fields together.
 * So the parts of an AND are told apart: ranges of the timestamp choose periods; everything else
 * must be about one field, the same in all parts, however it is nested, so that each value matches
 * or does not. Of a field that older entries have under `details`, the values there are in no
 * count.
 */
#include "count_filter.h"

static bool
about_time(const struct filter_node *node)
{
    const struct filter_term *term = &node->term;
    if (node->kind != FILTER_TERM || term->target != TARGET_FIELD || term->field != FIELD_TIMESTAMP)
        return false;
    for (uint32_t i = 0; i < term->value_count; i++)
        if (term->values[i].kind != VALUE_TIME)
            return false;
    return true;
}

/* Whether a part of the filter asks of one field's value and of nothing else; the same field as any
 * part before it. */
static bool
about_field(const struct filter_node *node, enum field_id *field)
{
    if (node->kind == FILTER_TERM) {
        const struct filter_term *term = &node->term;
        bool other = *field != FIELD_COUNT && *field != term->field;
        /* Of an older entry the value may stand in its details. */
        if (term->target != TARGET_FIELD || term->since > 1 || other)
            return false;
        *field = term->field;
        return true;
    }
    if (node->kind == FILTER_ALL)
        return false;
    for (const struct filter_node *child = node->first; child != NULL; child = child->next)
        if (!about_field(child, field))
            return false;
    return true;
}

static bool
take_part(const struct filter_node *node, struct count_filter *out)
{
    if (about_time(node)) {
        if (out->time_count == COUNT_FILTER_PARTS_MAX)
            return false;
        out->times[out->time_count++] = &node->term;
        return true;
    }
    if (out->part_count == COUNT_FILTER_PARTS_MAX || !about_field(node, &out->field))
        return false;
    out->parts[out->part_count++] = node;
    return true;
}

bool
count_filter_make(const struct filter *filter, struct count_filter *out)
{
    struct count_filter made = { .field = FIELD_COUNT };
    const struct filter_node *root = filter->root;
    bool possible = !filter->control;
    if (root->kind == FILTER_AND) {
        for (const struct filter_node *child = root->first; child != NULL && possible;
             child = child->next)
            possible = take_part(child, &made);
    } else if (root->kind != FILTER_ALL) {
        possible = possible && take_part(root, &made);
    }
    if (possible)
        *out = made;
    return possible;
}

static bool
holds(const struct filter_node *node, enum field_id field, struct bytes value,
      struct match_scratch *scratch)
{
    const struct filter_node *child = node->first;
    switch (node->kind) {
    case FILTER_TERM:
        return value.data != NULL && term_match_value(&node->term, field, value, scratch);
    case FILTER_NOT:
        return !holds(child, field, value, scratch);
    case FILTER_AND:
        while (child != NULL && holds(child, field, value, scratch))
            child = child->next;
        return child == NULL;
    case FILTER_OR:
        while (child != NULL && !holds(child, field, value, scratch))
            child = child->next;
        return child != NULL;
    case FILTER_ALL:
        break;
    }
    return true;
}

bool
count_filter_value(const struct count_filter *filter, struct bytes value,
                   struct match_scratch *scratch)
{
    for (size_t i = 0; i < filter->part_count; i++)
        if (!holds(filter->parts[i], filter->field, value, scratch))
            return false;
    return true;
}

/* One term: any of its ranges will do. */
static enum count_filter_answer
ask_ranges(const struct filter_term *term, int64_t first, int64_t last)
{
    enum count_filter_answer answer = COUNT_NONE;
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_times *times = &term->values[i].times;
        if (times->first <= first && last <= times->last)
            return COUNT_ALL;
        if (times->first <= last && first <= times->last)
            answer = COUNT_SOME;
    }
    return answer;
}

enum count_filter_answer
count_filter_times(const struct count_filter *filter, int64_t first, int64_t last)
{
    enum count_filter_answer answer = COUNT_ALL;
    for (size_t i = 0; i < filter->time_count; i++) {
        enum count_filter_answer one = ask_ranges(filter->times[i], first, last);
        if (one == COUNT_NONE)
            return COUNT_NONE;
        if (one == COUNT_SOME)
            answer = COUNT_SOME;
    }
    return answer;
}
