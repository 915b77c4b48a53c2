/*
 * Asking one column. plan.c says how it fits together.
 */
#include "fault.h"
#include "plan_parts.h"

#include <stdlib.h>

/* Dictionaries of at most this many values are gone through when they are met. */
#define EAGER_VALUES_MAX 4096u

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

/* Equality: single codes, whose values stand where the dictionary says. */
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

/* Begins a table for the run's dictionary. */
static tally_status
truth_fill(struct plan *plan, const struct plan_node *node, struct plan_column *column,
           struct tally_error *error)
{
    uint32_t count = column->dictionary.count;

    column->truth_size = count + 1;
    column->first_true = UINT32_MAX;
    column->last_true = 0;
    memset(column->truth, TRUTH_NO, column->truth_size);
    if (node->exact)
        return truth_fill_exact(plan, node->term, column, error);
    if (count <= EAGER_VALUES_MAX) {
        for (uint32_t code = 1; code <= count; code++) {
            if (code_learn(plan, node, column, code))
                code_mark(column, code);
        }
    } else {
        memset(column->truth + 1, TRUTH_UNKNOWN, count);
        column->first_true = 1;
        column->last_true = count;
    }
    return TALLY_OK;
}

/* Makes the column's dictionary and truth table ready for the run. */
static tally_status
column_learn(struct plan *plan, const struct plan_node *node, struct plan_column *column,
             struct tally_error *error)
{
    if (!column->opened) {
        /* Equality looks at no value but those it asks for. */
        tally_status status =
            node->exact
                ? run_value_count(plan->reader, column->field, &column->dictionary.count, error)
                : run_dictionary(plan->reader, column->field, &column->dictionary, error);
        if (status != TALLY_OK)
            return status;
        column->opened = true;
    }
    if (column->learned)
        return TALLY_OK;
    if (column->truth_capacity < column->dictionary.count + 1) {
        uint8_t *truth = realloc(column->truth, column->dictionary.count + 1);
        if (truth == NULL)
            return memory_fault(error);
        column->truth = truth;
        column->truth_capacity = column->dictionary.count + 1;
    }
    tally_status status = truth_fill(plan, node, column, error);
    column->learned = status == TALLY_OK;
    return status;
}

/*
 * Summaries: whether a page can have matches, without decoding it.
 */

static bool
times_possible(const struct filter_term *term, const struct page_summary *summary)
{
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        if (value->kind != VALUE_TIME ||
            (value->times.first <= summary->maximum && value->times.last >= summary->minimum))
            return true;
    }
    return false;
}

tally_status
column_possible(struct plan *plan, const struct plan_node *node, struct plan_column *column,
                uint32_t page, bool *possible_out, struct tally_error *error)
{
    struct page_summary summary;
    tally_status status = run_page_summary(plan->reader, column->field, page, &summary, error);
    if (status != TALLY_OK)
        return status;
    *possible_out = summary.kind != PAGE_ABSENT;
    if (!summary.known || summary.kind == PAGE_ABSENT)
        return TALLY_OK;
    if (summary.kind == PAGE_NUMBERS && fields[column->field].type == TYPE_TIME)
        *possible_out = times_possible(node->term, &summary);
    if (summary.kind != PAGE_CODES)
        return TALLY_OK;

    status = column_learn(plan, node, column, error);
    if (status != TALLY_OK)
        return status;
    *possible_out = summary.minimum <= column->last_true && summary.maximum >= column->first_true;
    if (*possible_out && summary.constant)
        *possible_out = column->truth[summary.minimum] != TRUTH_NO;
    return TALLY_OK;
}

/*
 * Rows.
 */

