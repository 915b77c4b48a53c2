/*
 * plan_codes.c - for which codes of a run's dictionary a term holds.
 *
 * Mostly these are a few ranges of codes, and a page's planes answer for a range without being
 * decoded: one code for each value of an equality; all codes but absence for presence; and for a
 * prefix the codes from its first value to its last, since a segment's dictionary is sorted. Nothing of
 * the dictionary is read for these but what leads to the codes.
 *
 * Otherwise values are compared, each once a run, and what is learned stands in a truth table by code.
 * Small dictionaries are gone through at once, and if what holds turns out to be a few ranges again,
 * they are asked as such. Of large ones only those values are compared that are met in rows; then
 * pages are decoded and the table is looked up row by row.
 */
#include "fault.h"
#include "plan_parts.h"

#include <stdlib.h>

/* Dictionaries of at most this many values are gone through when they are met. */
#define EAGER_VALUES_MAX 4096u

/*
 * Ranges.
 */

/* Adds a range that begins behind the others or continues the last of them; false where there is no
 * room for it. */
static bool
add_range(struct plan_column *column, uint32_t first, uint32_t last)
{
    if (column->range_count > 0 && column->ranges[column->range_count - 1].last + 1 == first) {
        column->ranges[column->range_count - 1].last = last;
        return true;
    }
    if (column->range_count == CODE_RANGES_MAX)
        return false;
    column->ranges[column->range_count++] = (struct code_range){ first, last };
    return true;
}

/* Adds a range in its place among the others; false where there is no room for it. */
static bool
insert_range(struct plan_column *column, const struct code_range *range)
{
    if (column->range_count == CODE_RANGES_MAX)
        return false;
    uint32_t at = column->range_count++;
    for (; at > 0 && column->ranges[at - 1].first > range->first; at--)
        column->ranges[at] = column->ranges[at - 1];
    column->ranges[at] = *range;
    return true;
}

static bool
pattern_is_prefix(const struct pattern *pattern)
{
    return pattern->count == 1 && !pattern->open_start && pattern->open_end && !pattern->fold;
}

/* Whether the values of a term lead to ranges by themselves. */
static bool
values_are_ranges(const struct plan *plan, const struct filter_term *term)
{
    if (term->target != TARGET_FIELD || term->value_count > CODE_RANGES_MAX)
        return false;
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        if (value->kind == VALUE_PRESENT)
            continue;
        if (value->kind != VALUE_TEXT || value->pattern.fold)
            return false;
        bool sorted = plan->run->segment != NULL;
        if (!pattern_exact(&value->pattern) && !(sorted && pattern_is_prefix(&value->pattern)))
            return false;
    }
    return true;
}

/* The codes of one value; first 0 where there is none. */
static tally_status
range_of_value(struct plan *plan, enum field_id field, const struct filter_value *value,
               struct code_range *range_out, struct tally_error *error)
{
    struct code_range range = { 1, CODE_MAX };
    tally_status status = TALLY_OK;
    if (value->kind == VALUE_TEXT && pattern_exact(&value->pattern)) {
        status = run_code(plan->reader, field, value->pattern.parts[0], &range.first, error);
        range.last = range.first;
    } else if (value->kind == VALUE_TEXT) {
        status = run_codes_prefixed(plan->reader, field, value->pattern.parts[0], &range, error);
    }
    if (status == TALLY_OK)
        *range_out = range;
    return status;
}

static tally_status
ranges_of_values(struct plan *plan, const struct filter_term *term, struct plan_column *column,
                 struct tally_error *error)
{
    for (uint32_t i = 0; i < term->value_count; i++) {
        struct code_range range;
        tally_status status = range_of_value(plan, column->field, &term->values[i], &range, error);
        if (status != TALLY_OK)
            return status;
        if (range.first != 0)
            (void)insert_range(column, &range); /* there is room for one a value */
    }
    return TALLY_OK;
}

/*
 * Truth tables.
 */

static bool
code_learn(struct plan *plan, const struct plan_node *node, struct plan_column *column,
           uint32_t code)
{
    bool yes = term_match_value(node->term, column->field,
                                dictionary_value(&column->dictionary, code), plan->scratch);
    column->truth[code] = yes ? TRUTH_YES : TRUTH_NO;
    return yes;
}

static void
code_mark(struct plan_column *column, uint32_t code)
{
    column->truth[code] = TRUTH_YES;
    column->first_true = code < column->first_true ? code : column->first_true;
    column->last_true = code > column->last_true ? code : column->last_true;
}

/* Equality with many values: single codes, whose values stand where the dictionary says. */
static tally_status
truth_fill_exact(struct plan *plan, const struct filter_term *term, struct plan_column *column,
                 struct tally_error *error)
{
    for (uint32_t i = 0; i < term->value_count; i++) {
        uint32_t code;
        tally_status status =
            run_code(plan->reader, column->field, term->values[i].pattern.parts[0], &code, error);
        if (status != TALLY_OK)
            return status;
        if (code != 0)
            code_mark(column, code);
    }
    return TALLY_OK;
}

static tally_status
truth_fill(struct plan *plan, const struct plan_node *node, struct plan_column *column,
           struct tally_error *error)
{
    uint32_t count = column->dictionary.count;