/* Codes, 64 at a time: a table look-up each, whether the row is alive or not. */
static void
ask_codes(struct plan *plan, const struct plan_node *node, struct plan_column *column,
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

/* Numbers and times. Exceptions, and what is compared as text, are spelled out. */
static bool
number_matches(struct plan *plan, const struct plan_node *node, const struct page *page,
               uint32_t row)
{
    const struct filter_term *term = node->term;
    enum field_id field = term->field;
    uint8_t form = page->forms[row];
    bool time = fields[field].type == TYPE_TIME;
    bool spelled = form == NUMBER_EXCEPTION && !time;
    int64_t key = page->keys[row];

    if (form == NUMBER_ABSENT)
        return false;
    for (uint32_t i = 0; i < term->value_count && !spelled; i++) {
        const struct filter_value *value = &term->values[i];
        if (value->kind == VALUE_PRESENT)
            return true;
        if (value->kind == VALUE_TIME && key >= value->times.first && key <= value->times.last)
            return true;
        if (value->kind == VALUE_NUMBER && key >= node->ranges[i].low[form] &&
            key <= node->ranges[i].high[form])
            return true;
        spelled = value->kind == VALUE_TEXT;
    }
    if (!spelled)
        return false;
    char text[PAGE_TEXT_MAX];
    struct bytes value = page_value(page, NULL, fields[field].column, row, text);
    return term_match_value(term, field, value, plan->scratch);
}

static bool
id_matches(const struct plan_node *node, const struct page *page, uint32_t row)
{
    for (uint32_t i = 0; i < node->term->value_count; i++) {
        const struct plan_id *id = &node->ids[i];
        if (id->form == page->forms[row] && memcmp(id->id, page->ids[row], 16) == 0)
            return true;
    }
    return false;
}

static void
ask_numbers(struct plan *plan, const struct plan_node *node, const struct page *page,
            const struct row_set *alive, struct row_set *out)
{
    for (uint32_t row = row_set_next(alive, 0); row < page->rows;
         row = row_set_next(alive, row + 1)) {
        if (number_matches(plan, node, page, row))
            row_set_add(out, row);
    }
}

static void
ask_ids(struct plan *plan, const struct plan_node *node, enum field_id field,
        const struct page *page, const struct row_set *alive, struct row_set *out)
{
    for (uint32_t row = row_set_next(alive, 0); row < page->rows;
         row = row_set_next(alive, row + 1)) {
        uint8_t form = page->forms[row];
        if (form != ID_EXCEPTION && (node->ids != NULL || node->no_hex)) {
            if (node->ids != NULL && id_matches(node, page, row))
                row_set_add(out, row);
            continue;
        }
        char text[PAGE_TEXT_MAX];
        struct bytes value = page_value(page, NULL, fields[field].column, row, text);
        if (value.data != NULL && term_match_value(node->term, field, value, plan->scratch))
            row_set_add(out, row);
    }
}

/* Row by row, whatever the column: of texts only the blocks that have such rows are decoded. */
static tally_status
ask_values(struct plan *plan, const struct plan_node *node, enum field_id field, uint32_t page,
           const struct row_set *alive, struct row_set *out, struct tally_error *error)
{
    for (uint32_t row = row_set_next(alive, 0); row < PAGE_ROWS;
         row = row_set_next(alive, row + 1)) {
        struct bytes value;
        tally_status status = run_value(plan->reader, field, page * PAGE_ROWS + row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && term_match_value(node->term, field, value, plan->scratch))
            row_set_add(out, row);
    }
    return TALLY_OK;
}

tally_status
column_ask(struct plan *plan, const struct plan_node *node, struct plan_column *column,
           uint32_t number, const struct row_set *alive, struct row_set *out,
           struct tally_error *error)
{
    struct page_summary summary;
    struct page page;
    bool possible;
    tally_status status = column_possible(plan, node, column, number, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = run_page_summary(plan->reader, column->field, number, &summary, error);
    if (status != TALLY_OK)
        return status;
    if (summary.kind == PAGE_VALUES) {
        column->asked[ACCESS_VALUES]++;
        return ask_values(plan, node, column->field, number, alive, out, error);
    }
    status = run_page(plan->reader, column->field, number, &page, error);
    if (status != TALLY_OK)
        return status;

    switch (page.kind) {
    case PAGE_CODES:
        column->asked[ACCESS_CODES]++;
        status = column_learn(plan, node, column, error);
        if (status == TALLY_OK)
            ask_codes(plan, node, column, &page, alive, out);
        return status;
    case PAGE_NUMBERS:
        if (node->term->target != TARGET_FIELD)
            break;
        column->asked[ACCESS_NUMBERS]++;
        ask_numbers(plan, node, &page, alive, out);
        return TALLY_OK;
    case PAGE_IDS:
        column->asked[ACCESS_IDS]++;
        ask_ids(plan, node, column->field, &page, alive, out);
        return TALLY_OK;
    case PAGE_ABSENT:
        return TALLY_OK;
    case PAGE_VALUES:
        break;
    }
    column->asked[ACCESS_VALUES]++;
    return ask_values(plan, node, column->field, number, alive, out, error);
}