    column->first_true = UINT32_MAX;
    column->last_true = 0;
    memset(column->truth, TRUTH_NO, count + 1);
    if (node->exact)
        return truth_fill_exact(plan, node->term, column, error);
    if (count > EAGER_VALUES_MAX) {
        memset(column->truth + 1, TRUTH_UNKNOWN, count);
        column->first_true = 1;
        column->last_true = count;
        return TALLY_OK;
    }
    bool ranges = true;
    for (uint32_t code = 1; code <= count; code++) {
        if (!code_learn(plan, node, column, code))
            continue;
        code_mark(column, code);
        ranges = ranges && add_range(column, code, code);
    }
    column->by_ranges = ranges;
    return TALLY_OK;
}

/* Makes a truth table for the run's dictionary. */
static tally_status
table_learn(struct plan *plan, const struct plan_node *node, struct plan_column *column,
            struct tally_error *error)
{
    if (column->truth_capacity < column->dictionary.count + 1) {
        uint8_t *truth = realloc(column->truth, column->dictionary.count + 1);
        if (truth == NULL)
            return memory_fault(error);
        column->truth = truth;
        column->truth_capacity = column->dictionary.count + 1;
    }
    return truth_fill(plan, node, column, error);
}

/* A table is of the dictionary, which goes with the reader: where values may still be compared, it is
 * asked for anew. Equality looks at no value but those it asks for. */
static tally_status
dictionary_open(struct plan *plan, const struct plan_node *node, struct plan_column *column,
                struct tally_error *error)
{
    tally_status status =
        node->exact ? run_value_count(plan->reader, column->field, &column->dictionary.count, error)
                    : run_dictionary(plan->reader, column->field, &column->dictionary, error);
    column->opened = status == TALLY_OK;
    return status;
}

tally_status
codes_learn(struct plan *plan, const struct plan_node *node, struct plan_column *column,
            struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (column->learned && (column->by_ranges || column->opened))
        return TALLY_OK;
    if (!column->learned && values_are_ranges(plan, node->term)) {
        column->range_count = 0;
        status = ranges_of_values(plan, node->term, column, error);
        column->by_ranges = true;
        column->learned = status == TALLY_OK;
        return status;
    }
    status = dictionary_open(plan, node, column, error);
    if (status != TALLY_OK || column->learned)
        return status;
    column->range_count = 0;
    column->by_ranges = false;
    status = table_learn(plan, node, column, error);
    column->learned = status == TALLY_OK;
    return status;
}

/*
 * Asking.
 */

/* What a page whose codes are from `minimum` to `maximum` may say. */
bool
codes_possible(const struct plan_column *column, const struct page_summary *summary)
{
    if (!column->by_ranges) {
        if (summary->constant)
            return column->truth[summary->minimum] != TRUTH_NO;
        return summary->minimum <= column->last_true && summary->maximum >= column->first_true;
    }
    for (uint32_t i = 0; i < column->range_count; i++) {
        if (summary->minimum <= column->ranges[i].last &&
            summary->maximum >= column->ranges[i].first)
            return true;
    }
    return false;
}

bool
codes_hold(const struct plan_column *column, const struct page_summary *summary)
{
    if (!column->by_ranges)
        return column->truth[summary->minimum] == TRUTH_YES;
    return codes_possible(column, summary);
}

/* 64 codes at a time: a table look-up each, whether the row is alive or not. */
static void
ask_table(struct plan *plan, const struct plan_node *node, struct plan_column *column,
          const struct page *page, const struct row_set *alive, struct row_set *out)
{
    for (uint32_t word = 0; word * 64 < page->rows; word++) {
        uint32_t left = page->rows - word * 64;
        uint32_t count = left < 64 ? left : 64;
        const uint32_t *codes = page->codes + word * 64;
        uint64_t yes = 0, unknown = 0;
        if (alive->words[word] == 0)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t truth = column->truth[codes[i]];
            yes |= (truth & 1) << i;
            unknown |= (truth >> 1) << i;
        }
        for (unknown &= alive->words[word]; unknown != 0; unknown &= unknown - 1) {
            unsigned i = (unsigned)__builtin_ctzll(unknown);
            uint8_t truth = column->truth[codes[i]];
            if (truth == TRUTH_YES ||
                (truth == TRUTH_UNKNOWN && code_learn(plan, node, column, codes[i])))
                yes |= UINT64_C(1) << i;
        }
        out->words[word] |= yes & alive->words[word];
    }
}

tally_status
codes_ask(struct plan *plan, const struct plan_node *node, struct plan_column *column,
          const struct page_question *question, struct tally_error *error)
{
    tally_status status = codes_learn(plan, node, column, error);
    if (status == TALLY_OK && !column->by_ranges) {
        struct page page;
        status = run_page(plan->reader, column->field, question->page, &page, error);
        if (status == TALLY_OK && page.kind == PAGE_CODES)
            ask_table(plan, node, column, &page, question->alive, question->out);
        return status;
    }
    for (uint32_t i = 0; i < column->range_count && status == TALLY_OK; i++)
        status = run_codes_in(plan->reader, column->field, question->page, &column->ranges[i],
                              question->alive, question->out, error);
    return status;
}
